/** The tasks whose answer comes whole, each with its one shape whatever the server sent. */
import { Buffer } from 'node:buffer';

import { Refusal } from '../_shared/answer.ts';
import { ask, type Counted, estimate, type Inference } from './inference.ts';
import { text } from './text.ts';

type Task = (inference: Inference) => Promise<Counted & { result: unknown }>;

export const tasks = {
  'text-generation': text,
  'text-to-image': picture,
  'feature-extraction': vectors,
  'image-classification': labels,
} satisfies Record<string, Task>;

const kMostTexts = 256;
const kMostText = 100_000;
const kMostImage = 20_971_520;

async function picture(inference: Inference): Promise<Counted & { result: { image: string } }> {
  const { model, inputs, parameters } = inference;
  if (typeof inputs !== 'string' || inputs === '' || inputs.length > kMostText)
    throw new Refusal(400, 'invalid-field', 'inputs must be text that describes the image.');
  const response = await ask(
    inference,
    `/hf-inference/models/${model}`,
    { inputs, parameters },
    'image/png, image/jpeg, application/json',
  );
  const type = /^[\w/+.-]+/.exec(response.headers.get('content-type') ?? '')?.[0]?.toLowerCase() ?? '';
  if (/^image\/(png|jpeg|webp)$/.test(type)) {
    const bytes = await response.arrayBuffer();
    if (bytes.byteLength > kMostImage) throw new Refusal(502, 'upstream-too-large', 'The image is too large.');
    return {
      result: { image: `data:${type};base64,${Buffer.from(bytes).toString('base64')}` },
      images: 1,
      prompt: inputs,
    };
  }
  const value = (await response.json().catch(() => undefined)) as Record<string, unknown> | undefined;
  const one = [value?.data, value?.images, value?.output].find(Array.isArray)?.[0] as unknown;
  const { b64_json: encoded, url } = (typeof one === 'object' && one !== null ? one : { url: one }) as Record<
    string,
    unknown
  >;
  if (typeof encoded === 'string')
    return { result: { image: `data:image/png;base64,${encoded}` }, images: 1, prompt: inputs };
  // Not fetched from here: the page does, or does not.
  if (typeof url === 'string' && /^https:\/\//.test(url)) return { result: { image: url }, images: 1, prompt: inputs };
  throw new Refusal(502, 'upstream-error', 'Hugging Face answered with no image.');
}

async function vectors(inference: Inference): Promise<Counted & { result: unknown }> {
  const { model, inputs, parameters } = inference;
  const texts = Array.isArray(inputs) ? (inputs as unknown[]) : [inputs];
  if (
    texts.length === 0 ||
    texts.length > kMostTexts ||
    texts.some((each) => typeof each !== 'string' || each === '' || each.length > kMostText)
  )
    throw new Refusal(400, 'invalid-field', `inputs must be a text, or a list of 1 to ${String(kMostTexts)}.`);
  const response = await ask(inference, `/hf-inference/models/${model}/pipeline/feature-extraction`, {
    inputs,
    parameters,
  });
  const value = (await response.json().catch(() => undefined)) as unknown;
  const found = Array.isArray(inputs) ? each(value, texts.length) : pooled(value);
  if (found === undefined) throw new Refusal(502, 'upstream-error', 'Hugging Face answered with no vector.');
  const tokens = texts.reduce<number>((sum, one) => sum + estimate(one as string), 0);
  return { result: found, inputTokens: tokens, outputTokens: 0, tokensEstimated: true };
}

/** One vector for each of `count` texts. */
function each(value: unknown, count: number): number[][] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (value.length !== count) return value.length === 1 ? each(value[0], count) : undefined;
  const found = value.map(pooled);
  return found.every((vector) => vector !== undefined) ? found : undefined;
}

/** A vector of whatever depth: one for each token (or layer of lists) becomes their mean. */
function pooled(value: unknown, depth = 0): number[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || depth > 5) return undefined;
  if (value.every((each) => typeof each === 'number')) return value;
  const inner = value.map((each) => pooled(each, depth + 1));
  const [first] = inner;
  if (first === undefined) return undefined;
  const sum = new Array<number>(first.length).fill(0);
  for (const vector of inner) {
    if (vector?.length !== first.length) return undefined;
    for (const [index, number] of vector.entries()) sum[index] = (sum[index] ?? 0) + number;
  }
  return inner.length === 1 ? first : sum.map((total) => total / inner.length);
}

async function labels(inference: Inference): Promise<Counted & { result: { label: string; score: number }[] }> {
  const [, type, encoded] =
    /^(?:data:(image\/(?:png|jpeg|webp|gif|bmp));base64,)?([A-Za-z0-9+/\s]+={0,2})\s*$/.exec(
      typeof inference.inputs === 'string' ? inference.inputs : '',
    ) ?? [];
  if (encoded === undefined)
    throw new Refusal(400, 'invalid-field', 'inputs must be an image as base64 or as a data URL.');
  const bytes = new Uint8Array(Buffer.from(encoded, 'base64'));
  const image = new Blob([bytes], { type: type ?? typeOf(bytes) });
  const response = await ask(inference, `/hf-inference/models/${inference.model}`, image);
  const value = (await response.json().catch(() => undefined)) as unknown;
  const list = Array.isArray(value) && Array.isArray(value[0]) ? (value[0] as unknown[]) : value;
  if (!Array.isArray(list)) throw new Refusal(502, 'upstream-error', 'Hugging Face answered with no labels.');
  const result = (list as { label?: unknown; score?: unknown }[]).flatMap(({ label, score }) =>
    typeof label === 'string' && typeof score === 'number' ? [{ label, score }] : [],
  );
  return { result: result.sort((a, b) => b.score - a.score), images: 0 };
}

function typeOf(bytes: Uint8Array): string {
  const begin = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (begin.startsWith('\x89PNG')) return 'image/png';
  if (begin.startsWith('GIF8')) return 'image/gif';
  return begin.startsWith('RIFF') && begin.endsWith('WEBP') ? 'image/webp' : 'image/jpeg';
}
