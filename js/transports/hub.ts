/**
 * What the Hub says of a Space: its host, kind, revision and runtime stage. One GET per question, none repeated here.
 * The Hub answers 401 for Spaces that do not exist when nobody is signed in, so 401 and 404 without a token both mean
 * `MISSING`: it does not exist, or it is private. Its `RateLimit` headers are read where the browser may see them
 * (anonymous callers have 500 calls in 5 minutes).
 */
import type { Http } from '../http.js';
import { CallFailure } from './call-failure.js';
import { isLoopback } from './space-address.js';

/** What one look at a Space's runtime saw. */
export interface Sighting {
  /** As the Hub spells it; `MISSING` when it knows no such Space, or only shows it to others. */
  stage: string;
  errorMessage?: string | undefined;
  rateRemaining?: number | undefined;
  rateResetSeconds?: number | undefined;
}
export interface SpaceFacts {
  id: string;
  /** `gradio`, `docker`, `static`, `streamlit`. */
  sdk: string | undefined;
  sha: string | undefined;
  isPrivate: boolean;
  /** Origin of the Space, when the Hub named one that may be trusted. */
  host: string | undefined;
  sighting: Sighting;
}

const timeouts = { firstChunk: 15_000, stall: 15_000 };

export class Hub {
  readonly #base: string;
  readonly #http: Http;

  constructor(base: string, http: Http) {
    this.#base = base;
    this.#http = http;
  }

  /** Undefined: missing. */
  async space(id: string, signal: AbortSignal): Promise<SpaceFacts | undefined> {
    return this.#facts(`/api/spaces/${id}`, signal);
  }

  /** The Space behind `{subdomain}.hf.space`. Undefined: missing. */
  async bySubdomain(subdomain: string, signal: AbortSignal): Promise<SpaceFacts | undefined> {
    return this.#facts(`/api/spaces/by-subdomain/${encodeURIComponent(subdomain)}`, signal);
  }

  /** Origin of the Space. Undefined: missing, or named somewhere a token must not go. */
  async host(id: string, signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#get(`/api/spaces/${id}/host`, signal);
    return answer === undefined ? undefined : this.#trusted((answer.value as { host?: unknown } | null)?.host);
  }

  async runtime(id: string, signal: AbortSignal): Promise<Sighting> {
    const answer = await this.#get(`/api/spaces/${id}/runtime`, signal);
    return answer === undefined ? { stage: 'MISSING' } : sightingOf(answer.value, answer.headers);
  }

  async #facts(path: string, signal: AbortSignal): Promise<SpaceFacts | undefined> {
    const answer = await this.#get(path, signal);
    if (answer === undefined) return undefined;
    const { id, sdk, sha, host, runtime, private: isPrivate } = (answer.value ?? {}) as Record<string, unknown>;
    return {
      id: text(id) ?? '',
      sdk: text(sdk),
      sha: text(sha),
      isPrivate: isPrivate === true,
      host: this.#trusted(host),
      sighting: sightingOf(runtime, answer.headers),
    };
  }

  async #get(path: string, signal: AbortSignal): Promise<{ value: unknown; headers: Headers } | undefined> {
    const url = this.#base + path;
    try {
      const { text: body, headers } = await this.#http.text(url, {
        signal,
        timeouts,
        headers: { accept: 'application/json' },
      });
      return { value: parse(body), headers };
    } catch (error) {
      if (
        error instanceof CallFailure &&
        (error.facts.status === 404 || (error.facts.status === 401 && !this.#http.holdsTokenFor(url)))
      ) {
        return undefined;
      }
      throw error;
    }
  }

  /** A host is https; loopback only where the Hub itself is (a simulated one). */
  #trusted(host: unknown): string | undefined {
    const named = text(host);
    if (named === undefined) return undefined;
    try {
      const url = new URL(named);
      const simulated = isLoopback(new URL(this.#base).hostname) && isLoopback(url.hostname);
      const safe =
        url.protocol === 'https:' ? simulated || !isLoopback(url.hostname) : url.protocol === 'http:' && simulated;
      return safe && url.username === '' && url.password === '' ? url.origin : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Until when the Hub asks to be left alone, in seconds from `now`; undefined when it does not say. */
export function rateLimitWait(headers: Record<string, string> | undefined, now: number): number | undefined {
  const after = headers?.['retry-after'];
  if (after !== undefined) {
    const seconds = /^\d+$/.test(after.trim()) ? Number(after) : (Date.parse(after) - now) / 1000;
    if (Number.isFinite(seconds)) return Math.max(0, seconds);
  }
  return rateLimit(headers?.['ratelimit'])?.rateResetSeconds;
}

function sightingOf(runtime: unknown, headers: Headers): Sighting {
  const { stage, errorMessage } = (runtime ?? {}) as Record<string, unknown>;
  const message = text(errorMessage);
  return {
    stage: text(stage) ?? 'UNKNOWN',
    errorMessage: message,
    ...rateLimit(headers.get('ratelimit')),
  };
}

/** `"api";r=0;t=55`: calls left, seconds until the window starts anew. */
function rateLimit(
  header: string | null | undefined,
): { rateRemaining?: number; rateResetSeconds?: number } | undefined {
  if (header === null || header === undefined) return undefined;
  const remaining = /(?:^|[;,\s])r=(\d+)/.exec(header)?.[1];
  const reset = /(?:^|[;,\s])t=(\d+)/.exec(header)?.[1];
  return {
    ...(remaining !== undefined && { rateRemaining: Number(remaining) }),
    ...(reset !== undefined && { rateResetSeconds: Number(reset) }),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new CallFailure(
      { kind: 'protocol', message: 'The Hub did not answer with JSON.', body: body.slice(0, 2000) },
      cause,
    );
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
