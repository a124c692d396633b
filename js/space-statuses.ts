/** What each configured Space is doing, as far as this page knows: the last word of whoever called it. */
import type { FailureVerdict, PlannedTarget } from './core-types.js';
import { type SpaceConfig, type SpaceStatus, type Tier, tiers } from './types.js';

export class SpaceStatuses {
  readonly #last = new Map<string, SpaceStatus>();
  readonly #tell: (status: SpaceStatus) => void;

  constructor(tell: (status: SpaceStatus) => void) {
    this.#tell = tell;
  }

  note(status: SpaceStatus): void {
    this.#last.set(status.target, status);
    this.#tell(status);
  }

  answered({ target, tier, provider }: PlannedTarget): void {
    if (provider === 'space') this.note({ target, tier, state: 'ready', message: `The ${tier} Space has answered.` });
  }

  failed({ target, tier, provider }: PlannedTarget, verdict: FailureVerdict): void {
    if (provider === 'space') this.note({ target, tier, state: stateAfter(verdict.class), message: verdict.message });
  }

  /** The caller went while a Space was at work: what it does now is no longer known, unless it was answering. */
  left({ target, tier, provider }: PlannedTarget, answering: boolean): void {
    const state = this.#last.get(target)?.state;
    if (provider !== 'space' || (state !== 'connecting' && state !== 'queued' && state !== 'working')) return;
    this.note(
      answering
        ? { target, tier, state: 'ready', message: `The ${tier} Space was answering.` }
        : { target, tier, state: 'unknown', message: `The ${tier} Space was not waited for.` },
    );
  }

  forget(target: string): void {
    this.#last.delete(target);
  }

  of(target: string): SpaceStatus | undefined {
    return this.#last.get(target);
  }

  all(spaces: Partial<Record<Tier, SpaceConfig>>): SpaceStatus[] {
    return tiers
      .filter((tier) => spaces[tier] !== undefined)
      .map((tier) => {
        const target = `space:${tier}`;
        const message = `The ${tier} Space has not been asked yet.`;
        return this.#last.get(target) ?? { target, tier, state: 'unknown', message };
      });
  }
}

function stateAfter(failure: FailureVerdict['class']): SpaceStatus['state'] {
  if (failure === 'asleep') return 'sleeping';
  if (failure === 'building' || failure === 'paused' || failure === 'broken' || failure === 'missing') return failure;
  return 'unknown';
}
