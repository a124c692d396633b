/**
 * What a regular template (wasm/prompt/regular.h) wrote for messages, and around them: a conversation of which every
 * message was seen in another one is joined without crossing into WebAssembly. Of the others, one of each kind crosses,
 * in one call.
 *
 * Two messages are the same where the members that the template reads differ in nothing but their left texts
 * (left-texts.ts), they stand in the same place as far as the template asks for it, and all other variables are the
 * same. What was used again is kept when the plans are too many, the rest goes. Nothing here hides a limit: steps are
 * summed, and what is near to any limit is left to a whole render.
 */
import { TierwiseError } from '../errors.js';
import type { Regular } from '../core-types.js';
import { append, type Pieces, piecesOf } from './left-texts.js';
import { anew, digest, type Limits, same } from './render-plans.js';
import type { Part, Variables } from './variables.js';

/** Places of wasm/prompt/regular.h. */
const first = 1;
const last = 2;
const odd = 4;
const readsFirst = 8;
const readsLast = 16;

/** What pieces refer to: texts of the other variables, of the message itself, of the first and the last one. */
const ofOthers = 0;
const ofItself = 1;
const ofFirst = 2;
const ofLast = 3;

/**
 * Steps, with one for each message and 16 characters of variables and two for each value: as long as a whole render stays below, it
 * takes less memory than it may (RenderLimits and kMaxRenderBytes of wasm/prompt/runtime.h).
 */
const mostCost = 50_000;
/** A message of more values, or with a longer text that is not left, is not worth keeping. */
const mostParts = 256;
const mostLetters = 4096;
/** Of one template: other variables to which messages are kept, and characters of all. */
const mostSettings = 8;
const mostSize = 1 << 17;
/** Of settings that were seen; a power of two. */
const mostSeen = 64;
/** So few messages are not learnt with a setting that may never come again: that takes longer than to render them. */
const fewMessages = 12;
/** Characters that a value, and what was written, take beside their own. */
const ownSize = 32;

const mark = '\ufdd5';
const endOfMark = '\ufdd4';

interface Piece extends Pieces {
  readonly cost: number;
}

/** The messages whose values so far are the same. */
interface Step {
  readonly next: Map<Part, Step>;
  /** Of a message that ends here. */
  piece: Piece | undefined;
  /** In a later render than it was learnt in. */
  used: boolean;
}

/** What is the same for all messages of a render, and what was written with it. */
interface Setting {
  readonly key: readonly Part[];
  readonly messages: Step;
  before: Piece | undefined;
  behind: Piece | undefined;
  /** In characters. */
  size: number;
}

const newStep = (): Step => ({ next: new Map(), piece: undefined, used: false });

export class MessagePlans {
  readonly #regular: Regular;
  /** The one used last stands first. */
  #settings: Setting[] = [];
  /** Digests of those that were seen, each in the place its last bits say. */
  readonly #seen = new Int32Array(mostSeen);

  constructor(regular: Regular) {
    this.#regular = regular;
  }

