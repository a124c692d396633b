/** One message: a question that can be edited, or an answer with what is known about it. */
import { memo, useEffect, useRef, useState } from 'react';
import type { ChatMessage } from 'tierwise/react';

import { CopyButton } from '../parts/copy-button';
import { Icon } from '../parts/icon';
import { ReplyText } from '../parts/markdown';
import { Chips } from './chips';
import { useConversation } from './conversation';
import { Failure } from './failure';
import { FeedbackButtons, FeedbackOutcome } from './feedback';
import { Progress } from './progress';
import { Reuse } from './reuse';

export function QuestionMessage({ message }: { message: ChatMessage }) {
  const { edit } = useConversation();
  const [draft, setDraft] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  const editing = draft !== undefined;
  useEffect(() => {
    if (editing) area.current?.focus();
  }, [editing]);

  if (draft === undefined) {
    return (
      <article className="question" aria-label="You">
        <button type="button" className="button quiet small" onClick={() => setDraft(message.content)}>
          <Icon name="edit" size={14} /> Edit
        </button>
        <p dir="auto">{message.content}</p>
      </article>
    );
  }
  const save = () => {
    setDraft(undefined);
    if (draft.trim() !== '') void edit(message.id, draft);
  };
  return (
    <form
      className="question editing"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={area}
        aria-label="Edit your question"
        dir="auto"
        rows={3}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setDraft(undefined);
          if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            save();
          }
        }}
      />
      <div className="row">
        <span className="help">What followed this question goes.</span>
        <button type="button" className="button quiet small" onClick={() => setDraft(undefined)}>
          Cancel
        </button>
        <button type="submit" className="button primary small">
          Ask
        </button>
      </div>
    </form>
  );
}

interface AnswerProps {
  message: ChatMessage;
  question: ChatMessage | undefined;
  now: number;
  last: boolean;
  whyOpen: boolean;
  onWhy: (messageId: string) => void;
}

export const AnswerMessage = memo(function AnswerMessage(props: AnswerProps) {
  const { message, question, now, last, whyOpen, onWhy } = props;
  const { askFresh, retry } = useConversation();
  const { reply } = message;
  const running = message.status === 'waiting' || message.status === 'streaming';
  const explained = message.trace !== undefined || running;
  return (
    <article className="answer" aria-label="Answer" aria-busy={running}>
      {message.content !== '' && <ReplyText text={message.content} />}
      {reply?.files?.map((file) => (
        <p key={file.url}>
          <a href={/^https?:/.test(file.url) ? file.url : undefined} target="_blank" rel="noopener noreferrer nofollow">
            <Icon name="external" size={14} /> {file.name ?? 'File'}
          </a>
        </p>
      ))}
      {running && <Progress message={message} />}
      {message.status === 'error' && <Failure message={message} canRetry={last} />}
      {message.status === 'cancelled' && (
        <p className="stopped">
          <Icon name="stop" size={14} /> You stopped this answer.
          {message.content === '' ? '' : ' What had arrived is kept.'}
        </p>
      )}
      {reply?.cached !== undefined && <Reuse cached={reply.cached} storedAt={message.createdAt - reply.age} />}
      {reply !== undefined && <Chips reply={reply} askedAt={message.createdAt} now={now} />}
      <div className="answer-actions">
        {!running && message.content !== '' && <CopyButton text={() => message.content} />}
        {message.status === 'done' && (last || reply?.source === 'cache') && (
          <button
            type="button"
            className="button quiet small"
            title={`Asks again without looking in the cache${last ? '' : ', at the end of this chat'}`}
            onClick={() => askFresh(message.id)}
          >
            <Icon name="refresh" size={14} /> Ask again, fresh
          </button>
        )}
        {last && message.status === 'cancelled' && (
          <button type="button" className="button quiet small" onClick={() => void retry(message.id)}>
            <Icon name="refresh" size={14} /> Ask again
          </button>
        )}
        {explained && (
          <button
            type="button"
            className="button quiet small"
            aria-expanded={whyOpen}
            onClick={() => onWhy(message.id)}
          >
            <Icon name="why" size={14} /> Why?
          </button>
        )}
        {!running && reply !== undefined && <FeedbackButtons reply={reply} />}
      </div>
      {reply !== undefined && (
        <FeedbackOutcome reply={reply} question={question?.content ?? ''} onFresh={() => askFresh(message.id)} />
      )}
    </article>
  );
});
