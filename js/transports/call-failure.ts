import type { FailureFacts } from '../core-types.js';

/**
 * Thrown inside the package when a call goes wrong: facts without judgement. The core judges them
 * (`core.failed`), the client turns the verdict into a retry, the next target or a public error.
 */
export class CallFailure extends Error {
  readonly facts: FailureFacts;
  /** `sentence`: for people, where `facts.message` is a server's own word or absent. */
  constructor(facts: FailureFacts, cause?: unknown, sentence?: string) {
    super(sentence ?? facts.message ?? facts.kind, { cause });
    this.name = 'CallFailure';
    this.facts = facts;
  }
}