  /**
   * The prompt, or `undefined` where it takes a whole render. `now` where the template sees it. `cross` renders the
   * messages of these numbers, which rise, with marks; `undefined` when it cannot.
   */
  rendered(
    read: Variables,
    now: number | undefined,
    limits: Limits,
    cross: (messages: readonly number[]) => string | undefined,
  ): string | undefined {
    try {
      return this.#rendered(read, now, limits, cross);
    } finally {
      if (this.#size() > mostSize) this.#forget();
    }
  }

  #rendered(
    read: Variables,
    now: number | undefined,
    { maxSteps, maxOutputBytes }: Limits,
    cross: (messages: readonly number[]) => string | undefined,
  ): string | undefined {
    const { texts } = read;
    const { parts, partsAt, textsAt } = read.conversation!;
    const { places } = this.#regular;
    const count = partsAt.length - 1;
    if (count === 0 || count > mostCost) return undefined;
    const setting = this.#setting(this.#key(read, now), count);
    if (setting === undefined) return undefined;

    const steps: Step[] = [];
    const unknown: number[] = [];
    let asked: Set<Step> | undefined;
    for (let i = 0; i < count; i++) {
      const place =
        (i === 0 ? places & first : 0) | (i === count - 1 ? places & last : 0) | (i % 2 === 1 ? places & odd : 0);
      let step = nextStep(setting, setting.messages, place);
      const end = partsAt[i + 1]!;
      if (end - partsAt[i]! > mostParts) return undefined;
      for (let at = partsAt[i]!; at < end; at++) {
        const part = parts[at]!;
        if (typeof part === 'string' && part.length > mostLetters) return undefined;
        step = nextStep(setting, step, part);
      }
      if (step.piece !== undefined) step.used = true;
      else if (asked?.has(step) !== true) {
        (asked ??= new Set()).add(step);
        unknown.push(i);
      }
      steps.push(step);
    }
    if ((unknown.length > 0 || setting.behind === undefined) && !this.#learn(read, setting, steps, unknown, cross)) {
      return undefined;
    }

    const all: string[] = [];
    const from = [0, 0, 0, textsAt[count - 1]!];
    from[ofFirst] = textsAt[0]!;
    let size = append(all, setting.before!, texts, from);
    let cost = count + setting.before!.cost + setting.behind!.cost;
    for (let i = 0; i < count; i++) {
      const piece = steps[i]!.piece!;
      from[ofItself] = textsAt[i]!;
      size += append(all, piece, texts, from);
      cost += piece.cost;
    }
    size += append(all, setting.behind!, texts, from);
    return cost <= Math.min(maxSteps, mostCost) && size <= maxOutputBytes ? all.join('') : undefined;
  }

  /** What messages are not known by, and the same for all of them. */
  #key(read: Variables, now: number | undefined): readonly Part[] {
    const { parts, partsAt } = read.conversation!;
    const { places } = this.#regular;
    if (now === undefined && places < readsFirst) return read.parts;
    const count = partsAt.length - 1;
    return read.parts.concat(
      [now ?? null, count === 1],
      (places & readsFirst) === 0 ? [] : parts.slice(0, partsAt[1]),
      (places & readsLast) === 0 ? [] : parts.slice(partsAt[count - 1]),
    );
  }

  #setting(key: readonly Part[], count: number): Setting | undefined {
    const settings = this.#settings;
    let at = 0;
    while (at < settings.length && !same(settings[at]!.key, key)) at++;
    const known = settings[at];
    if (known !== undefined) {
      if (at > 0) settings.unshift(...settings.splice(at, 1));
      return known;
    }
    const seen = digest(key);
    const place = seen & (mostSeen - 1);
    if (this.#seen[place] !== seen) {
      this.#seen[place] = seen;
      if (count < fewMessages) return undefined;
    }
    let size = 0;
    for (const part of key) size += sizeOf(part);
    if (size > mostSize / 2) return undefined;
    const setting: Setting = { key: anew(key), messages: newStep(), before: undefined, behind: undefined, size };
    settings.unshift(setting);
    settings.length = Math.min(settings.length, mostSettings);
    return setting;
  }

  /** Whether all is known now. */
  #learn(
    read: Variables,
    setting: Setting,
    steps: readonly Step[],
    unknown: readonly number[],
    cross: (messages: readonly number[]) => string | undefined,
  ): boolean {
    const { places } = this.#regular;
    const { parts, partsAt, textsAt } = read.conversation!;
    const sent = [...unknown];
    const count = steps.length;
    if ((places & readsFirst) !== 0 && sent[0] !== 0) sent.unshift(0);
    if ((places & readsLast) !== 0 && sent.at(-1) !== count - 1) sent.push(count - 1);
    let rendered: string | undefined;
    try {
      rendered = cross(sent);
    } catch (error) {
      // A whole render says it with what belongs to it.
      if (!TierwiseError.isInstance(error) || error.code === 'internal' || error.code === 'needs-content') throw error;
    }
    const spans = rendered?.split(mark) ?? [];
    // Marks stand before each message, behind the loop and at the end; more of them are of somebody else.
    if (spans.length !== sent.length + 3) return false;
    const written = [spans[0]!];
    const taken = [0];
    for (let i = 1; i < spans.length; i++) {
      const span = spans[i]!;
      const end = span.indexOf(endOfMark);
      const steps = Number(span.slice(0, end));
      if (end <= 0 || !(steps >= taken[i - 1]!)) return false;
      taken.push(steps);
      written.push(span.slice(end + 1));
    }
    // What is cut out of them takes them into memory, and not all that was rendered.
    const copied = anew(written);
    const learnt: Piece[] = [];
    for (let i = 0; i < written.length - 1; i++) {
      const message = i === 0 ? undefined : sent[i - 1];
      const { written: pieces, places: numbers } = piecesOf(copied[i]!, read.texts.length);
      const at: number[] = [];
      for (const number of numbers) {
        const text = scoped(number >> 4, message, textsAt, places);
        if (text === undefined) return false;
        at.push(text * 4 + (number & 3));
      }
      const from = message === undefined ? 0 : partsAt[message]!;
      const key = message === undefined ? (i === 0 ? setting.key : []) : parts.slice(from, partsAt[message + 1]);
      let size = 0;
      for (const part of key) size += sizeOf(part);
      const piece = { written: pieces, places: at, cost: taken[i + 1]! - taken[i]! + (size >> 4) };
      learnt.push(piece);
      setting.size += sizeOfPiece(piece);
    }
    setting.before = learnt[0];
    setting.behind = learnt.at(-1);
    sent.forEach((message, i) => (steps[message]!.piece = learnt[i + 1]));
    return true;
  }

  #size(): number {
    let sum = 0;
    for (const { size } of this.#settings) sum += size;
    return sum;
  }

  /** All that was not used again; and if that is not enough, what was used longest ago. */
  #forget(): void {
    for (const setting of this.#settings) {
      setting.size = kept(setting.messages);
      for (const part of setting.key) setting.size += sizeOf(part);
      for (const piece of [setting.before, setting.behind]) if (piece !== undefined) setting.size += sizeOfPiece(piece);
    }
    while (this.#size() > mostSize / 2) this.#settings.pop();
  }
}

