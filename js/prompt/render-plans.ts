/**
 * What renders gave, apart from their long texts: a render that differs from an earlier one in nothing but those need
 * not cross into WebAssembly. What a template may do with a text it cannot see, and so the result, does not depend on
 * which text that is (wasm/prompt/value.h).
 *
 * A plan is kept from its second render on: most conversations come once. Bounded by number and by characters.
 */
import type { Pieces } from './left-texts.js';
import type { Part } from './variables.js';

export interface Limits {
  readonly now: number;
  readonly maxSteps: number;
  readonly maxOutputBytes: number;
}

interface Source {
  readonly source: string;
  /** Whether it can see the time. */
  readonly timed: boolean;
}

interface Plan extends Limits {
  readonly source: string;
  readonly parts: readonly Part[];
  readonly pieces: Pieces;
  readonly size: number;
}

/** A power of two. */
const mostPlans = 64;
/** Of templates, variables and what was rendered, in characters. */
const mostSize = 1 << 20;

export class RenderPlans {
  /** The one used last stands first. */
  #plans: Plan[] = [];
  /** Digests of renders that were seen, each in the place its last bits say. */
  readonly #seen = new Int32Array(mostPlans);

  find({ source, timed }: Source, parts: readonly Part[], limits: Limits): Pieces | undefined {
    const plans = this.#plans;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]!;
      if (
        plan.source === source &&
        plan.maxSteps === limits.maxSteps &&
        plan.maxOutputBytes === limits.maxOutputBytes &&
        (!timed || plan.now === limits.now) &&
        same(plan.parts, parts)
      ) {
        if (i > 0) plans.unshift(...plans.splice(i, 1));
        return plan.pieces;
      }
    }
    return undefined;
  }

  saw({ source }: Source, parts: readonly Part[], limits: Limits, pieces: Pieces): void {
    const seen = digest(parts);
    const place = seen & (mostPlans - 1);
    if (this.#seen[place] !== seen) {
      this.#seen[place] = seen;
      return;
    }
    let size = source.length;
    for (const part of parts) size += typeof part === 'string' ? part.length : 8;
    for (const text of pieces.written) size += text.length;
    if (size > mostSize / 4) return;
    const plan = { source, parts: anew(parts), pieces: { ...pieces, written: anew(pieces.written) }, size };
    this.#plans.unshift({ ...limits, ...plan });
    let sum = 0;
    this.#plans = this.#plans.filter((plan, i) => i < mostPlans && (sum += plan.size) <= mostSize);
  }
}

/** Texts that keep no longer ones in memory they are parts of, and take a byte for each letter of Latin-1. */
export function anew<T extends Part>(parts: readonly T[]): T[] {
  const made = JSON.parse(JSON.stringify(parts)) as T[];
  return parts.map((part, i) => (typeof part === 'string' ? made[i]! : part));
}

export function same(a: readonly Part[], b: readonly Part[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Of the numbers and the lengths of texts: where two renders have the same, a plan is kept without need. */
export function digest(parts: readonly Part[]): number {
  let sum = parts.length;
  for (const part of parts) {
    if (typeof part === 'string') sum = (Math.imul(sum, 31) + part.length) | 0;
    else if (typeof part === 'number') sum = (Math.imul(sum, 31) + part) | 0;
  }
  return sum;
}
