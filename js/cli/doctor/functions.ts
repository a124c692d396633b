/**
 * The functions of the backend, as a page meets them: each answers, each can be called from a page (CORS), and with a user's
 * token the configuration of that user and what `health` says of database, keys and Spaces.
 */
import { tiers } from '../../types.js';
import { type Answer, asRecord, ask, textAt } from './ask.js';
import { counted, type Finding, joined, kGraceMs, type Limits, list, type Step, Trouble } from './check.js';
import { type ConfiguredSpace, spaceOf } from './spaces.js';

export interface FunctionsOptions {
  /** Ends in `/functions/v1`. */
  url: string | undefined;
  /** A signed-in user's access token. */
  token: string | undefined;
  company: string | undefined;
  limits: Limits;
}
type Problem = Omit<Finding, 'details'>;

const names = ['usage', 'feedback', 'config', 'usage-summary', 'gateway', 'huggingface-inference', 'health'];
/** What pages send along, of which a browser asks first. */
const sent = [
  'authorization',
  'content-type',
  'content-encoding',
  'if-none-match',
  'x-tierwise-company',
  'x-tierwise-timeout',
];
const methods: Record<string, string> = { usage: 'POST', feedback: 'POST', 'huggingface-inference': 'POST' };
const page = 'https://page.example';

/** The Spaces that the functions name to this user. */
export async function checkFunctions(
  { url, token, company, limits }: FunctionsOptions,
  step: Step,
): Promise<ConfiguredSpace[]> {
  const { askMs } = limits;
  // It asks the Hub and the Spaces itself.
  const healthMs = 3 * askMs;
  if (url === undefined) {
    await step('functions', askMs, () =>
      Promise.resolve({
        status: 'skipped',
        message: 'Not given.',
        advice: 'Give --url https://<project>.supabase.co, or where the functions are.',
      }),
    );
    return [];
  }
  const reached = await step('functions', askMs + kGraceMs, (signal) => reach(url, askMs, signal));
  if (reached.status === 'failed' && (reached.details?.['answering'] ?? 0) === 0) return [];
  await step('preflight', askMs + kGraceMs, (signal) => preflight(url, askMs, signal));
  if (token === undefined) {
    await step('session', askMs, () =>
      Promise.resolve({
        status: 'skipped',
        message: 'Settings, keys and Spaces of the functions are for signed-in users.',
        advice: "Set TIERWISE_TOKEN to a user's access token.",
      }),
    );
    return [];
  }
  const headers = {
    authorization: `Bearer ${token}`,
    ...(company !== undefined && { 'x-tierwise-company': company }),
  };
  let spaces: ConfiguredSpace[] = [];
  const session = await step('session', askMs + kGraceMs, async (signal) => {
    const mistake = mistakeIn(token);
    if (mistake !== undefined) throw mistake;
    const seen = configuration(await ask(`${url}/config`, askMs, signal, { headers }));
    spaces = seen.spaces;
    return seen.finding;
  });
  if (session.status !== 'failed')
    await step('health', healthMs + kGraceMs, async (signal) =>
      health(await ask(`${url}/health?refresh=1`, healthMs, signal, { headers })),
    );
  return spaces;
}

