/**
 * Files of model repositories on the Hub. Anybody's are fetched without a token, along the Hub's redirects; where that
 * is refused and the Hub may be shown a token, once more with it, from `/raw`, which does not redirect.
 */
import type { Http } from '../http.js';
import type { HubFiles } from '../prompt/hub-templates.js';
import { CallFailure } from './call-failure.js';

const timeouts = { firstChunk: 15_000, stall: 15_000 };
const missing = [401, 403, 404];

export function hubFiles(base: string, http: Http): HubFiles {
  const get = async (url: string, follow: boolean, signal: AbortSignal): Promise<string | undefined> => {
    try {
      return (await http.text(url, { signal, timeouts, follow })).text;
    } catch (error) {
      if (error instanceof CallFailure && missing.includes(error.facts.status ?? 0)) return undefined;
      throw error;
    }
  };
  const path = (repository: string) => repository.split('/').map(encodeURIComponent).join('/');
  return {
    async commit(repository, revision, signal) {
      const url = `${base}/api/models/${path(repository)}/revision/${encodeURIComponent(revision)}`;
      const text = await get(url, false, signal);
      if (text === undefined) return undefined;
      let sha: unknown;
      try {
        ({ sha } = JSON.parse(text) as { sha?: unknown });
      } catch {
        // Said below.
      }
      if (typeof sha === 'string' && /^[0-9a-f]{6,64}$/.test(sha)) return sha;
      throw new CallFailure({ kind: 'protocol', message: `The Hub names no commit of ${repository}.` });
    },
    async file(repository, sha, file, signal) {
      const found = await get(`${base}/${path(repository)}/resolve/${sha}/${file}`, true, signal);
      if (found !== undefined || !http.holdsTokenFor(base)) return found;
      return get(`${base}/${path(repository)}/raw/${sha}/${file}`, false, signal);
    },
  };
}