function nextStep(setting: Setting, step: Step, part: Part): Step {
  let next = step.next.get(part);
  if (next === undefined) {
    next = newStep();
    step.next.set(anew([part])[0]!, next);
    setting.size += sizeOf(part);
  }
  return next;
}

/** Which text of whom a placeholder's number means, as `append` takes it; `undefined` for one of another message. */
function scoped(
  number: number,
  message: number | undefined,
  textsAt: readonly number[],
  places: number,
): number | undefined {
  const within = (one: number) => number >= textsAt[one]! && number < textsAt[one + 1]!;
  const count = textsAt.length - 1;
  if (number < textsAt[0]!) return number * 4 + ofOthers;
  if (message !== undefined && within(message)) return (number - textsAt[message]!) * 4 + ofItself;
  if ((places & readsFirst) !== 0 && within(0)) return (number - textsAt[0]!) * 4 + ofFirst;
  if ((places & readsLast) !== 0 && within(count - 1)) return (number - textsAt[count - 1]!) * 4 + ofLast;
  return undefined;
}

function sizeOf(part: Part): number {
  return ownSize + (typeof part === 'string' ? part.length : 0);
}

function sizeOfPiece({ written }: Piece): number {
  let size = ownSize;
  for (const text of written) size += text.length;
  return size;
}

/** What of it was used again is kept: its size. */
function kept(step: Step): number {
  let size = 0;
  for (const [part, next] of step.next) {
    const below = kept(next);
    if (below === 0) step.next.delete(part);
    else size += below + sizeOf(part);
  }
  if (step.used && step.piece !== undefined) size += sizeOfPiece(step.piece);
  else step.piece = undefined;
  step.used = false;
  return size;
}
