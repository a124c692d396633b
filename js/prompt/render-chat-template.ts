/**
 * `renderChatTemplate`: a model's own chat template rendered with any variables, without a client. docs/PROMPTS.md.
 *
 * Long contents stay in JavaScript (left-texts.ts); a template that looks into one is rendered once more with all
 * texts, and so are its next renders for a while.
 */
import { latestTime } from '../config.js';
import { AbortedError, RequestError, TierwiseError } from '../errors.js';
import { utf8Bytes } from '../text.js';
import { unlessLeft } from '../unless-left.js';
import { byNumber, type KnownTemplate, knownTemplate } from './known-templates.js';
import { joined, type Pieces, piecesOf } from './left-texts.js';
import type { FindCore } from './prompt-core.js';
import type { RenderOptions } from './prompt-types.js';
import { type Limits, RenderPlans } from './render-plans.js';
import { Variables, written } from './variables.js';

/** Looking in may depend on the conversation: whether it still does is tried again after so many renders. */
const wholeRenders = 16;
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
  const { now, maxSteps, maxOutputBytes } = limits;
  return byNumber(made, (number) => made.core.render(number, variables, now, maxSteps, maxOutputBytes, placeholders));
}

function checked(template: unknown, variables: unknown, options: RenderOptions): Limits {
  if (typeof template !== 'string') wrong('template', 'must be a string');
  if (typeof options !== 'object' || (options as unknown) === null) wrong('options', 'must be an object');
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    wrong('variables', 'must be an object');
  }
  const { now = Date.now(), maxSteps = 5_000_000, maxOutputBytes = 16 << 20 } = options;
  const time = Number(now);
  if (!Number.isFinite(time) || Math.abs(time) > latestTime) wrong('now', 'must be a valid Date, or ms since 1970');
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
