/** The functions `usage` and `feedback`: bodies and verdicts as docs/USAGE.md has them. */
import type { TokenSource, UsageBackendConfig } from '../types.js';
import { outcomeOf, readVerdicts } from './answer.js';
import type { Destination } from './destination.js';

/** The functions take 500; half of them hold up the page half as long at once (`npm run bench -- usage`). */
const mostRows = 250;

export function backendDestination(config: UsageBackendConfig, what: 'usage' | 'feedback'): Destination {
  const { token, company } = config;
  const url = `${config.url.replace(/\/+$/, '')}/${what}`;
  return {
    name: `${what} ${url} ${company ?? ''}`,
    title: what === 'usage' ? 'The usage backend' : 'The backend for feedback',
    url,
    most: mostRows,
    foldable: what === 'usage',
    async headers() {
      const given = await tokenOf(token);
      if (typeof given !== 'string' || given.trim() === '') return undefined;
      return {
        authorization: `Bearer ${given.trim()}`,
        ...(company !== undefined && { 'x-tierwise-company': company }),
      };
    },
    body: (rows, now) =>
      `{"sentAt":${String(now)},"${what === 'usage' ? 'events' : what}":[${rows.map(({ text }) => text).join(',')}]}`,
    outcome(answer, rows, now) {
      const { status } = answer;
      if ((status >= 200 && status < 300) || status === 409) {
        const verdicts = readVerdicts(answer, new Set(rows.map(({ id }) => id)));
        if (verdicts.size > 0) return { kind: 'verdicts', verdicts };
      }
      return outcomeOf(answer, now);
    },
  };
}

async function tokenOf(token: TokenSource): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token;
}
