/**
 * What a Gradio app says when it fails, as facts. The shapes vary: 4.44 has no `title` and wraps the text in Python
 * quotes (`'Nope'`), an app that hides its errors says `{"error": null}` or `null` (no message then), `/call` up to
 * 6.12 says `null` for everything, and the server itself speaks of a lost job in `unexpected_error`.
 */
import type { FailureFacts } from '../core-types.js';
import type { Json } from '../types.js';
import { CallFailure } from './call-failure.js';
import { isObject } from './json.js';

/** The app's function failed. `output` is `{error, title?, …}`, or `null`. */
export function appFailure(output: Json | undefined): CallFailure {
  const facts: FailureFacts = { kind: 'app' };
  if (isObject(output)) {
    const { error, title } = output;
    if (typeof title === 'string' && title !== '' && title !== 'Error') facts.title = title;
    if (typeof error === 'string' && error !== '') facts.message = unquoted(error);
    else if (error !== null && error !== undefined && error !== '') facts.message = JSON.stringify(error);
  }
  return new CallFailure(facts);
}

/** The server, not the app, gave the job up: it stopped, restarted, or no longer knows the session. */
export function lostFailure(message: Json | undefined, unknownSession: boolean): CallFailure {
  const said = typeof message === 'string' ? message : '';
  const unknown = unknownSession || /^404\b/.test(said);
  return new CallFailure({
    kind: 'cut',
    message: unknown
      ? 'The Space no longer knows this job: it was restarted, or cancelled it.'
      : said || 'The Space gave the job up.',
  });
}

/** A result without outputs is how Gradio ends a job that was cancelled, with `success: true`. */
export function cancelledFailure(): CallFailure {
  return new CallFailure({ kind: 'app', message: 'The Space cancelled the job before it was done.' });
}

/** Python's `repr` of a string, undone; other text as it is. */
export function unquoted(text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) return text;
  const inner = text.slice(1, -1);
  // A quote of the same kind inside is escaped in a repr; otherwise this was no repr.
  if (new RegExp(`(?:^|[^\\\\])(?:\\\\\\\\)*${quote}`).test(inner)) return text;
  return inner.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\\'"ntr]))/g,
    (whole, x, u, long, plain) => {
      const code: unknown = x ?? u ?? long;
      if (typeof code === 'string') {
        const point = Number.parseInt(code, 16);
        return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
      }
      return { n: '\n', t: '\t', r: '\r' }[plain as string] ?? (plain as string);
    },
  );
}
