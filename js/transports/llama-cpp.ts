/**
 * llama.cpp's native `POST /completion`: for Spaces that say so (`protocol: 'llama.cpp'`) and for builds without chat
 * completions. The conversation goes as one text, since this route applies no chat template: step 6 makes it. An error
 * that names the context size (`exceed_context_size_error`) passes on as it is. Closing the connection frees the server's
 * slot. A server whose slots are busy sends nothing, not even headers, until one is free: only the first-chunk timeout
 * ends that wait.
 */
import { callForReply } from './call-for-reply.js';
import { countByLlamaCpp } from './count-tokens.js';
import type { Connection, ModelRequest, TransportContext } from './transport.js';

export function llamaCpp(context: TransportContext): Connection {
  const { base, config } = context;
  const path = config.endpoint?.startsWith('/') === true ? config.endpoint : '/completion';
  return {
    protocol: 'llama.cpp',
    base,
    async call(request, handlers) {
      const { prompt, stop } = await context.prompts.text(request, {
        ...handlers,
        countTokens: (text, signal) => countByLlamaCpp(context, text, signal),
      });
      return callForReply(
        {
          url: base + path,
          json: completionBody(request, prompt, stop),
          protocol: 'llama.cpp',
          hasEndMark: true,
          via: path,
        },
        context,
        handlers,
      );
    },
  };
}

function completionBody(
  { parameters }: ModelRequest,
  prompt: string,
  stop: readonly string[] | undefined,
): Record<string, unknown> {
  const { maxTokens, temperature, topP, seed, extra } = parameters;
  return {
    n_predict: maxTokens,
    temperature,
    top_p: topP,
    seed,
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...extra,
    prompt,
    stream: true,
  };
}
