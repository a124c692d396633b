/**
 * Pieces of a reply, as the core reads them from frames and bodies -> parts for the caller and the whole at the end.
 * Decides one thing: whether the reply was complete when the server stopped talking. It was when the server said so
 * (a finish reason, or its end mark), or, for protocols that have no end mark, when it closed the stream in order.
 */
import type { ReplyPiece } from '../core-types.js';
import type { FinishReason } from '../types.js';
import { CallFailure } from './call-failure.js';
import type { TransportPart, TransportResult } from './transport.js';

export class ReplyCollector {
  readonly #onPart: (part: TransportPart) => void;
  #text = '';
  /** The last full text a server sent in place of what it had streamed. */
  #full: string | undefined;
  #finish: FinishReason | undefined;
  #usage: { input?: number; output?: number } | undefined;
  #model: string | undefined;
  #ended = false;

  constructor(onPart: (part: TransportPart) => void) {
    this.#onPart = onPart;
  }

  /** True when the server says that nothing follows. */
  add(piece: ReplyPiece): boolean {
    if (piece.error !== undefined) throw reportedFailure(piece.error);
    if (piece.text !== undefined && piece.text !== '') {
      this.#text += piece.text;
      this.#full = undefined;
      this.#onPart({ type: 'text', text: piece.text });
    }
    if (piece.full !== undefined) this.#takeFull(piece.full);
    // A reply that was cut off stays one, whatever the frames behind say.
    if (
      piece.finish !== undefined &&
      (this.#finish === undefined || this.#finish === 'stop' || this.#finish === 'unknown')
    )
      this.#finish = piece.finish;
    // Servers tell it in the last content frame, in a frame of its own or in each: the last one counts.
    if (piece.usage !== undefined) this.#usage = { ...this.#usage, ...piece.usage };
    if (piece.model !== undefined) this.#model = piece.model;
    if (piece.done === true) this.#ended = true;
    return this.#ended;
  }

  /** A reply that came in one body. */
  addWhole(piece: ReplyPiece): void {
    this.add({ ...piece, done: true });
  }

  result(via: string, hasEndMark: boolean): TransportResult {
    if (hasEndMark && !this.#ended && this.#finish === undefined) {
      throw new CallFailure({
        kind: 'cut',
        message:
          this.#text === ''
            ? 'The server closed the connection without a reply.'
            : 'The reply ended without its end mark.',
      });
    }
    return {
      text: this.#text,
      finish: this.#finish ?? 'unknown',
      ...(this.#usage !== undefined && { usage: this.#usage }),
      ...(this.#model !== undefined && { model: this.#model }),
      via,
    };
  }

  /** Usually said once, at the end. Said again, it is either the text so far or the next part of it. */
  #takeFull(full: string): void {
    // Lengths first: a long text is not compared with each of many short parts.
    if (this.#full !== undefined && !(full.length >= this.#full.length && full.startsWith(this.#full))) {
      this.#full = this.#text += full;
      if (full !== '') this.#onPart({ type: 'text', text: full });
      return;
    }
    this.#full = full;
    if (full === this.#text) return;
    const grown = this.#text !== '' && full.startsWith(this.#text) ? full.slice(this.#text.length) : undefined;
    this.#text = full;
    this.#onPart(grown === undefined ? { type: 'replace', text: full } : { type: 'text', text: grown });
  }
}

/** An error a server reported with HTTP 200. */
export function reportedFailure(error: NonNullable<ReplyPiece['error']>): CallFailure {
  const { message, type, title, status } = error;
  return new CallFailure({
    kind: 'app',
    message,
    type,
    title,
    status,
  });
}
