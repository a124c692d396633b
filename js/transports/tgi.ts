/**
 * Text Generation Inference. Chat completions first, because the server then applies the model's own chat template;
 * where the model has none (`template_error`) or the build is too old for chat, `/generate_stream` with the
 * conversation as one text, and `/generate` for builds without streams. What was found out holds for the connection.
 *
 * TGI's CORS rules let only `content-type` through, so no header of ours is sent but the token. When a call with it
 * cannot even be sent while `GET /info` without it is answered, calls go without the token from then on.
 */
import { CallFailure } from './call-failure.js';
import { callForReply } from './call-for-reply.js';
import { countByTgi, countChatByTgi } from './count-tokens.js';
import { openai } from './openai.js';
import type { CallHandlers, Connection, ModelRequest, TransportContext, TransportResult } from './transport.js';

type Way = 'chat' | 'generate_stream' | 'generate';

const infoTimeout = 15_000;

export function tgi(context: TransportContext): Connection {
  const { base } = context;
  const tokenless = context.http.withoutToken();
  // `endpoint` names the way for Spaces that say so.
  const asked = context.config.endpoint;
  let way: Way = asked === '/generate_stream' || asked === '/generate' ? (asked.slice(1) as Way) : 'chat';
  /** A chat call has been answered: a later network failure is one. */
  let proven = false;
  let current = context;
  const openChat = () =>
    openai(current, {
      protocol: 'tgi',
      anyModel: 'tgi',
      counts: { countMessages: (messages, signal) => countChatByTgi(current, messages, signal) },
    });
  let chat = openChat();

  return {
    protocol: 'tgi',
    base,
    async call(request, handlers) {
      for (;;) {
        const used = way;
        try {
          const result = await (used === 'chat'
            ? chat.call(request, handlers)
            : generate(used, current, request, handlers));
          proven = true;
          return result;
        } catch (error) {
          if (!(error instanceof CallFailure)) throw error;
          if (error.facts.kind === 'network' && !proven) {
            // A missing route (404 without CORS headers) and a refused preflight look like a dead server to a page.
            if (!(await answersInfo(handlers.signal))) throw error;
            if (current.http.holdsTokenFor(base)) {
              current = { ...context, http: tokenless };
              chat = openChat();
            } else if (used === 'chat') way = 'generate_stream';
            else throw error;
          } else if (used === 'chat' && lacksChat(error)) way = 'generate_stream';
          else if (used === 'generate_stream' && isMissing(error)) way = 'generate';
          else throw error;
        }
      }
    },
  };

  async function answersInfo(signal: AbortSignal): Promise<boolean> {
    try {
      await tokenless.text(`${base}/info`, {
        signal,
        timeouts: { firstChunk: infoTimeout, stall: infoTimeout },
      });
      return true;
    } catch (error) {
      if (error instanceof CallFailure && error.facts.kind !== 'abort') return error.facts.kind === 'http';
      throw error;
    }
  }
}

async function generate(
  way: 'generate_stream' | 'generate',
  context: TransportContext,
  request: ModelRequest,
  handlers: CallHandlers,
): Promise<TransportResult> {
  const { prompt, stop } = await context.prompts.text(request, {
    ...handlers,
    countTokens: (text, signal) => countByTgi(context, text, signal),
  });
  return callForReply(
    {
      url: `${context.base}/${way}`,
      json: { inputs: prompt, parameters: generateParameters(request, stop) },
      protocol: 'tgi',
      hasEndMark: true,
      via: `/${way}`,
    },
    context,
    handlers,
  );
}

/** TGI refuses a temperature of 0 and a top_p of 1: their meaning is the default. */
function generateParameters(request: ModelRequest, stop: readonly string[] | undefined): Record<string, unknown> {
  const { maxTokens, temperature, topP, seed, stop: own, extra } = request.parameters;
  return {
    max_new_tokens: maxTokens,
    ...(temperature > 0 && { temperature, do_sample: true }),
    ...(topP !== undefined && topP < 1 && { top_p: topP }),
    seed,
    // It takes four: the template's own give way, the caller's are its to refuse.
    ...(stop !== undefined && stop.length > 0 && { stop: stop.slice(0, Math.max(4, own?.length ?? 0)) }),
    return_full_text: false,
    details: true,
    ...extra,
  };
}

function lacksChat(error: CallFailure): boolean {
  const { status, body = '' } = error.facts;
  if (isMissing(error)) return true;
  return status === 422 && /template_error|template not found/i.test(body);
}

function isMissing({ facts }: CallFailure): boolean {
  return facts.kind === 'http' && (facts.status === 404 || facts.status === 405);
}
