/**
 * What the semantic cache said of each question of this session, and what the person thought of each answer. The client
 * knows its last 200 replies for as long as it lives; this outlasts a reload of the tab, another client and a new chat.
 */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { SemanticLook } from 'tierwise';
import { useTierwise } from 'tierwise/react';

import { useConversation } from './conversation';

export type Verdict = 'up' | 'down';
export interface Explained {
  replyId: string;
  /** In the chat. */
  messageId: string;
  at: number;
  looks: readonly SemanticLook[];
  verdict?: Verdict;
}
interface Explanations {
  /** Oldest first. */
  all: readonly Explained[];
  of(replyId: string | undefined): Explained | undefined;
  /** The client still knows the reply. */
  canJudge(replyId: string): boolean;
  /** Errors: as `client.feedback`. */
  judge(replyId: string, verdict: Verdict, comment?: string): Promise<void>;
}

const most = 200;
/** Characters kept for a reload: the conversation has to fit beside them. */
const mostKept = 1_000_000;
const kept = 'tierwise-explained';
const Context = createContext<Explanations | undefined>(undefined);

function keptExplanations(): readonly Explained[] {
  try {
    const all = JSON.parse(sessionStorage.getItem(kept) ?? '[]') as unknown;
    return Array.isArray(all) ? all.filter(isExplained) : [];
  } catch {
    return [];
  }
}

/** Enough of one to be shown: another version of this page may have kept it. */
function isExplained(value: unknown): value is Explained {
  const { replyId, messageId, at, looks } = (value ?? {}) as Partial<Record<keyof Explained, unknown>>;
  return (
    typeof replyId === 'string' &&
    typeof messageId === 'string' &&
    typeof at === 'number' &&
    Array.isArray(looks) &&
    looks.every(
      (look: Partial<SemanticLook> | null) =>
        typeof look?.question === 'string' &&
        Array.isArray(look.candidates) &&
        look.candidates.every((candidate) => typeof candidate?.prompt === 'string'),
    )
  );
}

function newest(all: readonly Explained[]): string {
  const texts: string[] = [];
  let length = 0;
  for (const one of [...all].reverse()) {
    const text = JSON.stringify(one);
    length += text.length;
    if (length > mostKept) break;
    texts.unshift(text);
  }
  return `[${texts.join(',')}]`;
}

export function ExplanationsProvider({ children }: { children: ReactNode }) {
  const client = useTierwise();
  const { messages } = useConversation();
  const [all, setAll] = useState(keptExplanations);
  /** Replies this client was asked about. */
  const known = useRef(new Map<string, typeof client>());

  useEffect(() => {
    const found: Explained[] = [];
    for (const { id, reply, createdAt } of messages) {
      if (reply === undefined || known.current.has(reply.id)) continue;
      const explained = client.explain(reply.id);
      if (explained === undefined) continue;
      known.current.set(reply.id, client);
      found.push({ replyId: reply.id, messageId: id, at: createdAt, looks: explained.semantic });
    }
    if (found.length > 0) setAll((before) => [...before, ...found].slice(-most));
  }, [messages, client]);

  useEffect(() => {
    try {
      sessionStorage.setItem(kept, newest(all));
    } catch {
      // Full or blocked: they last until the tab is reloaded.
    }
  }, [all]);

  const judge = useCallback(
    async (replyId: string, verdict: Verdict, comment?: string) => {
      await client.feedback(replyId, verdict, comment === undefined ? {} : { comment });
      setAll((before) => before.map((one) => (one.replyId === replyId ? { ...one, verdict } : one)));
    },
    [client],
  );
  const value = useMemo(() => {
    const byReply = new Map(all.map((one) => [one.replyId, one]));
    return {
      all,
      of: (replyId: string | undefined) => (replyId === undefined ? undefined : byReply.get(replyId)),
      canJudge: (replyId: string) => known.current.get(replyId) === client,
      judge,
    };
  }, [all, client, judge]);
  return <Context value={value}>{children}</Context>;
}

export function useExplanations(): Explanations {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useExplanations needs an ExplanationsProvider above it.');
  return value;
}
