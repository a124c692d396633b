/**
 * One reply: `ask` a question, watch `text` grow. A new `ask` cancels the one before; unmounting cancels too.
 * `ask` resolves to the reply, or to undefined when it failed or was cancelled (`error` and `status` say which);
 * it never rejects. Text received before a failure or a cancel stays in `text`.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { Reply, RequestOptions, SpaceStatus } from '../types.js';
import { asError, wasCancelled } from './failure.js';
import { readStream } from './read-stream.js';
import { useTierwise } from './use-tierwise.js';

export type ReplyStatus = 'idle' | 'waiting' | 'streaming' | 'done' | 'cancelled' | 'error';

export interface ReplyState {
  status: ReplyStatus;
  text: string;
  reply: Reply | undefined;
  error: Error | undefined;
  /** What the Space is doing while nothing arrives: waking, queued, working. */
  spaceStatus: SpaceStatus | undefined;
}
export interface UseReply extends ReplyState {
  ask(prompt: string, options?: RequestOptions): Promise<Reply | undefined>;
  cancel(): void;
  /** Cancels, and forgets text, reply and error. */
  reset(): void;
}

const idle: ReplyState = { status: 'idle', text: '', reply: undefined, error: undefined, spaceStatus: undefined };

export function useReply(): UseReply {
  const client = useTierwise();
  const [state, setState] = useState(idle);
  const running = useRef<{ cancel(): void }>(undefined);

  const ask = useCallback(
    async (prompt: string, options: RequestOptions = {}): Promise<Reply | undefined> => {
      running.current?.cancel();
      const run = { cancel: () => undefined as void };
      running.current = run;
      const update = (change: (before: ReplyState) => ReplyState) => {
        if (running.current === run) setState(change);
      };
      setState({ ...idle, status: 'waiting' });
      try {
        const stream = client.stream(prompt, options);
        run.cancel = () => stream.cancel();
        const reply = await readStream(stream, ({ text, spaceStatus }) =>
          update((before) => ({ ...before, status: text === '' ? 'waiting' : 'streaming', text, spaceStatus })),
        );
        update(() => ({ ...idle, status: 'done', text: reply.content, reply }));
        return reply;
      } catch (cause) {
        const error = asError(cause);
        const cancelled = wasCancelled(error);
        update((before) => ({
          ...before,
          status: cancelled ? 'cancelled' : 'error',
          error: cancelled ? undefined : error,
          spaceStatus: undefined,
        }));
        return undefined;
      }
    },
    [client],
  );
  const cancel = useCallback(() => running.current?.cancel(), []);
  const reset = useCallback(() => {
    running.current?.cancel();
    running.current = undefined;
    setState(idle);
  }, []);

  useEffect(
    () => () => {
      running.current?.cancel();
      running.current = undefined;
    },
    [client],
  );

  return { ...state, ask, cancel, reset };
}
