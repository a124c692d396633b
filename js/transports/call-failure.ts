import type { FailureFacts } from '../core-types.js';

/**
 * Thrown inside the package when a call goes wrong: facts without judgement. The core judges them
 * (`core.failed`), the client turns the verdict into a retry, the next target or a public error.
 */
export class CallFailure extends Error {
  readonly facts: FailureFacts;
  constructor(facts: FailureFacts, cause?: unknown) {
    super(facts.message ?? facts.kind, { cause });
    this.name = 'CallFailure';
    this.facts = facts;
  }
}
