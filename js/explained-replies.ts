/** How the latest replies came about, for `explain`, and which entries of the cache they have to do with. */
import type { Look, SemanticCache } from './semantic/semantics.js';
import type { Explanation, Trace } from './types.js';

export interface ExplainedReply {
  trace: Trace;
  interactionId: string;
  /** Of the entry it came from, or went into. */
  cacheId: string | undefined;
  /** What step 4 found, target by target. */
  looks: readonly Look[];
}
/** By the reply's id, the oldest first. */
export type ExplainedReplies = Map<string, ExplainedReply>;

/** As the types promise. */
export const mostExplained = 200;

/** Where there are too many, the oldest goes. */
export function noteReply(replies: ExplainedReplies, replyId: string, explained: ExplainedReply): void {
  replies.set(replyId, explained);
  for (const id of replies.keys()) {
    if (replies.size <= mostExplained) break;
    replies.delete(id);
  }
}

/** A copy. `semantic` fills in how prompts were aligned. */
export function explanationOf(
  { trace, looks }: ExplainedReply,
  semantic: Pick<SemanticCache, 'explain'> | undefined,
): Explanation {
  for (const look of looks) semantic?.explain(look);
  return {
    ...trace,
    steps: trace.steps.slice(),
    semantic: looks.map(({ question, policy, candidates, because }) => {
      return { question, policy, candidates: candidates.map((candidate) => ({ ...candidate })), because };
    }),
  };
}
