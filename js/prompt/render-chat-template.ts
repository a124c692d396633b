/**
 * `renderChatTemplate`: a model's own chat template rendered with any variables, without a client. docs/PROMPTS.md.
 *
 * Long contents stay in JavaScript (left-texts.ts); a template that looks into one is rendered once more with all
 * texts, and so are its next renders for a while. Templates are known to the core by number, here by their text.
 */
import type { Core } from '../core.js';
import { AbortedError, RequestError, TierwiseError } from '../errors.js';
import { utf8Bytes } from '../text.js';
import { unlessLeft } from '../unless-left.js';
import { joined, type Pieces, piecesOf } from './left-texts.js';
import type { FindCore } from './prompt-core.js';
import type { RenderOptions } from './prompt-types.js';
import { type Limits, RenderPlans } from './render-plans.js';
import { Variables, written } from './variables.js';

interface KnownTemplate {
  readonly core: Core;
  readonly source: string;
  /** Whether it can see the time. */
  readonly timed: boolean;
  number: number;
  /** Renders to come with all texts sent, because one looked into a text. */
  whole: number;
}

/** As kMostTemplates in wasm/prompt/render.h. The one used last stands first. */
const mostKnown = 16;
/** Looking in may depend on the conversation: whether it still does is tried again after so many renders. */
const wholeRenders = 16;
/** The core refuses what is longer (kMaxTemplateBytes in wasm/prompt/lexer.h), and need not see all of it for that. */
const mostSource = 1 << 20;

let known: KnownTemplate[] = [];
const plans = new RenderPlans();

/** See js/prompt/functions.ts. */
export async function renderChatTemplate(
  findCore: FindCore,
  template: string,
  variables: Record<string, unknown>,
  options: RenderOptions,
): Promise<string> {
  const limits = checked(template, variables, options);
  const { signal } = options;
  leaveIf(signal);
  let core = findCore();
  if (core instanceof Promise) {
    try {
      core = await (signal === undefined ? core : unlessLeft(core, signal));
    } finally {
      leaveIf(signal);
    }
  }
  const made = knownTemplate(core, template);
  const read = new Variables(variables);
  const pieces = plans.find(made, read.parts, limits) ?? attempt(made, read, limits);
  if (pieces !== undefined) {
    const { maxOutputBytes } = limits;
    const text = joined(pieces, read.texts, maxOutputBytes);
    if (text !== undefined && (text.length * 3 <= maxOutputBytes || utf8Bytes(text) <= maxOutputBytes)) return text;
  }
  return render(made, written(read, false)!, limits, false);
}

/** `undefined` when the template looks into a text that was left behind, or did so a short while ago. */
function attempt(made: KnownTemplate, read: Variables, limits: Limits): Pieces | undefined {
  if (made.whole > 0) {
    made.whole -= 1;
    return undefined;
  }
  const bytes = written(read, true);
  if (bytes === undefined) return undefined;
  try {
    const pieces = piecesOf(render(made, bytes, limits, true), read.texts.length);
    plans.saw(made, read.parts, limits, bytes.length, pieces);
    return pieces;
  } catch (error) {
    if (!TierwiseError.isInstance(error) || error.code !== 'needs-content') throw error;
    made.whole = wholeRenders;
    return undefined;
  }
}

function render(made: KnownTemplate, variables: Uint8Array, limits: Limits, placeholders: boolean): string {
  const { core } = made;
  const { now, maxSteps, maxOutputBytes } = limits;
  const run = () => core.render(made.number, variables, now, maxSteps, maxOutputBytes, placeholders);
  try {
    return run();
  } catch (error) {
    if (!TierwiseError.isInstance(error) || error.code !== 'unknown-template') throw error;
    made.number = core.addTemplate(made.source);
    return run();
  }
}

function knownTemplate(core: Core, source: string): KnownTemplate {
  const last = known[0];
  if (last?.core !== core) known = [];
  else if (last.source === source) return last;
  // Not a Map: it would hash every text that is a new string; these are told apart by length, or a few letters.
  const at = known.findIndex((one) => one.source === source);
  const made =
    at >= 0
      ? known.splice(at, 1)[0]!
      : {
          core,
          source,
          timed: source.includes('strftime_now'),
          number: core.addTemplate(source.slice(0, mostSource + 1)),
          whole: 0,
        };
  known.unshift(made);
  known.length = Math.min(known.length, mostKnown);
  return made;
}

function checked(template: unknown, variables: unknown, options: RenderOptions): Limits {
  if (typeof template !== 'string') wrong('template', 'must be a string');
  if (typeof options !== 'object' || (options as unknown) === null) wrong('options', 'must be an object');
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    wrong('variables', 'must be an object');
  }
  const { now = Date.now(), maxSteps = 5_000_000, maxOutputBytes = 16 << 20 } = options;
  const time = Number(now);
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) wrong('now', 'must be a valid Date, or ms since 1970');
  if (!isCount(maxSteps)) wrong('maxSteps', aboveZero);
  if (!isCount(maxOutputBytes)) wrong('maxOutputBytes', aboveZero);
  return { now: time, maxSteps, maxOutputBytes };
}

const aboveZero = 'must be a whole number above 0';
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function wrong(field: string, what: string): never {
  throw new RequestError('invalid-input', `${field}: ${what}.`, field);
}

function leaveIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AbortedError(undefined, signal.reason);
}
