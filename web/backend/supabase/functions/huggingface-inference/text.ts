/**
 * Text: the router's chat completions, and for models that no chat server has, the model's own endpoint. Whole or in parts.
 */
import { Refusal } from '../_shared/answer.ts';
import { ask, type Counted, estimate, type Inference, messageIn } from './inference.ts';
import type { Observation } from './observe.ts';

const chatParameters = [
  'temperature',
  'top_p',
  'stop',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'response_format',
];
const kMostInputs = 1_048_576;
const kMostLine = 1_048_576;
type Finish = (seen: Omit<Observation, 'model' | 'totalMs'>) => Promise<{ cost: number | null; totalMs: number }>;
interface Usage {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
}

export async function text(inference: Inference): Promise<Counted & { result: [{ generated_text: string }] }> {
  const prompt = promptOf(inference.inputs);
  const response = await open(inference, false);
  const value = (await response.json().catch(() => undefined)) as unknown;
  const said = wholeText(value);
  if (said === undefined) throw new Refusal(502, 'upstream-error', 'Hugging Face answered with no text.');
  const usage = (value as { usage?: Usage }).usage;
  return { result: [{ generated_text: said }], ...counted(usage, prompt, said), prompt, answer: said };
}

export async function streamText(inference: Inference, began: number, finish: Finish): Promise<Response> {
  const prompt = promptOf(inference.inputs);
  const response = await open(inference, true);
  const encoder = new TextEncoder();
  const frame = (value: unknown) =>
    encoder.encode(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  const source = (response.body ?? new ReadableStream()).getReader();
  const lines = new Lines();
  const decoder = new TextDecoder();
  const state = {
    said: '',
    usage: undefined as Usage | undefined,
    firstPartMs: undefined as number | undefined,
    ended: false,
  };
  const first = () => (state.firstPartMs === undefined ? {} : { firstPartMs: state.firstPartMs });

  /** The text a frame adds. Throws what it says went wrong. */
  const hear = (data: string): string => {
    if (data === '' || data === '[DONE]') return '';
    let value: Record<string, unknown>;
    try {
      value = JSON.parse(data) as Record<string, unknown>;
    } catch {
      return '';
    }
    if (value === null || typeof value !== 'object') return '';
    if (value.error !== undefined && value.error !== null)
      throw new Refusal(502, 'upstream-error', messageIn(data).message ?? 'Hugging Face broke off.');
    if (typeof value.usage === 'object' && value.usage !== null) state.usage = value.usage;
    const choice = (value.choices as { delta?: { content?: unknown } }[] | undefined)?.[0];
    const token = value.token as { text?: unknown; special?: unknown } | undefined;
    const part = token !== undefined ? (token.special === true ? '' : token.text) : choice?.delta?.content;
    return typeof part === 'string' ? part : '';
  };

  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await source.read();
          let added = '';
          for (const line of done ? lines.end(decoder.decode()) : lines.push(decoder.decode(value, { stream: true })))
            added += hear(line);
          if (added !== '') {
            state.firstPartMs ??= Math.round(performance.now() - began);
            state.said += added;
            controller.enqueue(frame({ text: added }));
          }
          if (done) {
            state.ended = true;
            const { cost, totalMs } = await finish({
              kind: 'complete',
              ...counted(state.usage, prompt, state.said),
              ...first(),
              prompt,
              answer: state.said,
            });
            controller.enqueue(
              frame({
                success: true,
                result: [{ generated_text: state.said }],
                cost_credits: cost,
                latency_ms: totalMs,
              }),
            );
            controller.enqueue(frame('[DONE]'));
            controller.close();
            return;
          }
          if (added !== '') return;
        }
      } catch (error) {
        if (state.ended) return;
        state.ended = true;
        source.cancel().catch(() => undefined);
        const refusal =
          error instanceof Refusal ? error : new Refusal(502, 'upstream-error', 'Hugging Face broke off.');
        await finish({
          kind: refusal.code === 'caller-left' ? 'cancel' : 'error',
          errorClass: refusal.code,
          ...counted(state.usage, prompt, state.said),
          ...first(),
        });
        controller.enqueue(frame({ success: false, error: refusal.message, code: refusal.code }));
        controller.enqueue(frame('[DONE]'));
        controller.close();
      }
    },
    async cancel() {
      if (state.ended) return;
      state.ended = true;
      await source.cancel().catch(() => undefined);
      await finish({ kind: 'cancel', ...counted(state.usage, prompt, state.said), ...first() });
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } });
}

