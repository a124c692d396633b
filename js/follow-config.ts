/**
 * `tierwise/follow-config`: tiers, Spaces and flags that an administrator sets, followed by a client. What the function
 * `config` gives is applied at once (`client.configure`), kept in this browser for the next visit and for offline, and asked
 * for again with its ETag: every 5 min, when the page is shown again and when the network is back.
 *
 * The server gives a JSON object of `spaces`, `defaultTier`, `flags`, `rules` and `wake` as `createClient` takes them,
 * `defaultTier`, `rules` and `wake` also below `settings`, where the function `config` has them; what else stands in it is
 * left alone. Tokens in it are left out: a page's come from the page. A configuration that is wrong is
 * not applied; the one before stays, and `state().error` says why.
 */
import { privateFetch } from './private-fetch.js';
import type { Client, Json, JsonObject, SpaceConfig, TokenSource } from './types.js';

export interface FollowOptions {
  /** Where the functions are: `https://project.supabase.co/functions/v1`. */
  url: string;
  /** The user's session token. While there is none, nothing is asked. */
  token: TokenSource;
  company?: string;
  /** Whose configuration it is: what is kept for one user is not applied for another. */
  user?: string;
  /** What `createClient` was given of what a server may set: it counts again once the server no longer says anything of it. */
  given?: Parameters<Client['configure']>[0];
  /** ms between two looks; default 300,000, at least 10,000. */
  every?: number;
  /** Something was applied, confirmed, or failed. */
  onChange?: (state: FollowedConfig) => void;
  fetch?: typeof fetch;
}
export interface FollowedConfig {
  /** What the client runs on: `given` to `createClient`, `kept` from an earlier visit, or the `server`'s of this one. */
  source: 'given' | 'kept' | 'server';
  /** When the server last said that it is so, ms since 1970; undefined for `given`. */
  confirmedAt: number | undefined;
  /** ms since then. */
  age: number | undefined;
  /** Why the last look brought nothing. */
  error: string | undefined;
}
export interface ConfigFollower {
  /** What is kept has been looked for; it was applied, if there was any. */
  readonly begun: Promise<void>;
  state(): FollowedConfig;
  /** Looks now. Never rejects. */
  refresh(): Promise<FollowedConfig>;
  stop(): void;
}

const leastEvery = 10_000;
const patience = 15_000;
const inSettings = ['defaultTier', 'rules', 'wake'] as const;
const fields = ['spaces', 'flags', ...inSettings] as const;
/** Of a Space: all of `SpaceConfig` but its token. */
const spaceFields: readonly Exclude<keyof SpaceConfig, 'token'>[] = [
  'url',
  'endpoint',
  'revision',
  'protocol',
  'inputs',
  'model',
  'template',
  'templateVariables',
  'contextWindow',
  'quota',
];
type Change = Parameters<Client['configure']>[0];
interface Kept {
  etag: string | undefined;
  at: number;
  config: JsonObject;
}

