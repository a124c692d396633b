/**
 * Clients of the built package against a fetch of the test's own: what was asked is written down, what is answered is
 * up to the test, and a stream can be fed part by part. Test code.
 */
import { setImmediate as tick } from 'node:timers/promises';

import { createClient } from '../../dist/index.js';
import type { Client, ClientConfig, Decision, Reply, StreamPart, UsageEvent, Warning } from '../../js/types.ts';

export interface Call {
  url: string;
  host: string;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
  signal: AbortSignal;
}
export type Answer = (call: Call, index: number) => Response | Promise<Response>;

export class Models {
  readonly calls: Call[] = [];
  answer: Answer;

  constructor(answer: Answer = () => chat('Hello.')) {
    this.answer = answer;
  }

  readonly fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const signal = init.signal ?? new AbortController().signal;
    const call: Call = {
      url: String(url),
      host: new URL(String(url)).hostname,
      headers: new Headers(init.headers),
      json: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
      signal,
    };
    this.calls.push(call);
    signal.throwIfAborted();
    return await this.answer(call, this.calls.length - 1);
  };
}

/** A chat completion as an event stream. */
export function chat(
  text: string | readonly string[],
  more: { finish?: string; model?: string; usage?: { prompt_tokens: number; completion_tokens: number } } = {},
): Response {
  const parts = typeof text === 'string' ? [text] : text;
  const frames = parts.map((content) => frame({ content }, null, more.model));
  frames.push(frame({}, more.finish ?? 'stop', more.model));
  if (more.usage !== undefined) frames.push(`data: ${JSON.stringify({ choices: [], usage: more.usage })}\n\n`);
  return sse(`${frames.join('')}data: [DONE]\n\n`);
}
export function frame(delta: object, finish: string | null = null, model = 'tiny'): string {
  return `data: ${JSON.stringify({ model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}
export function sse(body: BodyInit): Response {
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
/** A Gradio app with one endpoint, a text in and those outputs, whose queue says what it is told to. */
export const gradioApp =
  (say: () => BodyInit, output = 'textbox', ...more: string[]): Answer =>
  ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === '/config') {
      const components = ['textbox', output, ...more].map((type, i) => ({ id: i + 1, type, props: {} }));
      return json({
        version: '5.49.0',
        protocol: 'sse_v3',
        api_prefix: '/gradio_api',
        components,
        dependencies: [{ id: 0, api_name: 'chat', inputs: [1], outputs: components.slice(1).map(({ id }) => id) }],
      });
    }
    if (pathname.endsWith('/queue/join')) return json({ event_id: 'e' });
    return pathname.endsWith('/queue/data') ? sse(say()) : json({});
  };
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** A chat stream that says what it is told, when it is told. */
export class Feed {
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly #encoder = new TextEncoder();
  cancelled = false;
  readonly response: Response;

  constructor(signal?: AbortSignal) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => void (this.cancelled = true),
    });
    signal?.addEventListener('abort', () => (this.cancelled = true));
    this.response = sse(body);
  }
  raw(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text));
  }
  say(text: string): void {
    this.raw(frame({ content: text }));
  }
  end(finish = 'stop'): void {
    this.raw(`${frame({}, finish)}data: [DONE]\n\n`);
    this.#controller.close();
  }
  close(): void {
    this.#controller.close();
  }
  break(): void {
    this.#controller.error(new TypeError('terminated'));
  }
}

export interface Bench {
  client: Client;
  models: Models;
  usage: UsageEvent[];
  warnings: Warning[];
  decisions: Decision[];
}
const open: Client[] = [];

/** A client with one OpenAI-compatible provider, unless the test says otherwise; in memory. */
export function bench(config: ClientConfig = {}, answer?: Answer): Bench {
  const models = new Models(answer);
  const client = createClient({
    storage: 'memory',
    ...(config.spaces === undefined && config.providers === undefined && { providers: { openai } }),
    fetch: models.fetch as typeof fetch,
    ...config,
  });
  open.push(client);
  const usage: UsageEvent[] = [];
  const warnings: Warning[] = [];
  const decisions: Decision[] = [];
  client.on('usage', (event) => usage.push(event));
  client.on('warning', (warning) => warnings.push(warning));
  client.on('decision', (decision) => decisions.push(decision));
  return { client, models, usage, warnings, decisions };
}
export const openai = { baseUrl: 'https://model.test/v1', model: 'tiny' };
/** A Space with a host of its own that speaks chat completions: nothing is looked up. */
export const space = (host: string, more: object = {}) => ({
  url: `https://${host}.test`,
  protocol: 'openai' as const,
  model: 'tiny',
  ...more,
});

export function closeAll(): void {
  for (const client of open.splice(0)) client.close();
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export async function failureOf(work: Promise<unknown>): Promise<any> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail.');
}

export async function read(stream: AsyncIterable<StreamPart>): Promise<{ text: string; parts: string[] }> {
  let text = '';
  const parts: string[] = [];
  for await (const part of stream) {
    if (part.type === 'status') continue;
    text = part.type === 'replace' ? part.text : text + part.text;
    parts.push(part.text);
  }
  return { text, parts };
}

/** Lets what is under way go on until it waits for something outside. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i += 1) await tick();
}
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000; i += 1) {
    if (condition()) return;
    await tick();
  }
  throw new Error(`It never became true: ${String(condition)}`);
}

export const because = (reply: Reply): string[] => reply.trace.steps.map((step) => step.because);
export const stepsOf = (reply: Reply): string[] =>
  reply.trace.steps.map(({ step, outcome, target = '' }) => `${step} ${target} ${outcome}`.replace('  ', ' '));