async function open(inference: Inference, stream: boolean): Promise<Response> {
  const { model, inputs, parameters } = inference;
  const accept = stream ? 'text/event-stream' : 'application/json';
  const length = parameters.max_tokens ?? parameters.max_new_tokens;
  const kept = Object.fromEntries(
    chatParameters.filter((name) => parameters[name] !== undefined).map((name) => [name, parameters[name]]),
  );
  const chat = {
    model,
    messages: typeof inputs === 'string' ? [{ role: 'user', content: inputs }] : inputs,
    ...kept,
    ...(length !== undefined && { max_tokens: length }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  };
  try {
    return await ask(inference, '/v1/chat/completions', chat, accept);
  } catch (error) {
    const noChat =
      error instanceof Refusal &&
      ['upstream-refused', 'model-not-served'].includes(error.code) &&
      /not a chat model|chat template|template not found|not supported by (any )?provider|model_not_supported|does not exist|not found/i.test(
        error.message,
      );
    if (!noChat || typeof inputs !== 'string') throw error;
    const { max_tokens: _, ...others } = parameters;
    return ask(
      inference,
      `/hf-inference/models/${model}`,
      {
        inputs,
        parameters: { ...others, ...(length !== undefined && { max_new_tokens: length }), return_full_text: false },
        ...(stream && { stream: true }),
      },
      accept,
    );
  }
}

/** The prompt as one text. Throws 400 for what is neither text nor messages. */
function promptOf(inputs: unknown): string {
  if (typeof inputs === 'string' && inputs !== '' && inputs.length <= kMostInputs) return inputs;
  const messages =
    Array.isArray(inputs) && inputs.length > 0 && inputs.length <= 1000 ? (inputs as unknown[]) : [undefined];
  const texts = messages.map((message) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    const fits = typeof content === 'string' && typeof role === 'string' && /^(system|user|assistant)$/.test(role);
    if (!fits || content.length > kMostInputs)
      throw new Refusal(400, 'invalid-field', 'inputs must be text, or messages of { role, content }.');
    return content;
  });
  return texts.join('\n');
}

function wholeText(value: unknown): string | undefined {
  const one = (Array.isArray(value) ? value[0] : value) as Record<string, unknown> | undefined;
  const choice = (one?.choices as { message?: { content?: unknown }; text?: unknown }[] | undefined)?.[0];
  return [one?.generated_text, choice?.message?.content, choice?.text].find(
    (each): each is string => typeof each === 'string',
  );
}

function counted(usage: Usage | undefined, prompt: string, said: string): Counted {
  const { prompt_tokens: input, completion_tokens: output } = usage ?? {};
  return typeof input === 'number' && typeof output === 'number' && input >= 0 && output >= 0
    ? { inputTokens: input, outputTokens: output, tokensEstimated: false }
    : { inputTokens: estimate(prompt), outputTokens: estimate(said), tokensEstimated: true };
}

/** The data of server-sent events: `data:` with a space or without, any line end, and llama.cpp's field `error`. */
class Lines {
  #rest = '';
  #data: string[] = [];

  push(text: string): string[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?=[^\n])/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > kMostLine) throw new Refusal(502, 'upstream-too-large', 'The answer is too large.');
    return lines.flatMap((line) => this.#line(line));
  }

  end(text: string): string[] {
    return [...this.push(`${text}\n`), ...this.#line('')];
  }

  #line(line: string): string[] {
    if (line === '') {
      const data = this.#data.join('\n');
      this.#data = [];
      return data === '' ? [] : [data];
    }
    const [, field, value] = /^(data|error): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') this.#data.push(value ?? '');
    if (field === 'error')
      return [`{"error":${/^\s*[[{"]/.test(value ?? '') ? (value ?? '') : JSON.stringify(value)}}`];
    return [];
  }
}
