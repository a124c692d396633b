/** One call to a model of Hugging Face, and what its failures mean to the page: the messages are those of the requirements. */
import { Refusal } from '../_shared/answer.ts';
import { settings } from '../_shared/settings.ts';
import { call } from '../_shared/upstream.ts';

export interface Inference {
  model: string;
  inputs: unknown;
  parameters: Record<string, unknown>;
  key: string;
  signal: AbortSignal;
}
export interface Counted {
  inputTokens?: number;
  outputTokens?: number;
  tokensEstimated?: boolean;
  images?: number;
  prompt?: string;
  answer?: string;
}
const kLoadingSeconds = 5;
const kMostAnswer = 33_554_432;
const kMostError = 65_536;

export const badKey = () => new Refusal(401, 'invalid-key', 'Invalid or missing HUGGINGFACE_API_KEY');

/** Resolves to an answer with a good status, else throws what the page is told. `path` below the router. */
export async function ask(
  { key, signal }: Inference,
  path: string,
  body: unknown,
  accept = 'application/json',
): Promise<Response> {
  const raw = body instanceof Blob;
  const response = await call({
    url: `${settings().routerUrl}${path}`,
    method: 'POST',
    headers: { accept, 'content-type': raw ? body.type : 'application/json' },
    body: raw ? body : JSON.stringify(body),
    key,
    signal,
    mostBytes: kMostAnswer,
  });
  if (response.ok) return response;
  throw await failureOf(response);
}

async function failureOf(response: Response): Promise<Refusal> {
  const text = await response.text().catch(() => '');
  const told = messageIn(text.slice(0, kMostError));
  const wait = Number(response.headers.get('retry-after'));
  const after = (seconds: number) => ({ 'retry-after': String(Math.min(3600, Math.max(1, Math.ceil(seconds)))) });
  switch (response.status) {
    case 429:
      return new Refusal(
        429,
        'upstream-rate-limited',
        'HuggingFace rate limit exceeded. Please try again later.',
        after(wait > 0 ? wait : 30),
      );
    case 503:
      return new Refusal(
        503,
        'model-loading',
        'Model is loading. Please try again in a few seconds.',
        after(told.estimatedTime ?? kLoadingSeconds),
      );
    case 401:
      return badKey();
    case 402:
      return new Refusal(402, 'upstream-credits', 'The included credits of the Hugging Face account are used up.');
    case 403:
      return new Refusal(403, 'upstream-forbidden', 'The key of Hugging Face may not use this model.');
    case 404:
      return new Refusal(404, 'model-not-served', told.message ?? 'Hugging Face does not serve this model.');
    case 400:
    case 413:
    case 422:
      return new Refusal(400, 'upstream-refused', told.message ?? 'Hugging Face refused the inputs.');
    default:
      return new Refusal(502, 'upstream-error', `Hugging Face answered with status ${String(response.status)}.`);
  }
}

/** What a body says went wrong, in any of the shapes that servers use; at most 500 characters. */
export function messageIn(text: string): { message?: string; estimatedTime?: number } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return /^\s*</.test(text) || text.trim() === '' ? {} : { message: text.trim().slice(0, 500) };
  }
  if (typeof value !== 'object' || value === null) return {};
  const { error, message, detail, estimated_time: time } = value as Record<string, unknown>;
  const inner = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
  const found = [inner, message, detail].find((each): each is string => typeof each === 'string' && each !== '');
  return {
    ...(found !== undefined && { message: found.slice(0, 500) }),
    ...(typeof time === 'number' && time > 0 && { estimatedTime: time }),
  };
}

/** Without a tokenizer: four characters are about one token. */
export function estimate(text: string): number {
  return Math.ceil(text.length / 4);
}
