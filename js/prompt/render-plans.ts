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

const mostPlans = 64;
/** Of templates, variables and what was rendered, in characters. */
const mostSize = 1 << 20;

export class RenderPlans {
  /** The one used last stands first. */
  #plans: Plan[] = [];
  /** Digests of renders that were seen. */
  readonly #seen: number[] = [];

  find({ source, timed }: Source, parts: readonly Part[], limits: Limits): Pieces | undefined {
    const plans = this.#plans;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]!;
      if (
        plan.parts.length === parts.length &&
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

  /** `bytes` are the variables as they crossed. */
  saw({ source }: Source, parts: readonly Part[], limits: Limits, bytes: Uint8Array, pieces: Pieces): void {
    const seen = digest(bytes);
    if (!this.#seen.includes(seen)) {
      if (this.#seen.push(seen) > mostPlans) this.#seen.shift();
      return;
    }
    // Put together anew, a text without letters beyond Latin-1 takes one byte for each.
    const written = JSON.parse(JSON.stringify(pieces.written)) as string[];
    let size = source.length + bytes.length;
    for (const text of written) size += text.length;
    if (size > mostSize / 4) return;
    this.#plans.unshift({ ...limits, source, parts, pieces: { written, places: pieces.places }, size });
    let sum = 0;
    this.#plans = this.#plans.filter((plan, i) => i < mostPlans && (sum += plan.size) <= mostSize);
  }
}

function same(a: readonly Part[], b: readonly Part[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Of some 256 places: for two that are not the same, a plan is kept without need. */
function digest(bytes: Uint8Array): number {
  const step = (bytes.length >> 8) + 1;
  let sum = bytes.length;
  for (let i = 0; i < bytes.length; i += step) sum = (Math.imul(sum, 31) + bytes[i]!) | 0;
  return sum;
}
