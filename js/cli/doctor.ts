/**
 * `tierwise doctor`: looks at database, functions, key, Spaces and provider, in this order, and changes nothing but what a
 * short reply of each Space costs. Every check is bounded in time and told as soon as it is done; nothing throws. No secret
 * that was given leaves in a message or a detail, nor a character that would change the terminal.
 */
import type { SpaceConfig, Tier } from '../types.js';
import { tiers } from '../types.js';
import { type Check, type Limits, type Status, stepper } from './doctor/check.js';
import { checkDatabase } from './doctor/database.js';
import { checkFunctions } from './doctor/functions.js';
import { checkKey } from './doctor/key.js';
import { checkProvider } from './doctor/provider.js';
import { secretsOf, Shown } from './doctor/shown.js';
import { checkSpaces, type ConfiguredSpace } from './doctor/spaces.js';

/** Characters of a reply. */
const kMostQuoted = 60;

export interface DoctorOptions {
  databaseUrl: string | undefined;
  migrations: URL;
  company: string | undefined;
  /** Of the functions' own login; only its user is looked at. */
  functionsDatabaseUrl: string | undefined;
  /** Ends in `/functions/v1`. */
  functionsUrl: string | undefined;
  token: string | undefined;
  key: string | undefined;
  /** As it stands in VITE_HUGGINGFACE_API_KEY. */
  keyInPages: string | undefined;
  hubUrl: string;
  spaces: Partial<Record<Tier, string>>;
  spaceTokens: Partial<Record<Tier, string>>;
  provider: { url: string; key: string | undefined; model: string | undefined } | undefined;
  waitMs: number;
  limits: Limits;
  tell: (check: Check) => void;
  note: (text: string) => void;
}
export interface Report {
  /** Nothing has failed. */
  ok: boolean;
  checks: Check[];
}

export async function doctor(options: DoctorOptions): Promise<Report> {
  const { databaseUrl, functionsUrl, token, company, hubUrl, limits } = options;
  const shown = new Shown([
    ...[databaseUrl, options.functionsDatabaseUrl, ...Object.values(options.spaces)].flatMap((url) =>
      url === undefined ? [] : secretsOf(url),
    ),
    ...[token, options.key, options.keyInPages, options.provider?.key, ...Object.values(options.spaceTokens)].map(
      (secret) => secret?.trim(),
    ),
  ]);
  const checks: Check[] = [];
  const step = stepper(({ name, status, message, advice, said, ms, details }) => {
    const check: Check = {
      name,
      status,
      message: shown.text(message) + (said === undefined ? '' : ` It says: “${shown.text(said, kMostQuoted)}”`),
      ...(advice !== undefined && { advice: shown.text(advice) }),
      ms,
      ...(details !== undefined && { details: shown.value(details) as Record<string, unknown> }),
    };
    checks.push(check);
    options.tell(check);
  });

  const { migrations, functionsDatabaseUrl } = options;
  const ofDatabase = await checkDatabase(
    { url: databaseUrl, migrations, company, functionsUrl: functionsDatabaseUrl, limits },
    step,
  );
  const ofFunctions = await checkFunctions({ url: functionsUrl, token, company, limits }, step);
  const { key, keyInPages } = options;
  await checkKey({ key, inPages: keyInPages !== undefined, hubUrl, limits }, step);

  const spaces = tiers.flatMap((tier): ConfiguredSpace[] => {
    const url = options.spaces[tier];
    const given: ConfiguredSpace | undefined = url === undefined ? undefined : { tier, from: 'option', space: { url } };
    const found = given ?? [...ofFunctions, ...ofDatabase].find((space) => space.tier === tier);
    return found === undefined ? [] : [{ ...found, space: withToken(found.space, options.spaceTokens[tier]) }];
  });
  if (spaces.length === 0)
    await step('spaces', 1000, () =>
      Promise.resolve({
        status: 'skipped',
        message: 'None is configured, or none could be seen.',
        advice: 'Give --space base=owner/name, or --db, or --url with TIERWISE_TOKEN.',
      }),
    );
  const gateway =
    functionsUrl !== undefined && token !== undefined ? { url: `${functionsUrl}/gateway`, token } : undefined;
  const note = (text: string): void => options.note(shown.text(text));
  await checkSpaces(spaces, { hubUrl, limits, waitMs: options.waitMs, gateway, note }, step);
  if (options.provider !== undefined) await checkProvider({ ...options.provider, limits }, step);
  return { ok: !checks.some(({ status }) => status === 'failed'), checks };
}

export function summary(checks: readonly Check[]): string {
  const count = (status: Status): number => checks.filter((check) => check.status === status).length;
  const warnings = count('warning');
  return `${String(count('ok'))} ok, ${String(warnings)} ${warnings === 1 ? 'warning' : 'warnings'}, ${String(count('failed'))} failed, ${String(count('skipped'))} skipped.`;
}

function withToken(space: SpaceConfig, token: string | undefined): SpaceConfig {
  return token === undefined ? space : { ...space, token };
}
