/**
 * A conversation with a client, outside React: the store behind `useChat`. One exchange runs at a time; sending
 * while one runs stops it first. Every change makes a new snapshot in which untouched messages keep their identity.
 *
 * What is sent along as history: the completed exchanges before the question, oldest first. An exchange that failed
 * or was stopped is left out, question included, so that no half answer is taken for the model's word. Give
 * `history` in the options of `send` to send something else (`[]` for a question on its own: only such a question
 * can be answered again from the cache, since the history is part of what was asked).
 */
import type { Client, Message, Reply, ReplyStream, RequestOptions, SpaceStatus, Trace } from '../types.js';
import { asError, wasCancelled } from './failure.js';
import { readStream } from './read-stream.js';

export interface ChatMessage {
  id: string;
  role: 'user' | 'assistant';
  /** Of a reply: what has arrived so far; kept when it fails or is stopped. */
  content: string;
  /** `done` for every user message. */
  status: 'waiting' | 'streaming' | 'done' | 'cancelled' | 'error';
  createdAt: number;
  reply?: Reply;
  /** Of the reply, or of the failed attempt when the error tells. */
  trace?: Trace;
  error?: Error;
  /** Of an answer: the options its question was sent with, besides the chat's own and the history. */
  options?: RequestOptions;
  /** What the Space is doing while nothing arrives: waking, queued, working. */
  spaceStatus?: SpaceStatus;
}
export interface ChatSnapshot {
  messages: readonly ChatMessage[];
  status: 'idle' | 'waiting' | 'streaming';
}
/** Messages of an earlier visit: at least who said what; whatever else was kept is shown again. */
export type ChatStart = readonly (Pick<ChatMessage, 'role' | 'content'> & Partial<ChatMessage>)[];

export class Chat {
  #client: Client | undefined;
  #defaults: RequestOptions = {};
  #snapshot: ChatSnapshot;
  #running: { replyId: string; stream?: ReplyStream } | undefined;
  readonly #listeners = new Set<() => void>();
  #count = 0;

  constructor(start: ChatStart = []) {
    const messages = start.map(({ role, content, ...kept }) => {
      const message: ChatMessage = { ...this.#message(role, content, 'done'), ...kept };
      return message.status === 'waiting' || message.status === 'streaming'
        ? { ...message, status: 'cancelled' as const }
        : message;
    });
    // New ids come after every kept one.
    this.#count += messages.reduce((most, { id }) => Math.max(most, Number(/^m(\d+)$/.exec(id)?.[1] ?? 0)), 0);
    this.#snapshot = { status: 'idle', messages };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): ChatSnapshot => this.#snapshot;

  connect(client: Client, defaults: RequestOptions): void {
    this.#client = client;
    this.#defaults = defaults;
  }

  /** Resolves when the exchange has ended, however it ended. */
  readonly send = async (text: string, options: RequestOptions = {}): Promise<Reply | undefined> => {
    this.stop();
    return await this.#ask(this.#snapshot.messages, this.#message('user', text, 'done'), options);
  };

  readonly stop = (): void => {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.stream?.cancel();
    this.#settle(running.replyId, { status: 'cancelled' });
  };

  /** Asks the question of a reply again (default: the last one), as it was asked. What followed it goes. */
  readonly retry = async (replyId?: string): Promise<Reply | undefined> => await this.#again(replyId, {});

  /** As `retry`, but for a new reply: the cache is not looked at. */
  readonly regenerate = async (replyId?: string, options: RequestOptions = {}): Promise<Reply | undefined> =>
    await this.#again(replyId, { cache: { noCache: true }, ...options });

  /** Replaces a question; what followed it goes, and the new one is asked as the old one was. */
  readonly edit = async (messageId: string, text: string, options: RequestOptions = {}): Promise<Reply | undefined> => {
    const at = this.#snapshot.messages.findIndex((message) => message.id === messageId && message.role === 'user');
    if (at < 0) return undefined;
    const asked = this.#snapshot.messages[at + 1]?.options;
    this.stop();
    return await this.#ask(this.#snapshot.messages.slice(0, at), this.#message('user', text, 'done'), {
      ...asked,
      ...options,
    });
  };

  readonly clear = (): void => {
    this.stop();
    this.#publish({ status: 'idle', messages: [] });
  };

  async #again(replyId: string | undefined, options: RequestOptions): Promise<Reply | undefined> {
    const messages = this.#snapshot.messages;
    let at = messages.length - 1;
    while (at > 0 && !(messages[at]!.role === 'assistant' && (replyId === undefined || messages[at]!.id === replyId)))
      at--;
    const question = messages[at - 1];
    if (question?.role !== 'user') return undefined;
    const asked = messages[at]!.options;
    this.stop();
    return await this.#ask(messages.slice(0, at - 1), question, { ...asked, ...options });
  }

  async #ask(
    before: readonly ChatMessage[],
    question: ChatMessage,
    options: RequestOptions,
  ): Promise<Reply | undefined> {
    const answer = { ...this.#message('assistant', '', 'waiting'), options };
    const run: { replyId: string; stream?: ReplyStream } = { replyId: answer.id };
    this.#running = run;
    this.#publish({ status: 'waiting', messages: [...before, question, answer] });
    try {
      if (this.#client === undefined)
        throw new Error('The chat is not connected to a client yet: send from an event or an effect.');
      const stream = this.#client.stream(question.content, {
        ...this.#defaults,
        history: historyOf(before),
        ...options,
      });
      run.stream = stream;
      const reply = await readStream(stream, ({ text, spaceStatus }) => {
        if (this.#running !== run) return;
        const status = text === '' ? 'waiting' : 'streaming';
        this.#update(answer.id, { content: text, status, spaceStatus }, status);
      });
      if (this.#running !== run) return undefined;
      this.#running = undefined;
      this.#settle(answer.id, { status: 'done', content: reply.content, reply, trace: reply.trace });
      return reply;
    } catch (cause) {
      if (this.#running !== run) return undefined;
      this.#running = undefined;
      const error = asError(cause);
      const trace = (error as { trace?: Trace }).trace;
      this.#settle(
        answer.id,
        wasCancelled(error) ? { status: 'cancelled' } : { status: 'error', error, ...(trace && { trace }) },
      );
      return undefined;
    }
  }

  #settle(id: string, change: Partial<ChatMessage>): void {
    this.#update(id, { ...change, spaceStatus: undefined }, 'idle');
  }

  #update(
    id: string,
    change: { [K in keyof ChatMessage]?: ChatMessage[K] | undefined },
    status: ChatSnapshot['status'],
  ): void {
    this.#publish({
      status,
      messages: this.#snapshot.messages.map((message) =>
        message.id === id ? ({ ...message, ...change } as ChatMessage) : message,
      ),
    });
  }

  #publish(snapshot: ChatSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }

  #message(role: ChatMessage['role'], content: string, status: ChatMessage['status']): ChatMessage {
    return { id: `m${String(++this.#count)}`, role, content, status, createdAt: Date.now() };
  }
}

function historyOf(messages: readonly ChatMessage[]): Message[] {
  const history: Message[] = [];
  messages.forEach(({ role, content, status }, at) => {
    const partner = messages[role === 'user' ? at + 1 : at - 1];
    const paired = partner === undefined || partner.role === role || partner.status === 'done';
    if (status === 'done' && paired) history.push({ role, content });
  });
  return history;
}
