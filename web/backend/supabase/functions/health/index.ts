/**
 * `GET /functions/v1/health`: how everything behind the page is, for its users. The database (and how long it takes to
 * answer); the keys (Hugging Face's are shown to the Hub's whoami, at most every five minutes, or ten seconds with
 * `?refresh=1`); each Space's stage as the Hub names it; and of each target the last hour: calls, errors, p50 and p95, and its
 * last success at all. `ok` is false when anything that is configured cannot work.
 */
import { json, Refusal } from '../_shared/answer.ts';
import { asUser, take } from '../_shared/database.ts';
import { endpoint } from '../_shared/endpoint.ts';
import { settings } from '../_shared/settings.ts';
import {
  type Configuration,
  configurationOf,
  hubSpaceOf,
  isHubKey,
  keyOf,
  type Space,
  targetOf,
} from '../_shared/targets.ts';
import { call } from '../_shared/upstream.ts';

interface Checked {
  status: 'valid' | 'invalid' | 'missing' | 'unknown' | 'present';
  checkedAt?: string;
  detail?: string;
}
interface Stage {
  stage: string;
  checkedAt: string;
}
const kKeptMs = 300_000;
const kRefreshMs = 10_000;
const kStageKeptMs = 30_000;
const kMostKept = 1000;
const running = /^RUNNING/;

export default {
  fetch: endpoint('health', {
    async GET({ caller, company, query, request }) {
      await take(caller, 'health', company);
      const before = performance.now();
      const configuration = await configurationOf(caller, company);
      const databaseMs = Math.round((performance.now() - before) * 10) / 10;
      const oldest = Date.now() - (query.get('refresh') === '1' ? kRefreshMs : kKeptMs);
      const { signal } = request;
      const tiers = Object.keys(configuration.spaces);
      const targets = ['router', 'openai', ...tiers.map((tier) => `space:${tier}`)];
      const [recent, router, openai, spaces] = await Promise.all([
        asUser(
          caller,
          (sql) => sql<
            {
              target: string;
              calls: number;
              errors: number;
              error_share: number | null;
              p50_ms: number | null;
              p95_ms: number | null;
              last_success: Date | null;
            }[]
          >`
            select * from tierwise.recent_health(${targets}, ${company ?? null})`,
        ),
        keyStatus(configuration, 'router', oldest, signal),
        keyStatus(configuration, 'openai', oldest, signal),
        Promise.all(tiers.map((tier) => spaceStatus(configuration, tier, oldest, signal))),
      ]);
      const hour = new Map(
        recent.map(({ target, calls, errors, error_share, p50_ms, p95_ms, last_success }) => [
          target,
          { calls, errors, errorShare: error_share, p50Ms: p50_ms, p95Ms: p95_ms, lastSuccess: last_success },
        ]),
      );
      return json({
        ok: router.status !== 'invalid' && openai.status !== 'invalid' && spaces.every(({ ok }) => ok),
        now: Date.now(),
        database: { ok: true, ms: databaseMs },
        router: { key: router, ...hour.get('router') },
        openai: { key: openai, ...hour.get('openai') },
        spaces: spaces.map((space) => ({ ...space, ...hour.get(space.target) })),
      });
    },
  }),
};

const keysSeen = new Map<string, { checked: Checked; at: number }>();

async function keyStatus(
  configuration: Configuration,
  target: string,
  oldest: number,
  signal: AbortSignal,
): Promise<Checked> {
  let key: string | undefined;
  try {
    key = await keyOf(target, configuration.company.id);
  } catch (error) {
    return { status: 'invalid', detail: error instanceof Refusal ? error.message : 'unreadable' };
  }
  return key === undefined ? { status: 'missing' } : whoami(key, oldest, signal);
}

