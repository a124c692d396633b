/**
 * A streaming chat with history. Messages carry their own reply, trace, status and error; see `chat.ts` for what is
 * sent along and what each action does. Unmounting stops a running reply.
 */
import { useEffect, useState, useSyncExternalStore } from 'react';

import type { Reply, RequestOptions } from '../types.js';
import { Chat, type ChatMessage, type ChatSnapshot, type ChatStart } from './chat.js';
import { useTierwise } from './use-tierwise.js';

export interface UseChatOptions extends RequestOptions {
  /** Read once, at the first render. */
  start?: ChatStart;
}
export interface UseChat extends ChatSnapshot {
  messages: readonly ChatMessage[];
  send(text: string, options?: RequestOptions): Promise<Reply | undefined>;
  stop(): void;
  retry(replyId?: string): Promise<Reply | undefined>;
  regenerate(replyId?: string, options?: RequestOptions): Promise<Reply | undefined>;
  edit(messageId: string, text: string, options?: RequestOptions): Promise<Reply | undefined>;
  clear(): void;
}

export function useChat(options: UseChatOptions = {}): UseChat {
  const client = useTierwise();
  const [chat] = useState(() => new Chat(options.start));
  const snapshot = useSyncExternalStore(chat.subscribe, chat.snapshot, chat.snapshot);

  useEffect(() => {
    const { start: _, ...defaults } = options;
    chat.connect(client, defaults);
  });
  useEffect(() => () => chat.stop(), [chat, client]);

  const { send, stop, retry, regenerate, edit, clear } = chat;
  return { ...snapshot, send, stop, retry, regenerate, edit, clear };
}
