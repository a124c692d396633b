/** What `stream()` returns: parts as they come, and the whole reply as a promise. */
import type { Reply, ReplyStream, StreamPart } from './types.js';

export function replyStream(
  run: (push: (part: StreamPart) => void, signal: AbortSignal) => Promise<Reply>,
  outer: AbortSignal | undefined,
): ReplyStream {
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer?.reason);
  if (outer?.aborted === true) onAbort();
  else outer?.addEventListener('abort', onAbort, { once: true });

  const queue: StreamPart[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  let failure: unknown;
  const push = (part: StreamPart) => {
    queue.push(part);
    wake?.();
  };
  const reply = run(push, controller.signal).finally(() => {
    ended = true;
    outer?.removeEventListener('abort', onAbort);
    wake?.();
  });
  // Whoever only reads the parts hears of a failure from the iterator.
  reply.catch((error: unknown) => (failure = error));

  return {
    reply,
    cancel: () => controller.abort(),
    async *[Symbol.asyncIterator]() {
      let complete = false;
      try {
        for (;;) {
          while (queue.length > 0) yield queue.shift()!;
          if (ended) break;
          await new Promise<void>((resolve) => (wake = resolve));
          wake = undefined;
        }
        complete = true;
        if (failure !== undefined) throw failure;
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
