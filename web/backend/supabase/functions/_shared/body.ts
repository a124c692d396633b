/**
 * Bodies of requests, bounded while they are read: a length that is promised, what really comes, and what gzip makes of it
 * each count on their own. Nothing larger is ever held. Slow senders are cut off.
 */
import { Refusal } from './answer.ts';
import { joinBytes } from './join-bytes.ts';

const kTimeLimitMs = 30_000;
/** Fed to the decompressor at once: its answer to one piece is whole, and at most about a thousand times as large. */
const kPiece = 1024;

export async function readBody(request: Request, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new Refusal(413, 'too-large', `The body is larger than ${String(most)} bytes.`);
  if (Number(request.headers.get('content-length') ?? 0) > most) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity')
    throw new Refusal(415, 'unknown-encoding', 'Content-Encoding must be gzip or absent.');
  const sent = counted(request.body, most, tooLarge);
  const whole = encoding === 'gzip' ? counted(unpacked(sent), most, tooLarge) : sent;
  const reader = whole.getReader();
  let late: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Refusal(408, 'too-slow', 'The body did not come in time.')), kTimeLimitMs);
  });
  const parts: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), limit]);
      if (done) break;
      parts.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'invalid-body', 'The body could not be read.');
  } finally {
    clearTimeout(late);
  }
  return joinBytes(parts);
}

/** A JSON object. Numbers too large for a double come as 1e300, which no field allows, instead of as nothing. */
export async function readJson(request: Request, most: number): Promise<Record<string, unknown>> {
  const bytes = await readBody(request, most);
  let value: unknown;
  try {
    const text = storable(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    value = JSON.parse(text, /\d{300}|[eE]\+?\d{3}/.test(text) ? finite : undefined);
  } catch {
    throw new Refusal(400, 'invalid-json', 'The body must be JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(400, 'invalid-json', 'The body must be a JSON object.');
  return value as Record<string, unknown>;
}

function finite(_: string, member: unknown): unknown {
  return typeof member === 'number' && !Number.isFinite(member) ? 1e300 : member;
}

/** JSON text with the escapes that PostgreSQL's jsonb refuses, NUL and half a surrogate pair, as U+FFFD. */
export function storable(text: string): string {
  return text.replace(
    /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})|[^])/g,
    (escape, bad: string | undefined) => (bad === undefined ? escape : '\\ufffd'),
  );
}

function counted(stream: ReadableStream<Uint8Array>, most: number, tooLarge: () => Error): ReadableStream<Uint8Array> {
  let size = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>(
      {
        transform(part, controller) {
          size += part.byteLength;
          if (size > most) throw tooLarge();
          controller.enqueue(part);
        },
      },
      { highWaterMark: 1 },
      { highWaterMark: 0 },
    ),
  );
}

function unpacked(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let rest = new Uint8Array();
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        while (rest.byteLength === 0) {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          rest = new Uint8Array(value);
        }
        controller.enqueue(rest.slice(0, kPiece));
        rest = rest.subarray(kPiece);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return pieces.pipeThrough(new DecompressionStream('gzip'));
}
