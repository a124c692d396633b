/**
 * llama.cpp's native `POST /completion`: for Spaces that say so (`protocol: 'llama.cpp'`) and for builds without chat
 * completions. The conversation goes as one text, since this route applies no chat template. An error that names the
 * context size (`exceed_context_size_error`) passes on as it is. Closing the connection frees the server's slot.
 * A server whose slots are busy sends nothing, not even headers, until one is free: only the first-chunk timeout ends
 * that wait.
 */
import { callForReply } from './call-for-reply.js';
import { transcript } from './transcript.js';
import type { Connection, ModelRequest, TransportContext } from './transport.js';

export function llamaCpp(context: TransportContext): Connection {
  const { base, config } = context;
  const path = config.endpoint?.startsWith('/') === true ? config.endpoint : '/completion';
  return {
    protocol: 'llama.cpp',
    base,
    call: (request, handlers) =>
      callForReply(
        {
          url: base + path,
          json: completionBody(request),
          protocol: 'llama.cpp',
          hasEndMark: true,
          via: path,
        },
        context,
        handlers,
      ),
  };
}

function completionBody({ messages, parameters }: ModelRequest): Record<string, unknown> {
  const { maxTokens, temperature, topP, seed, stop, extra } = parameters;
  return {
    n_predict: maxTokens,
    temperature,
    top_p: topP,
    seed,
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...extra,
    prompt: transcript(messages),
    stream: true,
  };
}