/** Each is called without a token, which all refuse: nothing happens there but the answer. */
async function reach(url: string, askMs: number, signal: AbortSignal): Promise<Finding> {
  const { host } = new URL(url);
  const settled = await Promise.allSettled(names.map((name) => ask(`${url}/${name}`, askMs, signal)));
  const silent = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  if (silent.length === names.length) throw silent[0];
  const looks = settled.map((each, index) => lookAt(names[index]!, each, host));
  const of = (kind: Look['kind']): string[] => looks.filter((look) => look.kind === kind).map(({ name }) => name);
  const answering = of('answers').length + of('guarded').length;
  const missing = of('missing');
  const guarded = of('guarded');
  const problems: Problem[] = [];
  if (missing.length === names.length)
    problems.push({
      status: 'failed',
      message: `There are no functions at ${url}.`,
      advice: 'Correct the address, or deploy them: supabase functions deploy in web/backend.',
    });
  else if (missing.length > 0)
    problems.push({
      status: 'failed',
      message: `Not there: ${list(missing)}.`,
      advice: 'Deploy what is missing: supabase functions deploy in web/backend.',
    });
  if (guarded.length > 0)
    problems.push({
      status: 'warning',
      message: `The platform asks for a token before ${list(guarded)} ${guarded.length === 1 ? 'is' : 'are'} reached, of preflights too.`,
      advice: 'Set verify_jwt = false in config.toml and deploy: the functions check tokens themselves.',
    });
  const others = looks.filter(({ problem }) => problem !== undefined);
  // Where nothing is right, one of them says what all the others would.
  for (const { name, problem } of answering === 0 ? others.slice(0, 1) : others)
    problems.push({ ...problem!, message: answering === 0 ? problem!.message : `${name}: ${problem!.message}` });
  const message =
    problems.length === 0
      ? `All ${String(names.length)} answer at ${host} and ask for sign-in.`
      : answering > 0
        ? `${String(answering)} of ${String(names.length)} answer at ${host}.`
        : '';
  const functions = Object.fromEntries(looks.map(({ name, said }) => [name, said]));
  return { ...joined(message, problems), details: { url, answering, functions } };
}

interface Look {
  name: string;
  kind: 'answers' | 'missing' | 'guarded' | 'strange';
  said: string;
  problem?: Problem;
}

function lookAt(name: string, settled: PromiseSettledResult<Answer>, host: string): Look {
  if (settled.status === 'rejected') {
    const error: unknown = settled.reason;
    const message = error instanceof Error ? error.message : String(error);
    const advice = error instanceof Trouble ? error.advice : undefined;
    return { name, kind: 'strange', said: message, problem: { status: 'failed', message, advice } };
  }
  const answer = settled.value;
  const { status, json, isPage } = answer;
  const code = textAt(json, 'code');
  const said = `${String(status)}${code === undefined ? '' : ` ${code}`}`;
  if (status === 401 && code === 'not-signed-in') return { name, kind: 'answers', said };
  if (status === 404 && !isPage) return { name, kind: 'missing', said };
  if (status === 401 && !isPage) return { name, kind: 'guarded', said };
  return { name, kind: 'strange', said, problem: { status: 'failed', ...strange(answer, host) } };
}

/** What an answer that is none of ours says of the server. */
function strange({ status, headers, json, isPage }: Answer, host: string): Pick<Finding, 'message' | 'advice'> {
  const code = String(status);
  const ours = textAt(json, 'error');
  if (ours !== undefined && textAt(json, 'code') !== undefined)
    return {
      message: `${ours.replace(/\.$/, '')} (${code}).`,
      advice: 'The log of the functions says more, by x-request-id.',
    };
  if (status >= 300 && status < 400) {
    const to = headers.get('location') ?? '';
    const where = URL.canParse(to) ? new URL(to).origin : 'another address';
    return { message: `${host} sends on to ${where} (${code}).`, advice: 'Give the address it sends on to.' };
  }
  if (isPage)
    return {
      message: `${host} answers with a web page (${code}), not with JSON: it is not where the functions are.`,
      advice: 'Give the address of the Supabase project, or the one that ends in /functions/v1.',
    };
  return {
    message: `${host} answers with ${code} and ${json === undefined ? 'no JSON' : 'an unknown JSON'}.`,
    advice: status >= 500 ? 'Look at the log of the functions.' : 'Look whether this is where the functions are.',
  };
}

