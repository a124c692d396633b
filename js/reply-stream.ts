/** What `stream()` returns: parts as they come, and the whole reply as a promise. */
import type { Reply, ReplyStream, StreamPart } from './types.js';

/** `run` is given where to put parts, and what makes of the caller's signal one that also ends with the stream. */
export function replyStream(
  run: (push: (part: StreamPart) => void, ownSignal: (outer: AbortSignal | undefined) => AbortSignal) => Promise<Reply>,
): ReplyStream {
  const controller = new AbortController();
  let release: () => void = () => undefined;
  const ownSignal = (outer: AbortSignal | undefined) => {
    const onAbort = () => controller.abort(outer?.reason);
    if (outer?.aborted === true) onAbort();
    else outer?.addEventListener('abort', onAbort, { once: true });
    release = () => outer?.removeEventListener('abort', onAbort);
    return controller.signal;
  };

  /** Parts that nobody has asked for yet, or those who ask before there is a part. */
  const queue: StreamPart[] = [];
  const takers: ((part: StreamPart | undefined) => void)[] = [];
  let taken = 0;
  let ended = false;
  const push = (part: StreamPart) => {
    const taker = takers.shift();
    if (taker === undefined) queue.push(part);
    else taker(part);
  };
  const take = (): StreamPart | undefined => {
    if (queue.length === 0) return undefined;
    const part = queue[taken++];
    if (taken === queue.length) {
      queue.length = 0;
      taken = 0;
    }
    return part;
  };
  const reply = run(push, ownSignal).finally(() => {
    ended = true;
    release();
    for (const taker of takers.splice(0)) taker(undefined);
  });
  // Whoever only reads the parts hears of a failure from the iterator.
  reply.catch(() => undefined);

  return {
    reply,
    cancel: () => controller.abort(),
    // No generator: it costs several promises for each part.
    [Symbol.asyncIterator]() {
      const done: IteratorResult<StreamPart, undefined> = { done: true, value: undefined };
      let over = false;
      const answer = (part: StreamPart | undefined) => {
        if (part !== undefined) return { done: false, value: part } as const;
        if (over) return done;
        over = true;
        return reply.then(() => done);
      };
      return {
        next() {
          const part = over ? undefined : take();
          if (part !== undefined || over || ended) return Promise.resolve(answer(part));
          return new Promise((resolve) => takers.push((given) => resolve(answer(given))));
        },
        return() {
          // Leaving the loop early means nobody is reading any more.
          if (!over) controller.abort();
          over = true;
          return Promise.resolve(done);
        },
      };
    },
  };
}

/** A stored reply as a stream would have brought it: some forty characters at a time, never half a character. */
export function replay(content: string, push: (part: StreamPart) => void): void {
  for (let at = 0; at < content.length;) {
    let end = Math.min(content.length, at + 40);
    const space = content.indexOf(' ', end);
    if (space !== -1 && space - end < 20) end = space + 1;
    const unit = content.charCodeAt(end - 1);
    if (unit >= 0xd800 && unit <= 0xdbff && end < content.length) end += 1;
    push({ type: 'text', text: content.slice(at, end) });
    at = end;
  }
}
