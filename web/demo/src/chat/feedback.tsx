/**
 * Right or wrong, said of an answer: what the cache does about it is told in a sentence, and the fresh answer is one click
 * away. A "wrong" is final: the client has no way to take it back.
 */
import { type FormEvent, useId, useState } from 'react';
import type { Reply } from 'tierwise';

import { Icon } from '../parts/icon';
import { useSession } from '../session/session';
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
  const { of, canJudge } = useExplanations();
  const { status } = useSession();
  const down = of(reply.id)?.verdict === 'down';
  return (
    <>
      <div className="outcome-of-feedback" role="status">
        {down && (
          <>
            <p>
              {reply.cached?.prompt !== undefined ? (
                <>
                  Noted: “<bdi>{brief(question)}</bdi>” and “<bdi>{brief(reply.cached.prompt)}</bdi>” are never taken
                  for the same again. The stored reply still answers the second.
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
      {down && status === 'in' && canJudge(reply.id) && <Comment replyId={reply.id} />}
    </>
  );
}

const mostCharacters = 2000;

/** For those who read the company's feedback; the opinion itself is given already. */
function Comment({ replyId }: { replyId: string }) {
  const { judge } = useExplanations();
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState<'noted' | { failed: string }>();
  const id = useId();
  if (outcome === 'noted')
    return (
      <p className="comment-noted muted" role="status">
        Your comment is noted, and sent to your company’s backend.
      </p>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const comment = text.trim();
    if (comment === '') return;
    judge(replyId, 'down', comment).then(
      () => setOutcome('noted'),
      (error: unknown) => setOutcome({ failed: error instanceof Error ? error.message : String(error) }),
    );
  };
  return (
    <form className="comment" onSubmit={submit}>
      <div className="field">
        <label htmlFor={id}>What was wrong? (optional)</label>
        <input
          id={id}
          type="text"
          dir="auto"
          maxLength={mostCharacters}
          autoComplete="off"
          value={text}
          aria-describedby={`${id}help`}
          onChange={(event) => setText(event.target.value)}
        />
        <p id={`${id}help`} className="help">
          Your company’s administrators can read it, without the question and the answer.
        </p>
      </div>
      <button type="submit" className="button small" aria-disabled={text.trim() === ''}>
        Send comment
      </button>
      {outcome !== undefined && (
        <p className="problem" role="alert">
          <Icon name="alert" size={14} /> Nothing was sent: {outcome.failed}
        </p>
      )}
    </form>
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
