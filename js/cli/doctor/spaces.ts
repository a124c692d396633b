/**
 * Each configured Space, through the package's own client as a page calls it: its stage by the Hub, woken and waited for where
 * it sleeps, the protocol found, and a short reply that is really generated. All are woken at once; they are then asked one
 * after another, so that what one takes is not another's.
 */
import type { Client, SpaceConfig, SpaceStatus, Tier } from '../../types.js';
import { ask, textAt } from './ask.js';
import { type Finding, kGraceMs, type Limits, seconds, type Step, Trouble } from './check.js';

export interface ConfiguredSpace {
  tier: Tier;
  /** Who says so: `--space`, the functions, the database. */
  from: 'option' | 'functions' | 'database';
  space: SpaceConfig;
}
export interface SpacesOptions {
  hubUrl: string;
  limits: Limits;
  /** How long one that does not run yet is waited for. */
  waitMs: number;
  /** Where pages call the Spaces that the functions name, with the keys that the backend keeps. */
  gateway: { url: string; token: string } | undefined;
  /** Says that a Space is being waited for. */
  note: (text: string) => void;
}
type Awake = { ms: number; first: SpaceStatus | undefined; last: SpaceStatus | undefined };

const question = 'Reply with the single word: ready';
const kMostTokens = 16;
/** A Space in one of these may run soon. */
const coming: readonly SpaceStatus['state'][] = ['sleeping', 'building', 'starting'];
/** What the Hub says of one that does not run: nobody need be asked why. */
const doing = ['asleep', 'building', 'paused', 'broken', 'missing'];

/** Of a Space's configuration by others, what a page would take from there: see `followConfig`. */
const fields = [
  'endpoint',
  'protocol',
  'model',
  'revision',
  'template',
  'templateVariables',
  'inputs',
  'contextWindow',
];
export function spaceOf(url: string, given: Record<string, unknown>): SpaceConfig {
  const taken = fields.flatMap((name) =>
    given[name] === undefined || given[name] === null ? [] : [[name, given[name]]],
  );
  return { ...(Object.fromEntries(taken) as Partial<SpaceConfig>), url };
}

export async function checkSpaces(
  spaces: readonly ConfiguredSpace[],
  options: SpacesOptions,
  step: Step,
): Promise<void> {
  const { askMs } = options.limits;
  const { createClient } = await import('../../index.js');
  const opened = spaces.map(({ tier, from, space }) => {
    const gateway = from === 'functions' ? options.gateway : undefined;
    let client: Client | undefined;
    const awake = (async () => {
      client = createClient({
        spaces: { [tier]: space },
        defaultTier: tier,
        cache: false,
        storage: 'memory',
        hubUrl: options.hubUrl,
        timeouts: { total: options.limits.replyMs },
        ...(gateway && { proxyUrl: gateway.url, proxyToken: gateway.token }),
      });
      return wake(client, tier, options);
    })();
    // Told of when its turn comes.
    awake.catch(() => undefined);
    return { tier, from, space, awake, gateway, close: () => client?.close(), client: () => client };
  });
  try {
    for (const each of opened) {
      const limitMs = options.waitMs + 2 * askMs + options.limits.replyMs + kGraceMs;
      await step(`space:${each.tier}`, limitMs, async (signal) => {
        const details: Record<string, unknown> = {
          tier: each.tier,
          from: each.from,
          url: each.space.url,
          through: each.gateway === undefined ? 'direct' : 'gateway',
        };
        try {
          const { ms, first } = await each.awake;
          const slept = first !== undefined && coming.includes(first.state);
          if (slept) Object.assign(details, { stageBefore: first.state, wokenMs: ms });
          const way = each.gateway === undefined ? '' : ', through the gateway';
          const finding = await generate(each.client()!, each.tier, way, signal);
          const woken = slept ? `It was ${first.state}, and ran after ${seconds(ms)}. ` : '';
          return {
            ...finding,
            message: woken + finding.message,
            details: { ...details, stage: stageOf(each.client(), each.tier), ...finding.details },
          };
        } catch (error) {
          const { message, advice } = await explained(error, each, askMs, signal);
          throw new Trouble(message, advice, { ...details, stage: stageOf(each.client(), each.tier) });
        }
      });
    }
  } finally {
    for (const { close } of opened) close();
  }
}

/** What it is doing, in one word, as far as was seen. */
function stageOf(client: Client | undefined, tier: Tier): string {
  return client?.statuses().find((status) => status.tier === tier)?.state ?? 'unknown';
}

