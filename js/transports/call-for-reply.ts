/**
 * One POST whose answer is a reply of a model server: an event stream, NDJSON or one body, whichever the server
 * chose. Frames are read by the core; what they mean together is `ReplyCollector`'s part.
 */
import type { Http } from '../http.js';
import type { ReplyPiece } from '../core-types.js';
import { CallFailure } from './call-failure.js';
import { ReplyCollector, reportedFailure } from './reply-collector.js';
import type { CallHandlers, ReplyReader, TransportResult } from './transport.js';

export interface ReplyCall {
  url: string;
  json: unknown;
  headers?: Record<string, string>;
  protocol: 'openai' | 'tgi' | 'llama.cpp' | 'plain';
  /** Whether streams of this protocol say when they are complete. */
  hasEndMark: boolean;
  via: string;
}

export async function callForReply(
  call: ReplyCall,
  { http, reader }: { http: Http; reader: ReplyReader },
  handlers: CallHandlers,
): Promise<TransportResult> {
  const { protocol } = call;
  const collector = new ReplyCollector(handlers.onPart);
  const init = {
    method: 'POST' as const,
    json: call.json,
    signal: handlers.signal,
    timeouts: handlers.timeouts,
    headers: call.headers,
  };
  /** `promised`: a server that says `"generated_text": null` beside a part says the whole text at the end. */
  const seen = { whole: false, promised: false };
  await http.frames(call.url, init, ({ event, data }) => {
    if (event === 'body') {
      seen.whole = true;
      if (data.trim() === '')
        throw new CallFailure({ kind: 'cut', message: 'The server closed the connection without a reply.' });
      collector.addWhole(reader.body(protocol, data));
      return undefined;
    }
    if (event === 'error') throw errorFrame(data, call, reader);
    const piece = readFrame(data, call, reader);
    // The plain contract has no end mark: its servers may repeat the text so far in every frame.
    const more = !call.hasEndMark && piece.full !== undefined;
    if (!call.hasEndMark)
      seen.promised = piece.full === undefined && (seen.promised || /"generated_text"\s*:\s*null/.test(data));
    return collector.add(more ? { ...piece, done: false } : piece) ? 'stop' : undefined;
  });
  return collector.result(call.via, (call.hasEndMark || seen.promised) && !seen.whole);
}

/**
 * A frame, without what may stand behind its JSON (Cerebras was recorded with a stray quote behind its last frame).
 * No frame that was cut off passes this way: the beginning of an object is never a whole one.
 */
function readFrame(data: string, { protocol }: ReplyCall, reader: ReplyReader): ReplyPiece {
  try {
    return reader.frame(protocol, data);
  } catch (error) {
    const end = data.lastIndexOf('}') + 1;
    if (end === 0 || end === data.length) throw error;
    try {
      return reader.frame(protocol, data.slice(0, end));
    } catch {
      throw error;
    }
  }
}

/** An SSE event, or a field of llama.cpp's early 2025, named `error`: JSON that says more, or bare text. */
function errorFrame(data: string, { protocol }: ReplyCall, reader: ReplyReader): CallFailure {
  for (const text of [data, `{"error":${data}}`]) {
    try {
      const { error } = reader.frame(protocol, text);
      if (error !== undefined) return reportedFailure(error);
    } catch {
      // Not JSON: shown as it is.
    }
  }
  return new CallFailure({ kind: 'app', ...(data !== '' && { message: data }) });
}
