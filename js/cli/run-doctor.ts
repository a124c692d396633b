/**
 * The command line of `tierwise doctor`. Exit codes: 0 nothing has failed, 1 something has, 2 called wrongly or with nothing to
 * look at. Secrets are taken from the environment, where the list of processes does not show them.
 */
import { parseArgs } from 'node:util';

import { parseSpaceAddress, requireServiceUrl } from '../transports/space-address.js';
import { type Tier, tiers } from '../types.js';
import { doctor, type DoctorOptions, type Report, summary } from './doctor.js';
import type { Check, Status } from './doctor/check.js';
import { clean, secretsOf, Shown } from './doctor/shown.js';

export const doctorUsage = `tierwise doctor [--db <url>] [--url <url>] [--company <id>] [--space <tier>=<address>]... [--wait <s>] [--limit <s>] [--json]

  Looks at what is given and says of each what is so and what to do: database, migrations, settings, flags, row-level security;
  functions; key; each configured Space, by a short reply; an OpenAI-compatible provider. Changes nothing.
  --db        the database, as its owner; default: DATABASE_URL
  --url       the functions: https://<project>.supabase.co, or an address that ends in /functions/v1
  --token     a signed-in user's access token; better: TIERWISE_TOKEN, which the list of processes does not show
  --company   id of the company whose settings and flags are looked at; default: those for everybody
  --space     a Space: base=owner/name, company=https://owner-name.hf.space ...; default: those that the functions (with a
              token) or the database name
  --wait      seconds that a Space which does not run is waited for; default 60
  --limit     seconds that a reply may take; default 120. Any other request may take 15, or this where it is less
  Environment: DATABASE_URL, TIERWISE_TOKEN, HUGGINGFACE_API_KEY, TIERWISE_SPACE_TOKEN_BASE (_COMPANY, _ABSTRACTION, _USER),
  OPENAI_API_KEY, TIERWISE_OPENAI_URL, TIERWISE_OPENAI_MODEL, TIERWISE_DB_URL (the functions' own login: only its name is
  looked at), TIERWISE_HUB_URL
  Exit code: 0 all well or only warnings, 1 something failed, 2 called wrongly or nothing given`;

const kStandardWaitMs = 60_000;
const kAskMs = 15_000;
const kReplyMs = 120_000;
const kMostSeconds = 3600;
/** Of what a message may take where it begins. */
const kStatusWidth = 9;
const kNameWidth = 18;
const kMsWidth = 9;

class CalledWrongly extends Error {}

export async function runDoctor(args: string[]): Promise<number> {
  let values: Values;
  let given: Omit<DoctorOptions, 'tell' | 'note'>;
  try {
    values = parsed(args);
    if (values.help === true) {
      console.log(doctorUsage);
      return 0;
    }
    given = optionsOf(values, process.env);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`${new Shown(args.flatMap(secretsOf)).text(message)}\n\n${doctorUsage}`);
    return 2;
  }
  // A token or a password on the command line is not in the list of processes from here on.
  process.title = 'tierwise doctor';
  const json = values.json === true;
  const line = json ? () => undefined : printer();
  let report: Report;
  try {
    report = await doctor({
      ...given,
      tell: line,
      note: json ? () => undefined : (text) => console.error(`${' '.repeat(kStatusWidth)}… ${text}`),
    });
  } catch (error) {
    // A bug; its text may hold what was given.
    console.error(`The doctor itself failed: ${error instanceof Error ? error.name : 'an unknown error'}.`);
    return 1;
  }
  console.log(json ? JSON.stringify(report) : `\n${summary(report.checks)}`);
  return report.ok ? 0 : 1;
}

