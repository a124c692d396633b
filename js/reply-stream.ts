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

  let queue: StreamPart[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const push = (part: StreamPart) => {
    queue.push(part);
    wake();
  };
  const reply = run(push, ownSignal).finally(() => {
    ended = true;
    release();
    wake();
  });
  // Whoever only reads the parts hears of a failure from the iterator.
  reply.catch(() => undefined);

  return {
    reply,
    cancel: () => controller.abort(),
    async *[Symbol.asyncIterator]() {
      let complete = false;
      try {
        for (;;) {
          const parts = queue;
          queue = [];
          yield* parts;
          if (queue.length > 0) continue;
          if (ended) break;
          await new Promise<void>((resolve) => (wake = resolve));
        }
        complete = true;
        await reply;
      } finally {
        // Leaving the loop early means nobody is reading any more.
        if (!complete) controller.abort();
      }
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
