/**
 * The conversation and how the next question is asked, kept above the views so that a reply goes on streaming while
 * another view is open, and across a reload of the tab.
 */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import type { Decision, RequestOptions, Tier } from 'tierwise';
import { type ChatMessage, type UseChat, useChat, useDecisions } from 'tierwise/react';

export interface AskOptions {
  /** Undefined: the rules decide. */
  tier: Tier | undefined;
  temperature: number;
  /** Do not look at the cache. */
  fresh: boolean;
  /** Send the conversation along. */
  followUp: boolean;
}
interface Conversation extends UseChat {
  asking: AskOptions;
  setAsking: (change: Partial<AskOptions>) => void;
  ask: (question: string) => void;
  /** Without the cache: the last answer in its place, an earlier one as a question of its own at the end. */
  askFresh: (messageId: string) => void;
  decisions: readonly Decision[];
}

const kept = 'tierwise-chat';
const Context = createContext<Conversation | undefined>(undefined);

function keptMessages(): ChatMessage[] {
  try {
    const messages = JSON.parse(sessionStorage.getItem(kept) ?? '[]') as unknown;
    return Array.isArray(messages) ? messages.filter(isMessage) : [];
  } catch {
    return [];
  }
}

/** Enough of one to be shown: another version of this page may have kept it. */
function isMessage(value: unknown): value is ChatMessage {
  const { id, role, content, reply, trace } = (value ?? {}) as Partial<Record<keyof ChatMessage, unknown>>;
  const isObject = (part: unknown) => typeof part === 'object' && part !== null;
  return (
    typeof id === 'string' &&
    (role === 'user' || role === 'assistant') &&
    typeof content === 'string' &&
    (reply === undefined || (isObject(reply) && isObject((reply as { usage?: unknown }).usage))) &&
    (trace === undefined || (isObject(trace) && Array.isArray((trace as { steps?: unknown }).steps)))
  );
}

export function ConversationProvider({ children }: { children: ReactNode }) {
  const [start] = useState(keptMessages);
  const chat = useChat({ start });
  const [asking, change] = useState<AskOptions>({ tier: undefined, temperature: 0.7, fresh: false, followUp: false });
  const decisions = useDecisions(200);
  const { send, messages, status } = chat;

  useEffect(() => {
    if (status !== 'idle') return;
    try {
      // An error's class and details do not survive JSON: what stays is what a person reads.
      const plain = messages.map(({ error, ...message }) =>
        error === undefined ? message : { ...message, error: { name: error.name, message: error.message } },
      );
      sessionStorage.setItem(kept, JSON.stringify(plain));
    } catch {
      // Full or blocked: the conversation lasts until the tab is reloaded.
    }
  }, [messages, status]);

  const setAsking = useCallback((next: Partial<AskOptions>) => change((before) => ({ ...before, ...next })), []);
  const ask = useCallback(
    (question: string) => {
      const options: RequestOptions = {
        temperature: asking.temperature,
        ...(asking.tier !== undefined && { tier: asking.tier }),
        ...(asking.fresh && { cache: { noCache: true } }),
        ...(!asking.followUp && { history: [] }),
      };
      void send(question, options);
    },
    [send, asking],
  );
  const { regenerate } = chat;
  const askFresh = useCallback(
    (messageId: string) => {
      const at = messages.findIndex(({ id }) => id === messageId);
      const question = messages[at - 1];
      if (question === undefined) return;
      if (at === messages.length - 1) void regenerate(messageId);
      else {
        const history = messages
          .slice(0, at - 1)
          .flatMap((message, place, all) =>
            message.role === 'assistant' && message.status === 'done' ? [all[place - 1]!, message] : [],
          )
          .map(({ role, content }) => ({ role, content }));
        void send(question.content, { history, ...messages[at]!.options, cache: { noCache: true } });
      }
    },
    [messages, regenerate, send],
  );
  const value = useMemo(
    () => ({ ...chat, asking, setAsking, ask, askFresh, decisions }),
    [chat, asking, setAsking, ask, askFresh, decisions],
  );
  return <Context value={value}>{children}</Context>;
}

export function useConversation(): Conversation {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useConversation needs a ConversationProvider above it.');
  return value;
}
