/** How the latest replies came about, for `explain`, and which entries of the cache they have to do with. */
import { RequestError } from './errors.js';
import type { Look, SemanticCache } from './semantic/semantics.js';
import type { Explanation, Trace } from './types.js';

export interface Explained {
  trace: Trace;
  /** Of the entry it came from, or went into. */
  cacheId: string | undefined;
  /** What step 4 found, target by target. */
  looks: readonly Look[];
}

/** As the types promise. */
const mostReplies = 200;

export class ExplainedReplies {
  readonly #replies = new Map<string, Explained>();

  /** The oldest goes for it. */
  note(replyId: string, explained: Explained): void {
    this.#replies.set(replyId, explained);
    for (const id of this.#replies.keys()) {
      if (this.#replies.size <= mostReplies) break;
      this.#replies.delete(id);
    }
  }

  find(replyId: string): Explained | undefined {
    return this.#replies.get(replyId);
  }

  /** Errors: RequestError `unknown-reply`. */
  need(replyId: string): Explained {
    const explained = this.#replies.get(replyId);
    if (explained !== undefined) return explained;
    const what = `replyId: must be the id of one of this client's last ${String(mostReplies)} replies.`;
    throw new RequestError('unknown-reply', what, 'replyId');
  }

  /** `semantic` fills in how prompts were aligned. */
  explain(replyId: string, semantic: Pick<SemanticCache, 'explain'> | undefined): Explanation | undefined {
    const explained = this.#replies.get(replyId);
    if (explained === undefined) return undefined;
    for (const look of explained.looks) semantic?.explain(look);
    const { trace, looks } = explained;
    // Copies: what the caller does to them must not change what is said next time.
    return {
      ...trace,
      steps: trace.steps.slice(),
      semantic: looks.map(({ question, policy, candidates, because }) => {
        return { question, policy, candidates: candidates.map((candidate) => ({ ...candidate })), because };
      }),
    };
  }
}