type Values = ReturnType<typeof parsed>;
function parsed(args: string[]) {
  return parseArgs({
    args,
    options: {
      db: { type: 'string' },
      url: { type: 'string' },
      token: { type: 'string' },
      company: { type: 'string' },
      space: { type: 'string', multiple: true },
      wait: { type: 'string' },
      limit: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  }).values;
}

function optionsOf(values: Values, env: NodeJS.ProcessEnv): Omit<DoctorOptions, 'tell' | 'note'> {
  const variable = (name: string): string | undefined => {
    const value = env[name];
    return value === undefined || value.trim() === '' ? undefined : value;
  };
  const trimmed = (name: string): string | undefined => variable(name)?.trim();

  const databaseUrl = values.db ?? trimmed('DATABASE_URL');
  if (databaseUrl !== undefined && !isDatabaseUrl(databaseUrl))
    throw new CalledWrongly(
      '--db (or DATABASE_URL) must be a URL as postgres://user:password@host:port/database, with @ : / # % in the password percent-encoded.',
    );
  const { company } = values;
  if (company !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(company))
    throw new CalledWrongly('--company must be the id of a company, a UUID.');
  const wait = millisecondsOf(values.wait, '--wait', 0);
  const limit = millisecondsOf(values.limit, '--limit', 1);
  const spaces: Partial<Record<Tier, string>> = {};
  for (const space of values.space ?? []) {
    const [, tier, address] = /^([^=]*)=(.*)$/s.exec(space) ?? [];
    if (address === undefined || !(tiers as readonly string[]).includes(tier ?? ''))
      throw new CalledWrongly(`--space must be <tier>=<address>, the tier one of ${tiers.join(', ')}.`);
    if (tier! in spaces) throw new CalledWrongly(`--space names the tier ${tier!} twice.`);
    parseSpaceAddress(address, trimmed('TIERWISE_HUB_URL'));
    spaces[tier as Tier] = address;
  }
  const service = (address: string | undefined, what: string): string | undefined =>
    address === undefined ? undefined : requireServiceUrl(address, what);
  const functions = service(values.url, '--url');
  const providerUrl = service(trimmed('TIERWISE_OPENAI_URL'), 'TIERWISE_OPENAI_URL');
  const providerKey = variable('OPENAI_API_KEY');
  const providerModel = trimmed('TIERWISE_OPENAI_MODEL');
  const key = variable('HUGGINGFACE_API_KEY');
  const keyInPages = variable('VITE_HUGGINGFACE_API_KEY');
  const withProvider = [providerUrl, providerKey, providerModel].some((value) => value !== undefined);
  const something = [databaseUrl, functions, key, keyInPages, ...Object.values(spaces)].some(
    (value) => value !== undefined,
  );
  if (!something && !withProvider)
    throw new CalledWrongly('There is nothing to look at: give --db, --url, --space or HUGGINGFACE_API_KEY.');
  return {
    databaseUrl,
    migrations: new URL('./backend/migrations/', import.meta.url),
    company,
    functionsDatabaseUrl: trimmed('TIERWISE_DB_URL'),
    functionsUrl: functions && (/\/functions\/v1$/.test(functions) ? functions : `${functions}/functions/v1`),
    token: trimmed('TIERWISE_TOKEN') ?? values.token?.trim(),
    key,
    keyInPages,
    hubUrl: service(trimmed('TIERWISE_HUB_URL'), 'TIERWISE_HUB_URL') ?? 'https://huggingface.co',
    spaces,
    spaceTokens: Object.fromEntries(
      tiers.flatMap((tier) => {
        const token = trimmed(`TIERWISE_SPACE_TOKEN_${tier.toUpperCase()}`);
        return token === undefined ? [] : [[tier, token]];
      }),
    ),
    provider: withProvider
      ? { url: providerUrl ?? 'https://api.openai.com', key: providerKey, model: providerModel }
      : undefined,
    waitMs: wait ?? kStandardWaitMs,
    limits: { askMs: Math.min(limit ?? kAskMs, kAskMs), replyMs: limit ?? kReplyMs },
  };
}

function isDatabaseUrl(text: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password, pathname } = new URL(text);
  try {
    decodeURIComponent(username + password + pathname);
    return true;
  } catch {
    return false;
  }
}

function millisecondsOf(text: string | undefined, what: string, least: number): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d{1,4}$/.test(text) ? Number(text) : -1;
  if (count < least || count > kMostSeconds)
    throw new CalledWrongly(`${what} must be whole seconds, ${String(least)} to ${String(kMostSeconds)}.`);
  return count * 1000;
}

const colours: Record<Status, number> = { ok: 32, warning: 33, failed: 31, skipped: 90 };

/** One line for a check, one more for what to do. Colour in a terminal only, and not where NO_COLOR forbids it. */
function printer(): (check: Check) => void {
  const { NO_COLOR: none = '', TERM: terminal } = process.env;
  const coloured = process.stdout.isTTY && none === '' && terminal !== 'dumb';
  const indent = ' '.repeat(kStatusWidth + kNameWidth + kMsWidth + 2);
  return ({ name, status, message, advice, ms }) => {
    const word = status.padEnd(kStatusWidth);
    const painted = coloured ? `\u001b[${String(colours[status])}m${word}\u001b[0m` : word;
    const took = status === 'skipped' ? '' : `${String(ms)} ms`;
    console.log(`${painted}${clean(name).padEnd(kNameWidth)}${took.padStart(kMsWidth)}  ${message}`);
    if (advice !== undefined) console.log(`${indent}-> ${advice}`);
  };
}