/** Only Hugging Face's keys are shown to the Hub; of others is known that they are there. */
async function whoami(key: string, oldest: number, signal: AbortSignal): Promise<Checked> {
  if (!isHubKey(key)) return { status: 'present' };
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
  const name = digest.join('.');
  const known = keysSeen.get(name);
  if (known !== undefined && known.at >= oldest) return known.checked;
  const at = Date.now();
  const answered = (status: Checked['status'], detail?: string): Checked => {
    const checked = { status, checkedAt: new Date(at).toISOString(), ...(detail !== undefined && { detail }) };
    if (keysSeen.size >= kMostKept) keysSeen.clear();
    keysSeen.set(name, { checked, at });
    return checked;
  };
  try {
    const response = await call({
      url: `${settings().hubUrl}/api/whoami-v2`,
      key,
      signal,
      firstByteMs: 10_000,
      mostBytes: 1_048_576,
    });
    await response.body?.cancel();
    if (response.ok) return answered('valid');
    if (response.status === 401 || response.status === 403)
      return answered('invalid', 'The Hub does not accept this key.');
    return answered('unknown', `The Hub answered with status ${String(response.status)}.`);
  } catch {
    return answered('unknown', 'The Hub cannot be reached.');
  }
}

const stagesSeen = new Map<string, { stage: Stage; at: number }>();

async function spaceStatus(configuration: Configuration, tier: string, oldest: number, signal: AbortSignal) {
  const space = configuration.spaces[tier] as Space;
  const shown = { target: `space:${tier}`, tier, name: space.name, url: space.url, protocol: space.protocol };
  try {
    const { key } = await targetOf(configuration, tier, signal);
    const checked: Checked = key === undefined ? { status: 'missing' } : await whoami(key, oldest, signal);
    const stage = await stageOf(space, key, Math.max(oldest, Date.now() - kStageKeptMs), signal);
    // Of a Space elsewhere the Hub knows nothing; a public one needs no key.
    const ok =
      checked.status !== 'invalid' &&
      (stage.stage === 'UNKNOWN' || running.test(stage.stage) || stage.stage === 'SLEEPING');
    return { ...shown, ok, key: checked, ...stage };
  } catch (error) {
    const detail = error instanceof Refusal ? error.message : 'It cannot be reached.';
    return { ...shown, ok: false, stage: 'UNKNOWN', detail };
  }
}

async function stageOf(space: Space, key: string | undefined, oldest: number, signal: AbortSignal): Promise<Stage> {
  const { hubUrl } = settings();
  const url = new URL(space.url);
  const id = hubSpaceOf(url);
  const subdomain = /^([a-z0-9-]+)\.hf\.space$/.exec(url.hostname)?.[1];
  if (id === undefined && subdomain === undefined) return { stage: 'UNKNOWN', checkedAt: new Date().toISOString() };
  const path = id === undefined ? `/api/spaces/by-subdomain/${String(subdomain)}` : `/api/spaces/${id}/runtime`;
  const name = `${space.id} ${path}`;
  const known = stagesSeen.get(name);
  if (known !== undefined && known.at >= oldest) return known.stage;
  const at = Date.now();
  let seen = 'UNKNOWN';
  try {
    const response = await call({
      url: hubUrl + path,
      key: isHubKey(key) ? key : undefined,
      signal,
      firstByteMs: 10_000,
      mostBytes: 1_048_576,
    });
    const value = (await response.json().catch(() => ({}))) as {
      stage?: unknown;
      runtime?: { stage?: unknown };
    } | null;
    const found = id === undefined ? value?.runtime?.stage : value?.stage;
    if (response.ok && typeof found === 'string' && /^[A-Z_]{1,40}$/.test(found)) seen = found;
    else if (response.status === 404 || response.status === 401) seen = 'MISSING';
  } catch {
    // It stays unknown.
  }
  const stage = { stage: seen, checkedAt: new Date(at).toISOString() };
  if (stagesSeen.size >= kMostKept) stagesSeen.clear();
  stagesSeen.set(name, { stage, at });
  return stage;
}
