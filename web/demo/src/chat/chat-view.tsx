/** The chat: what was said, and where to ask. */
import { useEffect, useRef } from 'react';

import { Icon } from '../parts/icon';
import { useNow } from '../clock';
import { useOnline } from '../online';
import { Composer } from './composer';
import { useConversation } from './conversation';
import { useFollowBottom } from './follow-bottom';
import { AnswerMessage, QuestionMessage } from './message';
import { Welcome } from './welcome';

export function ChatView({ why, onWhy }: { why: string | undefined; onWhy: (messageId: string) => void }) {
  const { messages, clear, status } = useConversation();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { atBottom, jump } = useFollowBottom(scroller, content, messages.length > 0);
  const now = useNow();
  const online = useOnline();
  const lastAnswer = messages.findLast(({ role }) => role === 'assistant');

  // A question of one's own is always brought into sight.
  const questions = messages.filter(({ role }) => role === 'user').length;
  useEffect(() => {
    if (questions > 0) jump();
  }, [questions, jump]);

  return (
    <section className="chat" aria-label="Conversation">
      <header className="view-head">
        <h1 tabIndex={-1}>Chat</h1>
        {messages.length > 0 && (
          <button type="button" className="button small" onClick={clear}>
            <Icon name="plus" size={14} /> New chat
          </button>
        )}
      </header>
      <div
        className="chat-scroll"
        ref={scroller}
        tabIndex={messages.length > 0 ? 0 : undefined}
        role="group"
        aria-label="Messages"
      >
        <div className="chat-column" ref={content}>
          {messages.length === 0 ? (
            <Welcome />
          ) : (
            <ol className="messages">
              {messages.map((message, at) => (
                <li key={message.id}>
                  {message.role === 'user' ? (
                    <QuestionMessage message={message} />
                  ) : (
                    <AnswerMessage
                      message={message}
                      question={messages[at - 1]}
                      now={now}
                      last={message === lastAnswer}
                      whyOpen={message.id === why}
                      onWhy={onWhy}
                    />
                  )}
                </li>
              ))}
            </ol>
          )}
        </div>
      </div>
      <div className="chat-foot">
        {!atBottom && (
          <button type="button" className="button jump" onClick={jump}>
            <Icon name="down" size={14} /> Jump to latest
          </button>
        )}
        {!online && (
          <p className="offline" role="status">
            <Icon name="alert" size={14} /> You are offline. What was asked before is still answered from the cache, and
            Spaces on this computer still answer.
          </p>
        )}
        <Composer />
        <p className="only-heard" role="status">
          {spoken(lastAnswer, status)}
        </p>
      </div>
    </section>
  );
}

/** What a screen reader says while a reply comes: each stage once, not each word. */
function spoken(message: ReturnType<typeof useConversation>['messages'][number] | undefined, status: string): string {
  if (message === undefined) return '';
  if (status === 'streaming') return 'The answer is arriving.';
  if (status === 'waiting') return message.spaceStatus?.message ?? 'The question was sent.';
  switch (message.status) {
    case 'done':
      return `The answer is complete. ${message.content.slice(0, 300)}`;
    case 'cancelled':
      return 'Stopped.';
    default:
      return '';
  }
}
