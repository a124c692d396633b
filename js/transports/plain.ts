/**
 * The plain contract of the user guide: `POST {endpoint}` with `{ inputs, parameters }`, answered by
 * `{ generated_text }`, a list of it, or a stream (SSE, NDJSON) where the server streams. The endpoint is
 * `/api/generate` unless the Space names another (`/v1/generate`). The conversation goes as one text.
 *
 * Servers built on text-generation pipelines repeat the prompt in front of their answer, and the contract has no
 * parameter against it. A whole reply that begins with the prompt, word for word, loses it when the prompt is too
 * long (`echoLength` characters) to be how an answer happens to begin.
 */
import { callForReply } from './call-for-reply.js';
import type { Connection, ModelRequest, TransportContext, TransportPart } from './transport.js';

export const defaultEndpoint = '/api/generate';
const echoLength = 16;

export function plain(context: TransportContext): Connection {
  const { base, config } = context;
  const endpoint = config.endpoint ?? defaultEndpoint;
  const path = endpoint.startsWith('/') ? endpoint : `/${endpoint}`;
  return {
    protocol: 'plain',
    base,
    async call(request, handlers) {
      const { prompt, stop } = await context.prompts.text(request, handlers);
      const uncover = (text: string): string =>
        prompt.length >= echoLength && text.length > prompt.length && text.startsWith(prompt)
          ? text.slice(prompt.length).trimStart()
          : text;
      const onPart = (part: TransportPart): void => handlers.onPart({ ...part, text: uncover(part.text) });
      const result = await callForReply(
        {
          url: base + path,
          json: { inputs: prompt, parameters: plainParameters(request, stop) },
          protocol: 'plain',
          hasEndMark: false,
          via: path,
        },
        context,
        { ...handlers, onPart },
      );
      return { ...result, text: uncover(result.text) };
    },
  };
}

function plainParameters({ parameters }: ModelRequest, stop: readonly string[] | undefined): Record<string, unknown> {
  const { maxTokens, temperature, topP, seed, extra } = parameters;
  return {
    max_new_tokens: maxTokens,
    temperature,
    top_p: topP,
    seed,
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...extra,
  };
}