export function followConfig(
  client: Pick<Client, 'configure' | 'getSetting' | 'setSetting'>,
  options: FollowOptions,
): ConfigFollower {
  const { company, user, given, every = 300_000, onChange } = options;
  const url = `${options.url.replace(/\/+$/, '')}/config`;
  const key = `tierwise config ${JSON.stringify([url, company ?? '', user ?? ''])}`;
  const stopped = new AbortController();
  let source: FollowedConfig['source'] = 'given';
  let kept: Kept | undefined;
  let error: string | undefined;
  let looking: Promise<FollowedConfig> | undefined;
  let set: readonly (keyof Change)[] = [];
  const isStopped = () => stopped.signal.aborted;

  async function apply(config: JsonObject): Promise<void> {
    const change = changeOf(config);
    const taken = set.filter((name) => change[name] === undefined).map((name) => [name, given?.[name]]);
    await client.configure({ ...(Object.fromEntries(taken) as Change), ...change });
    set = Object.keys(change) as (keyof Change)[];
  }
  const state = (): FollowedConfig => ({
    source,
    confirmedAt: kept?.at,
    age: kept && Math.max(0, Date.now() - kept.at),
    error,
  });
  const begun = (async () => {
    try {
      const found = asKept(await client.getSetting(key));
      if (found === undefined || stopped.signal.aborted) return;
      await apply(found.config);
      kept = found;
      source = 'kept';
      if (!isStopped()) onChange?.(state());
    } catch (cause) {
      error = messageOf(cause);
    }
  })();

  async function look(): Promise<FollowedConfig> {
    await begun;
    const over = new AbortController();
    const end = () => over.abort(new Error('The configuration did not come in time.'));
    const limit = setTimeout(end, patience);
    stopped.signal.addEventListener('abort', end, { once: true });
    try {
      const token = typeof options.token === 'function' ? await options.token() : options.token;
      if (token === undefined || stopped.signal.aborted) return state();
      const answer = await (options.fetch ?? fetch)(url, {
        headers: {
          authorization: `Bearer ${token}`,
          ...(company !== undefined && { 'x-tierwise-company': company }),
          ...(kept?.etag !== undefined && { 'if-none-match': kept.etag }),
        },
        ...privateFetch,
        signal: over.signal,
      });
      if (answer.status === 304 && kept !== undefined) kept = { ...kept, at: Date.now() };
      else if (!answer.ok) throw new Error(`The configuration was answered with ${String(answer.status)}.`);
      else {
        const config = asObject((await answer.json()) as Json);
        if (config === undefined) throw new Error('The configuration is no JSON object.');
        if (isStopped()) return state();
        await apply(config);
        kept = { etag: answer.headers.get('etag') ?? undefined, at: Date.now(), config };
      }
      source = 'server';
      error = undefined;
      await client.setSetting(key, { etag: kept.etag, at: kept.at, config: kept.config });
    } catch (cause) {
      error = messageOf(cause);
    } finally {
      clearTimeout(limit);
      stopped.signal.removeEventListener('abort', end);
    }
    if (!stopped.signal.aborted) onChange?.(state());
    return state();
  }
  const refresh = () =>
    (looking ??= look().finally(() => {
      looking = undefined;
    }));

  const scope = globalThis as { addEventListener?: typeof addEventListener; document?: Document };
  const { signal } = stopped;
  const again = () => void refresh();
  const timer = setInterval(again, Math.max(every, leastEvery));
  // Node is not kept alive by it.
  (timer as { unref?: () => void }).unref?.();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  scope.addEventListener?.('online', again, { signal });
  scope.document?.addEventListener(
    'visibilitychange',
    () => {
      if (scope.document?.visibilityState === 'visible') again();
    },
    { signal },
  );
  again();
  return { begun, state, refresh, stop: () => stopped.abort() };
}

/** What a server may set; whatever it says of tokens, and what this version does not know, is not taken. */
function changeOf(config: JsonObject): Change {
  const change = { ...picked(asObject(config['settings']) ?? {}, inSettings), ...picked(config, fields) };
  const spaces = asObject(change['spaces']);
  if (spaces !== undefined) {
    change['spaces'] = Object.fromEntries(
      Object.entries(spaces).map(([tier, space]) => [tier, isObject(space) ? picked(space, spaceFields) : space]),
    );
  }
  return change;
}
function picked(from: JsonObject, names: readonly string[]): JsonObject {
  const out: JsonObject = {};
  for (const name of names) if (from[name] !== undefined && from[name] !== null) out[name] = from[name];
  return out;
}

/** Settings are the page's: any script of it can write them. */
function asKept(value: Json | undefined): Kept | undefined {
  const { etag, at, config } = asObject(value) ?? {};
  const kept = asObject(config);
  if (typeof at !== 'number' || kept === undefined) return undefined;
  return { etag: typeof etag === 'string' ? etag : undefined, at, config: kept };
}
function asObject(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}
function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
