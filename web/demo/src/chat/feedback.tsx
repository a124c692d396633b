/**
 * Right or wrong, said of an answer: what the cache does about it is told in a sentence, and the fresh answer is one click
 * away. A "wrong" is final: the client has no way to take it back.
 */
import { useState } from 'react';
import type { Reply } from 'tierwise';

import { Icon } from '../parts/icon';
import { targetName } from '../tiers';
import { brief } from '../words';
import { useExplanations, type Verdict } from './explanations';

export function FeedbackButtons({ reply }: { reply: Reply }) {
  const { of, canJudge, judge } = useExplanations();
  const [failed, setFailed] = useState<string>();
  const verdict = of(reply.id)?.verdict;
  const usable = canJudge(reply.id);
  if (!usable && verdict === undefined) return null;
  const settled = !usable || verdict === 'down';
  const say = (next: Verdict) => {
    if (settled || next === verdict) return;
    judge(reply.id, next).then(
      () => setFailed(undefined),
      (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)),
    );
  };
  const button = (is: Verdict, icon: 'good' | 'wrong', label: string, title: string) => (
    <button
      type="button"
      className="button quiet small thumb"
      aria-label={label}
      aria-pressed={verdict === is}
      aria-disabled={settled || undefined}
      title={title}
      onClick={() => say(is)}
    >
      <Icon name={icon} size={14} />
    </button>
  );
  return (
    <div className="thumbs" role="group" aria-label="Your opinion of this answer">
      {button('up', 'good', 'Good answer', 'Good answer. Nothing changes.')}
      {button('down', 'wrong', 'Wrong answer', titleOfWrong(reply))}
      {failed !== undefined && <span className="problem">Nothing was changed: {failed}</span>}
    </div>
  );
}

/** Said aloud when it appears: it stands in a place that is always there. */
export function FeedbackOutcome({ reply, question, onFresh }: { reply: Reply; question: string; onFresh: () => void }) {
  const down = useExplanations().of(reply.id)?.verdict === 'down';
  return (
    <div className="outcome-of-feedback" role="status">
      {down && (
        <>
          <p>
            {reply.cached?.prompt !== undefined ? (
              <>
                Noted: “<bdi>{brief(question)}</bdi>” and “<bdi>{brief(reply.cached.prompt)}</bdi>” are never taken for
                the same again. The stored reply still answers the second.
              </>
            ) : reply.cached !== undefined ? (
              'Noted: this reply was deleted from the cache.'
            ) : wasStored(reply) ? (
              `Noted: this reply was deleted from the cache. Asked again, the question goes to the ${targetName(reply.target)}.`
            ) : (
              'Noted. This reply was not in the cache, so there was nothing to delete.'
            )}
          </p>
          <button type="button" className="button small" onClick={onFresh}>
            <Icon name="refresh" size={14} /> Get a fresh answer
          </button>
        </>
      )}
    </div>
  );
}

function titleOfWrong(reply: Reply): string {
  if (reply.cached?.prompt !== undefined)
    return 'Wrong answer. These two questions are never taken for the same again.';
  return reply.cached !== undefined || wasStored(reply)
    ? 'Wrong answer. It is deleted from the cache.'
    : 'Wrong answer. It is not in the cache.';
}

function wasStored({ trace }: Reply): boolean {
  return trace.steps.some(({ step, outcome }) => step === 'store' && outcome === 'done');
}
