/**
 * Which protocol a server speaks. Gradio is looked for before the plain contract, because Gradio 4 answers
 * `POST /api/generate` too. In order, unless the Hub's `sdk` says better: `/config` -> Gradio, `/v1/models` -> OpenAI's
 * shape (llama.cpp, vLLM and others; TGI answers it as well and is told apart by `/info`), `/info` with `model_id` ->
 * TGI, and else the plain contract. Streamlit and static Spaces have no API and are refused with what to do instead.
 *
 * A probe that a page cannot read (404 without CORS headers) looks like a dead network, so it only means "not this
 * one" after `explain` had its say: it throws when the Space is not running. Wanting credentials, being overloaded,
 * timeouts and aborts end the detection as failures.
 */
import type { Http } from '../http.js';
import type { Protocol } from '../types.js';
import { CallFailure } from './call-failure.js';
import { type GradioConfig, parseGradioConfig } from './gradio-config.js';
import { findEndpoint } from './gradio-endpoint.js';
import { isObject } from './json.js';
import { firstModelId } from './openai.js';
import { defaultEndpoint } from './plain.js';

export interface DetectContext {
  base: string;
  http: Http;
  /** As configured. */
  endpoint: string | undefined;
  /** As the Hub says, when it was asked. */
  sdk: string | undefined;
  /** Hears of a probe that failed on the network or at a proxy; throws when the Space's stage explains it. */
  explain: (failure: CallFailure, signal: AbortSignal) => Promise<void>;
}
export interface Detection {
  protocol: Protocol;
  gradio?: GradioConfig;
  model?: string | undefined;
  /** `llama.cpp` or `vllm`, when the server says so. */
  server?: string | undefined;
  /** The configured endpoint, where it means something to this protocol. */
  endpoint?: string | undefined;
}

const timeouts = { firstChunk: 15_000, stall: 15_000 };
/** A proxy or a server that is starting; says nothing about the protocol. */
const notReady = [408, 429, 502, 503, 504, 520, 521, 522, 523, 524, 529];

export async function detect(context: DetectContext, hint: Protocol | 'auto', signal: AbortSignal): Promise<Detection> {
  const { endpoint, sdk } = context;
  const probes = new Probes(context, signal);
  if (hint === 'gradio') {
    return (
      (await findGradio(probes, endpoint, false)) ??
      probes.refuse('protocol is set to gradio, but /config is not that of a Gradio app.')
    );
  }
  if (hint !== 'auto') return { protocol: hint, endpoint };
  const refused = refuseSdk(sdk);
  if (refused !== undefined) throw refused;

  const explicit = endpoint !== undefined && endpoint !== defaultEndpoint ? endpoint : undefined;
  if (sdk !== 'docker') {
    const gradio = await findGradio(probes, endpoint, true);
    if (gradio !== undefined) return gradio;
  }
  if (explicit !== undefined) return await namedByEndpoint(probes, explicit);
  const found =
    (await findOpenAI(probes)) ??
    (await findTgi(probes)) ??
    (sdk === 'docker' ? await findGradio(probes, endpoint, true) : undefined);
  if (found !== undefined) return found;
  probes.throwIfRefused();
  await probes.explainNothing();
  return { protocol: 'plain', endpoint };
}

async function findGradio(
  probes: Probes,
  endpoint: string | undefined,
  mayBePlain: boolean,
): Promise<Detection | undefined> {
  const gradio = parseGradioConfig(await probes.get('/config'));
  if (gradio === undefined) return undefined;
  if (endpoint === undefined || hasEndpoint(gradio, endpoint)) return { protocol: 'gradio', gradio, endpoint };
  // The plain contract's default says nothing; another path of several parts is a route beside the Gradio app.
  if (endpoint === defaultEndpoint) return { protocol: 'gradio', gradio };
  if (mayBePlain && !gradio.authRequired && /^\/[^/]+\/./.test(endpoint)) return { protocol: 'plain', endpoint };
  return { protocol: 'gradio', gradio, endpoint };
}

async function findOpenAI(probes: Probes): Promise<Detection | undefined> {
  const list = await probes.get('/v1/models');
  if (!isObject(list) || !Array.isArray(list['data'])) return undefined;
  const model = firstModelId(list);
  const first: unknown = list['data'][0];
  const owner = isObject(first) ? first['owned_by'] : undefined;
  const isLlama =
    owner === 'llamacpp' || (isObject(first) && isObject(first['meta']) && 'n_ctx_train' in first['meta']);
  const server = isLlama ? 'llama.cpp' : owner === 'vllm' ? 'vllm' : undefined;
  if (server === undefined) {
    const tgi = await findTgi(probes);
    if (tgi !== undefined) return tgi;
  }
  return { protocol: 'openai', model, server };
}