/** A browser asks before it sends a page's request, and shows the page only answers that allow it. */
async function preflight(url: string, askMs: number, signal: AbortSignal): Promise<Finding> {
  const settled = await Promise.allSettled(
    names.map((name) =>
      ask(`${url}/${name}`, askMs, signal, {
        method: 'OPTIONS',
        headers: {
          origin: page,
          'access-control-request-method': methods[name] ?? 'GET',
          'access-control-request-headers': sent.join(','),
        },
      }),
    ),
  );
  const wrong = new Map<string, string[]>();
  settled.forEach((each, index) => {
    const fault = each.status === 'rejected' ? 'gave no answer' : faultOf(each.value, methods[names[index]!] ?? 'GET');
    if (fault !== undefined) wrong.set(fault, [...(wrong.get(fault) ?? []), names[index]!]);
  });
  if (wrong.size === 0) return { status: 'ok', message: 'Pages of any origin may call them.' };
  const told = [...wrong].map(([fault, of]) => `${of.length === names.length ? 'Each' : list(of)} ${fault}`);
  return {
    status: 'failed',
    message: `Browsers would not let a page call them: ${told.join('; ')}.`,
    advice: 'Deploy the functions as they are, with verify_jwt = false, and let proxies before them pass OPTIONS on.',
    details: Object.fromEntries([...wrong].map(([fault, of]) => [fault, of])),
  };
}

function faultOf({ status, headers }: Answer, method: string): string | undefined {
  if (status < 200 || status > 299) return `answers a preflight with ${String(status)}`;
  const origin = headers.get('access-control-allow-origin');
  if (origin !== '*' && origin !== page) return 'names no allowed origin (Access-Control-Allow-Origin)';
  const words = (name: string): string[] =>
    (headers.get(name) ?? '').split(',').map((word) => word.trim().toLowerCase());
  const allowed = words('access-control-allow-headers');
  const refused = sent.filter(
    (name) => !allowed.includes(name) && (name === 'authorization' || !allowed.includes('*')),
  );
  if (refused.length > 0) return `does not allow the header ${list(refused)}`;
  const verbs = words('access-control-allow-methods');
  // These two need no permission.
  if (method !== 'GET' && method !== 'POST' && !verbs.includes(method.toLowerCase())) return `does not allow ${method}`;
  return undefined;
}

function mistakeIn(token: string): Trouble | undefined {
  if (/^bearer\b/i.test(token))
    return new Trouble('The token begins with "Bearer".', 'Leave that word out of TIERWISE_TOKEN.');
  if (/\s/.test(token)) return new Trouble('The token has spaces in it.', 'Copy it again, in one piece.');
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
    return new Trouble(
      'The token is no JWT (three parts with dots between).',
      "TIERWISE_TOKEN is a signed-in user's access token, session.access_token of supabase-js; not a key of the project or of Hugging Face.",
    );
  return undefined;
}

/** Throws for an answer that is not 200, with what to do about it. */
function requireOk({ status, headers, json, isPage }: Answer): Record<string, unknown> {
  const code = textAt(json, 'code');
  const said = textAt(json, 'error') ?? (isPage ? 'A web page, not JSON.' : 'No JSON.');
  if (status === 200 && typeof json === 'object' && json !== null) return asRecord(json);
  const answered = `${said.replace(/\.$/, '')} (${String(status)}${code === undefined ? '' : ` ${code}`}).`;
  switch (code) {
    case 'token-expired':
      throw new Trouble(answered, 'Sign in again and set TIERWISE_TOKEN anew: access tokens are short-lived.');
    case 'not-a-user':
      throw new Trouble(answered, "Use a signed-in user's access token, not the anon or service_role key.");
    case 'invalid-token':
    case 'not-signed-in':
      throw new Trouble(
        answered,
        'Sign in again; when fresh tokens are refused too, look at TIERWISE_JWKS_URL, TIERWISE_JWT_SECRET and TIERWISE_JWT_ISSUER of the functions.',
      );
    case 'not-a-member':
      throw new Trouble(answered, 'Insert the user into tierwise.members, or correct --company.');
    case 'not-migrated':
      throw new Trouble(answered, 'Run npx tierwise migrate with the owner of the database.');
    case 'database-unavailable':
    case 'busy':
      throw new Trouble(answered, 'Look at the database and at TIERWISE_DB_URL of the functions.');
    case 'rate-limited':
      throw new Trouble(answered, `Try again in ${headers.get('retry-after') ?? '60'} s.`);
    case 'not-configured':
      throw new Trouble(answered, 'Set what is missing in the environment of the functions.');
    default:
      throw new Trouble(answered, 'Look at the log of the functions.');
  }
}

