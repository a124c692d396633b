/**
 * `renderChatTemplate`: a model's own chat template rendered with any variables, without a client. docs/PROMPTS.md.
 *
 * Contents stay in JavaScript (left-texts.ts), and what the template wrote around them is kept (message-plans.ts,
 * render-plans.ts); a template that looks into one is rendered once more with all texts, and so are its next renders
 * for a while.
 */
import { latestTime } from '../config.js';
import { AbortedError, RequestError, TierwiseError } from '../errors.js';
import { utf8Bytes } from '../text.js';
import { unlessLeft } from '../unless-left.js';
import { byNumber, type KnownTemplate, knownTemplate } from './known-templates.js';
import { append, piecesOf } from './left-texts.js';
import type { FindCore } from './prompt-core.js';
import type { RenderOptions } from './prompt-types.js';
import { type Limits, RenderPlans } from './render-plans.js';
import { Variables, written } from './variables.js';

/** Looking in may depend on the conversation: whether it still does is tried again after so many renders. */
const wholeRenders = 16;
const plans = new RenderPlans();
/** How a render is asked for, as in wasm/bindings.cpp. */
const placeholders = 1;
const shortTexts = 2;
const regular = 4;

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
  const read = new Variables(variables, made.regular, made.short);
  const text = left(made, read, limits);
  const { maxOutputBytes } = limits;
  if (text !== undefined && (text.length * 3 <= maxOutputBytes || utf8Bytes(text) <= maxOutputBytes)) return text;
  return render(made, written(read, false)!, limits, 0);
}

/** `undefined` when all texts have to cross: for one, when the template looks into one, or did so a short while ago. */
function left(made: KnownTemplate, read: Variables, limits: Limits): string | undefined {
  if (made.whole > 0) {
    made.whole -= 1;
    return undefined;
  }
  const ways = placeholders | (read.short ? shortTexts : 0);
  const cross = (more: number, messages?: readonly number[]) => {
    const bytes = written(read, true, messages);
    return bytes && render(made, bytes, limits, ways | more);
  };
  const { texts } = read;
  try {
    if (read.conversation !== undefined) {
      const now = made.timed ? limits.now : undefined;
      const text = made.messages!.rendered(read, now, limits, (messages) => cross(regular, messages));
      if (text !== undefined) return text;
    }
    // Plans of shapes do not know messages that stand apart.
    const byShape = read.conversation === undefined;
    let pieces = byShape ? plans.find(made, read.parts, limits) : undefined;
    if (pieces === undefined) {
      const rendered = cross(0);
      if (rendered === undefined) return undefined;
      pieces = piecesOf(rendered, texts.length);
      if (byShape) plans.saw(made, read.parts, limits, pieces);
    }
    const all: string[] = [];
    return append(all, pieces, texts, [0]) <= limits.maxOutputBytes ? all.join('') : undefined;
  } catch (error) {
    if (!TierwiseError.isInstance(error) || error.code === 'internal') throw error;
    if (error.code === 'needs-content') {
      // Perhaps only because it is short.
      if (made.short) made.short = false;
      else made.whole = wholeRenders;
    } else if (!read.short) throw error;
    // A placeholder may be longer than a short text: whether that is too much shows without them.
    return undefined;
  }
}

function render(made: KnownTemplate, variables: Uint8Array, limits: Limits, ways: number): string {
  const { now, maxSteps, maxOutputBytes } = limits;
  return byNumber(made, (number) => made.core.render(number, variables, now, maxSteps, maxOutputBytes, ways));
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
