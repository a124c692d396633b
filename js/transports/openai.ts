/**
 * Chat completions in the shape of OpenAI: OpenAI itself, the Hugging Face router, vLLM, llama.cpp, TGI, litellm.
 *
 * Streams, and asks for token counts (`stream_options.include_usage`). Servers that refuse one of our parameters by
 * name are asked once more in their dialect, which is remembered for this connection: without `stream_options`, or
 * with `max_completion_tokens` in place of `max_tokens`. Without a configured model the first of `/models` is asked
 * for; a server that lists none is sent none.
 * Spaces are called at `{base}/v1/…`, or where `endpoint` says; providers at `{base}/…`, their base ends in `/v1`.
 * An endpoint that ends in `/completions` alone takes text: it is sent the prompt of step 6.
 */
import { CallFailure } from './call-failure.js';
import { callForReply } from './call-for-reply.js';
import { SharedTask } from './shared-task.js';
import type {
  CallHandlers,
  Connection,
  ModelRequest,
  PromptHandlers,
  TransportContext,
  TransportResult,
} from './transport.js';
import type { Message, Protocol } from '../types.js';

export interface OpenAIOptions {
  /** What the connection calls itself. */
  protocol?: Protocol;
  /** For servers that demand a model name and ignore it. */
  anyModel?: string;
  /** How the server counts, where it does. */
  counts?: Pick<PromptHandlers, 'countTokens' | 'countMessages'>;
  /** Takes over for good when the server has no chat completions. */
  whenMissing?: () => Connection;
}

const chatPath = '/chat/completions';
const textPath = '/completions';
const modelsTimeout = 15_000;

export function openai(context: TransportContext, options: OpenAIOptions = {}): Connection {
  const { http, base, config } = context;
  const isProvider = context.tier === undefined;
  // A path: without its slash it could run on from the host to another one.
  const endpoint = config.endpoint?.replace(/^(?!\/)/, '/');
  const path = endpoint?.endsWith(textPath) === true ? endpoint : `${isProvider ? '' : '/v1'}${chatPath}`;
  const takesText = !path.endsWith(chatPath);
  const modelsUrl = `${base}${path.slice(0, -(takesText ? textPath : chatPath).length)}/models`;
  const headers = config.billTo === undefined ? {} : { 'x-hf-bill-to': config.billTo };
  const dialect = { streamOptions: true, maxCompletionTokens: false };
  let model = context.model ?? options.anyModel;
  let listing: SharedTask<string | undefined> | undefined;
  let replacement: Connection | undefined;

  const findModel = async (signal: AbortSignal): Promise<string | undefined> => {
    if (listing?.joinable !== true) listing = new SharedTask((shared) => firstModel(shared));
    model = await listing.join(signal);
    return model;
  };
  const firstModel = async (signal: AbortSignal): Promise<string | undefined> => {
    try {
      const list = await http.json(modelsUrl, {
        signal,
        headers,
        timeouts: { firstChunk: modelsTimeout, stall: modelsTimeout },
      });
      return firstModelId(list);
    } catch (error) {
      // The chat call will say what is wrong, if anything is.
      if (error instanceof CallFailure && error.facts.kind !== 'abort') return undefined;
      throw error;
    }
  };

  const chat = async (request: ModelRequest, handlers: CallHandlers): Promise<TransportResult> => {
    const named = model ?? (await findModel(handlers.signal));
    const asking = { ...handlers, ...options.counts };
    const asked = takesText
      ? await context.prompts.text(request, asking)
      : { messages: await context.prompts.messages(request, asking) };
    for (;;) {
      const used = { ...dialect };
      const json = body(request, asked, named, used);
      try {
        return await callForReply(
          {
            url: base + path,
            json,
            headers,
            protocol: 'openai',
            hasEndMark: true,
            via: takesText ? 'completions' : 'chat completions',
          },
          context,
          handlers,
        );
      } catch (error) {
        const change = error instanceof CallFailure ? refusedParameter(error) : undefined;
        if (change === 'stream_options' && used.streamOptions) dialect.streamOptions = false;
        else if (change === 'max_tokens' && !used.maxCompletionTokens) dialect.maxCompletionTokens = true;
        else throw error;
      }
    }
  };

  return {
    protocol: options.protocol ?? 'openai',
    base,
    async call(request, handlers) {
      if (replacement !== undefined) return replacement.call(request, handlers);
      try {
        return await chat(request, handlers);
      } catch (error) {
        if (options.whenMissing === undefined || !isMissing(error)) throw error;
        replacement = options.whenMissing();
        return replacement.call(request, handlers);
      }
    },
  };
}

/** The first id of an answer to `/models`; undefined when it is none. */
export function firstModelId(list: unknown): string | undefined {
  const data = (list as { data?: unknown } | null)?.data;
  const id = Array.isArray(data) ? (data[0] as { id?: unknown } | undefined)?.id : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function body(
  request: ModelRequest,
  asked: { messages: readonly Message[] } | { prompt: string; stop?: readonly string[] },
  model: string | undefined,
  dialect: { streamOptions: boolean; maxCompletionTokens: boolean },
): unknown {
  const { maxTokens, temperature, topP, seed, extra } = request.parameters;
  const stop = 'stop' in asked ? asked.stop : request.parameters.stop;
  const ownLimit = extra?.['max_tokens'] !== undefined || extra?.['max_completion_tokens'] !== undefined;
  return {
    model,
    ...(!ownLimit && (dialect.maxCompletionTokens ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens })),
    temperature,
    top_p: topP,
    seed,
    ...(stop !== undefined && stop.length > 0 && { stop }),
    stream: true,
    ...(dialect.streamOptions && { stream_options: { include_usage: true } }),
    ...extra,
    ...('messages' in asked
      ? { messages: asked.messages.map(({ role, content }) => ({ role, content })) }
      : { prompt: asked.prompt }),
  };
}

/** Which of our optional parameters a 400 or 422 names. */
function refusedParameter({ facts }: CallFailure): 'stream_options' | 'max_tokens' | undefined {
  if (facts.status !== 400 && facts.status !== 422) return undefined;
  const said = `${facts.body ?? ''} ${facts.message ?? ''}`;
  if (/stream_options|include_usage/.test(said)) return 'stream_options';
  return said.includes('max_completion_tokens') && said.includes('max_tokens') ? 'max_tokens' : undefined;
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof CallFailure && error.facts.kind === 'http' && [404, 405, 501].includes(error.facts.status ?? 0)
  );
}