function configuration(answer: Answer): { finding: Finding; spaces: ConfiguredSpace[] } {
  const config = requireOk(answer);
  const given = asRecord(config['spaces']);
  const spaces = tiers.flatMap((tier): ConfiguredSpace[] => {
    const space = asRecord(given[tier]);
    const url = textAt(space, 'url');
    if (url === undefined) return [];
    return [{ tier, from: 'functions', space: spaceOf(url, space) }];
  });
  const flags = Object.entries(asRecord(config['flags']));
  const on = flags
    .filter(([, flag]) => asRecord(flag)['enabled'] === true)
    .map(([name]) => name)
    .sort();
  const role = textAt(config, 'role') ?? 'member';
  const company = textAt(config, 'company', 'name') ?? 'a company without a name';
  const problems: Problem[] =
    spaces.length > 0 && flags.length > 0 && !on.includes('useHuggingFaceSpaces')
      ? [
          {
            status: 'warning',
            message: 'Its pages do not call the Spaces while useHuggingFaceSpaces is off.',
            advice: 'Switch it on: PUT config/flags/useHuggingFaceSpaces {"enabled":true}.',
          },
        ]
      : [];
  const of = spaces.length === 0 ? 'no Spaces' : `Spaces ${list(spaces.map(({ tier }) => tier))}`;
  const message = `The token is of ${role === 'admin' ? 'an' : 'a'} ${role} of ${company}: ${of}; flags on: ${on.length === 0 ? 'none' : on.join(', ')}.`;
  return {
    finding: {
      ...joined(message, problems),
      details: { company: config['company'], role, flags: config['flags'], settings: config['settings'] },
    },
    spaces,
  };
}

function health(answer: Answer): Finding {
  const seen = requireOk(answer);
  const problems: Problem[] = [];
  const keys: string[] = [];
  for (const target of ['router', 'openai']) {
    const key = asRecord(asRecord(seen[target])['key']);
    const status = textAt(key, 'status') ?? 'unknown';
    keys.push(`${target} ${status}`);
    const detail = textAt(key, 'detail') ?? '';
    if (status === 'invalid')
      problems.push({
        status: 'failed',
        message: `The key of ${target} does not work. ${detail}`.trim(),
        advice: `Put another: PUT config/keys/${target}, or its variable in the environment of the functions.`,
      });
    if (status === 'unknown')
      problems.push({
        status: 'warning',
        message: `Whether the key of ${target} works is not known. ${detail}`.trim(),
      });
  }
  const spaces = (Array.isArray(seen['spaces']) ? (seen['spaces'] as unknown[]) : []).map(asRecord);
  const stages = spaces.map((space) => {
    const tier = textAt(space, 'tier') ?? '?';
    const stage = (textAt(space, 'stage') ?? 'UNKNOWN').toLowerCase();
    if (space['ok'] !== true) {
      const ofKey = textAt(space, 'key', 'status') === 'invalid';
      const detail = textAt(space, 'detail') ?? (ofKey ? (textAt(space, 'key', 'detail') ?? '') : '');
      problems.push({
        status: 'failed',
        message: `The ${tier} Space cannot be called (${ofKey ? 'its key' : stage}). ${detail}`.trim(),
        advice: ofKey
          ? `Put another key: PUT config/keys/space:${tier}.`
          : 'Look at its address, at TIERWISE_SPACE_HOSTS of the functions, and at its page on the Hub.',
      });
    }
    const calls = typeof space['calls'] === 'number' ? space['calls'] : 0;
    const share = typeof space['errorShare'] === 'number' ? space['errorShare'] : 0;
    return `${tier} ${stage}${calls > 0 ? ` (${counted(calls, 'call', 'calls')} in the last hour, ${String(Math.round(share * 100))} % failed)` : ''}`;
  });
  const ms = asRecord(seen['database'])['ms'];
  const message = [
    `The functions reach the database${typeof ms === 'number' ? ` in ${String(Math.round(ms))} ms` : ''}.`,
    `Keys: ${keys.join(', ')}.`,
    stages.length === 0 ? '' : `Spaces: ${stages.join(', ')}.`,
  ];
  return { ...joined(message.filter((text) => text !== '').join(' '), problems), details: seen };
}