/** A page only sees that the network is silent, or a status; here the system says why, or the gateway. */
async function explained(
  error: unknown,
  { tier, space: { url }, gateway }: Pick<ConfiguredSpace, 'tier' | 'space'> & Pick<SpacesOptions, 'gateway'>,
  askMs: number,
  signal: AbortSignal,
): Promise<Trouble> {
  const trouble = asTrouble(error);
  const code = codeOf(error) ?? '';
  if (gateway === undefined ? code !== 'network' || !/^https?:\/\//.test(url) : doing.includes(code) || code === '')
    return trouble;
  try {
    if (gateway === undefined) {
      await ask(url, askMs, signal);
      return trouble;
    }
    const { headers, json } = await ask(`${gateway.url}/${tier}/config`, askMs, signal, {
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    const [said, why] = [textAt(json, 'error'), textAt(json, 'code')];
    if (headers.get('x-tierwise-from') === 'upstream' || said === undefined || why === undefined) return trouble;
    // The protocol's other paths may be allowed: it says nothing of the call.
    if (why === 'path-not-allowed') return trouble;
    return new Trouble(
      `The gateway does not pass the call on: ${said.replace(/\.$/, '')} (${why}).`,
      why === 'host-not-allowed'
        ? 'Add its host to TIERWISE_SPACE_HOSTS of the functions, or correct its address.'
        : adviceFor(why),
    );
  } catch (reason) {
    return asTrouble(reason);
  }
}

function asTrouble(error: unknown): Trouble {
  return error instanceof Trouble ? error : new Trouble(messageOf(error), adviceFor(codeOf(error)));
}

/** Resolves when it runs, or when only a call can tell. Throws a Trouble that says what it is doing instead. */
async function wake(client: Client, tier: Tier, { waitMs, note, limits }: SpacesOptions): Promise<Awake> {
  const over = new AbortController();
  let first: SpaceStatus | undefined;
  let last: SpaceStatus | undefined;
  let timer = setTimeout(() => over.abort(), limits.askMs);
  const began = performance.now();
  const off = client.on('status', (status) => {
    last = status;
    if (status.state === 'connecting') return;
    if (first === undefined && coming.includes(status.state)) {
      clearTimeout(timer);
      timer = setTimeout(() => over.abort(), waitMs);
      if (waitMs > 0) note(`${status.message} It is waited for, ${seconds(waitMs)} at most.`);
    }
    first ??= status;
  });
  try {
    await client.wake(tier, { signal: over.signal });
    return { ms: Math.round(performance.now() - began), first, last };
  } catch (error) {
    if (over.signal.aborted) {
      if (last === undefined)
        throw new Trouble(`The Hub did not say within ${seconds(limits.askMs)} what it is doing.`, 'Try again later.');
      throw new Trouble(
        `After ${seconds(waitMs)} it does not run yet: ${last.message}`,
        last.state === 'building'
          ? 'Wait for its build, or read its build log on the Hub.'
          : `Run this again in a minute, or with --wait ${String(Math.max(300, (waitMs / 1000) * 5))}.`,
      );
    }
    // Nobody can say what it is doing: a call will show it.
    if (last === undefined || last.state === 'unknown') return { ms: 0, first, last };
    throw new Trouble(messageOf(error), adviceFor(last.state));
  } finally {
    clearTimeout(timer);
    off();
  }
}

async function generate(client: Client, tier: Tier, way: string, signal: AbortSignal): Promise<Finding> {
  const stream = client.stream(question, { tier, maxTokens: kMostTokens, temperature: 0, cache: false, signal });
  const reply = await stream.reply;
  const { usage, trace, content, model, finishReason } = reply;
  const call = trace.steps.filter(({ step, outcome }) => step === 'call' && outcome === 'done').at(-1);
  const protocol = typeof call?.details?.['protocol'] === 'string' ? call.details['protocol'] : undefined;
  const attempts = trace.steps.filter(({ step }) => step === 'call').length;
  const details = {
    protocol,
    model,
    firstPartMs: trace.firstPart === undefined ? undefined : Math.round(trace.firstPart),
    totalMs: Math.round(trace.total),
    outputTokens: usage.outputTokens,
    tokensEstimated: usage.estimated,
    finishReason,
    attempts,
    sample: content,
  };
  const speaks = protocol === undefined ? '' : ` over ${protocolNames[protocol] ?? protocol}`;
  const first = trace.firstPart === undefined ? '' : `first part after ${seconds(trace.firstPart)}, `;
  const again = attempts === 1 ? '' : `, at the ${String(attempts)}. attempt`;
  const message = `It answered${speaks}${way}: ${first}all after ${seconds(trace.total)}${again}.`;
  if (content.trim() === '')
    return {
      status: 'failed',
      message: `${message} But there was no text in it.`,
      advice: 'Look at what its endpoint returns: a page would show nothing.',
      details,
    };
  const status = attempts === 1 ? 'ok' : 'warning';
  return { status, message, said: content, details };
}

const protocolNames: Record<string, string> = {
  gradio: 'Gradio',
  tgi: 'Text Generation Inference',
  openai: 'OpenAI-style chat completions',
  'llama.cpp': 'llama.cpp',
  plain: 'the plain contract',
};

function adviceFor(code: string | undefined): string {
  switch (code) {
    case 'paused':
      return 'Restart it on its page on the Hub, under Settings.';
    case 'broken':
      return 'Read its logs on the Hub, and restart it there.';
    case 'building':
      return 'Wait for its build, or read its build log on the Hub.';
    case 'no-key':
    case 'key-unreadable':
      return 'Put its key again: PUT config/keys/space:<tier>; and look at TIERWISE_SEALING_KEYS of the functions.';
    case 'missing':
      return 'Correct its address; for a private Space give its token (TIERWISE_SPACE_TOKEN_<TIER>, or PUT config/keys/space:<tier>).';
    case 'auth':
      return 'Give a token that may call it (TIERWISE_SPACE_TOKEN_<TIER>, or PUT config/keys/space:<tier>).';
    case 'rate-limit':
    case 'quota':
      return 'Try again later, or with a token of an account that has more.';
    case 'network':
      return 'Look at its address, and whether it runs.';
    case 'timeout':
    case 'overloaded':
      return 'Look at its logs: it may be too small for its model, or still loading it.';
    case 'protocol':
    case 'redirect':
    case 'bad-request':
    case 'app-error':
      return 'Look at its endpoint and protocol; docs/SPACES.md shows what is spoken.';
    default:
      return 'Look at its logs.';
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
