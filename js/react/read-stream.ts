/**
 * Reads a reply stream to its end and tells of its text and status at most once per frame, however many parts
 * arrive. What was read is told before the promise settles. Rejects as `stream.reply` does.
 */
import type { Reply, ReplyStream, SpaceStatus } from '../types.js';
import { onNextFrame } from './next-frame.js';

export interface Reading {
  text: string;
  /** What the target is doing, while it is not yet (or no longer) sending text. */
  spaceStatus: SpaceStatus | undefined;
}

export async function readStream(stream: ReplyStream, onReading: (reading: Reading) => void): Promise<Reply> {
  let reading: Reading = { text: '', spaceStatus: undefined };
  let cancelFrame: (() => void) | undefined;
  const tell = () => {
    cancelFrame?.();
    cancelFrame = undefined;
    onReading(reading);
  };
  // The iteration below may throw first; the promise is awaited after it either way.
  stream.reply.catch(() => undefined);
  try {
    for await (const part of stream) {
      if (part.type === 'text') reading = { text: reading.text + part.text, spaceStatus: undefined };
      else if (part.type === 'replace') reading = { text: part.text, spaceStatus: undefined };
      else reading = { text: reading.text, spaceStatus: part.status };
      cancelFrame ??= onNextFrame(tell);
    }
  } catch {
    // The same failure rejects `reply`, with its class and its trace.
  }
  if (cancelFrame !== undefined) tell();
  return await stream.reply;
}