async function findTgi(probes: Probes): Promise<Detection | undefined> {
  const info = await probes.get('/info');
  if (!isObject(info) || typeof info['model_id'] !== 'string') return undefined;
  const type = info['model_type'];
  if (isObject(type) && ('embedding' in type || 'classifier' in type || 'reranker' in type)) {
    throw new CallFailure({
      kind: 'protocol',
      message: `This server turns text into numbers (${info['model_id']}) and generates none. Set a Space with a text-generation model.`,
    });
  }
  return { protocol: 'tgi', model: info['model_id'] };
}

/** A path that belongs to one protocol names it; any other is the plain contract's. */
async function namedByEndpoint(probes: Probes, endpoint: string): Promise<Detection> {
  if (endpoint.endsWith('/chat/completions')) return { protocol: 'openai', endpoint };
  if (endpoint === '/v1') return { protocol: 'openai' };
  if (endpoint === '/completion') return { protocol: 'llama.cpp', endpoint };
  if (endpoint === '/generate' || endpoint === '/generate_stream') {
    const tgi = await findTgi(probes);
    if (tgi !== undefined) return { ...tgi, endpoint };
  }
  return { protocol: 'plain', endpoint };
}

function hasEndpoint(gradio: GradioConfig, endpoint: string): boolean {
  try {
    findEndpoint(gradio, endpoint);
    return true;
  } catch {
    return false;
  }
}

/** The failure for kinds of Spaces that no page can call. */
export function refuseSdk(sdk: string | undefined): CallFailure | undefined {
  if (sdk !== 'streamlit' && sdk !== 'static') return undefined;
  const what =
    sdk === 'streamlit'
      ? 'a Streamlit app, which has no API that a page could call'
      : 'static, with no server behind it';
  return new CallFailure({
    kind: 'protocol',
    message: `This Space is ${what}. Use a Gradio Space, or a Docker Space with POST ${defaultEndpoint} (docs/SPACES.md shows both).`,
  });
}

/** One GET per path; remembers what stood in the way. */
class Probes {
  readonly #context: DetectContext;
  readonly #signal: AbortSignal;
  #wantsCredentials: CallFailure | undefined;
  #redirect: CallFailure | undefined;
  #isStreamlit = false;
  #answers = 0;
  #explained = false;

  constructor(context: DetectContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  /** The JSON there; undefined when the server has none. */
  async get(path: string): Promise<unknown> {
    const { base, http } = this.#context;
    try {
      return await http.json(base + path, { signal: this.#signal, timeouts });
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const { kind, status = 0, body = '' } = error.facts;
      if (kind === 'network') {
        await this.#explain(error);
        return undefined;
      }
      if (kind === 'http' && notReady.includes(status)) {
        await this.#explain(error);
        throw error;
      }
      if (kind === 'redirect') this.#redirect ??= error;
      else if (kind === 'http' && (status === 401 || status === 403)) this.#wantsCredentials ??= error;
      else if (kind === 'http' || kind === 'protocol' || kind === 'too-large') this.#answers += 1;
      else throw error;
      if (/<[^<>]*streamlit/i.test(body)) this.#isStreamlit = true;
      return undefined;
    }
  }

  /** Throws when what was seen is no plain server's. */
  throwIfRefused(): void {
    if (this.#isStreamlit) throw refuseSdk('streamlit')!;
    if (this.#wantsCredentials !== undefined) throw this.#wantsCredentials;
    if (this.#redirect !== undefined && this.#answers === 0) throw this.#redirect;
  }

  /** Nothing was found: the Hub may know why, if it was not asked yet. */
  async explainNothing(): Promise<void> {
    if (this.#context.sdk !== undefined || this.#explained) return;
    await this.#explain(new CallFailure({ kind: 'protocol', message: 'No known protocol was found.' }));
  }

  async #explain(failure: CallFailure): Promise<void> {
    this.#explained = true;
    await this.#context.explain(failure, this.#signal);
  }

  refuse(message: string): never {
    this.throwIfRefused();
    throw new CallFailure({ kind: 'protocol', message });
  }
}
