/**
 * A connection that keeps the token it is called with to itself: a server that repeats it, in JSON escapes or spread
 * over several frames, gets it neither into a whole reply (and so the cache) nor into a status or a failure.
 */
import type { Http } from '../http.js';
import { CallFailure } from './call-failure.js';
import type { Connection } from './transport.js';

const longestToken = 4096;

export function hideToken(inner: Connection, http: Http): Connection {
  const hide = (text: string): string => http.hideToken(text);
  return {
    protocol: inner.protocol,
    base: inner.base,
    async call(request, handlers) {
      let said = '';
      let end = '';
      try {
        const result = await inner.call(request, {
          ...handlers,
          onPart: (part) => {
            if (!http.sentToken) return handlers.onPart(part);
            const text = hide(part.text);
            said = part.type === 'text' ? said + text : text;
            end = (end + text).slice(-longestToken - text.length);
            if (hide(end) === end) return handlers.onPart({ ...part, text });
            // It came in pieces, which were shown.
            said = end = hide(said);
            handlers.onPart({ type: 'replace', text: said });
          },
          onStatus: (status) => handlers.onStatus({ ...status, message: hide(status.message) }),
        });
        return {
          ...result,
          text: hide(result.text),
          ...(result.model !== undefined && { model: hide(result.model) }),
          ...(result.files !== undefined && {
            files: result.files.map((file) => ({
              ...file,
              url: hide(file.url),
              ...(file.name !== undefined && { name: hide(file.name) }),
            })),
          }),
        };
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        const { title, message, body, type } = error.facts;
        const facts = { ...error.facts };
        for (const [name, said] of Object.entries({ title, message, body, type }))
          if (said !== undefined) facts[name as 'title' | 'message' | 'body' | 'type'] = hide(said);
        throw new CallFailure(facts, error.cause, hide(error.message));
      }
    },
  };
}
