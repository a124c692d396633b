/**
 * Calls to other servers. Promises: redirects are never followed; the key goes along in `Authorization` and is cut out of
 * whatever comes back; the answer is bounded in size and every wait in time; when the caller leaves, the call is aborted.
 */
import { Refusal } from './answer.ts';
import { joinBytes } from './join-bytes.ts';

export interface UpstreamCall {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit | undefined;
  key?: string | undefined;
  /** The caller's: aborted when it leaves. */
  signal: AbortSignal;
  /** Until the answer begins, and then between two parts of it. */
  firstByteMs?: number;
  mostBytes?: number;
}
/** Servers that make a caller wait for a free slot send nothing, headers neither, until it is there. */
const kFirstByteMs = 180_000;
const kMostBytes = 67_108_864;

export async function call(request: UpstreamCall): Promise<Response> {
  const { url, method = 'GET', headers = {}, body, key, signal } = request;
  const waitMs = request.firstByteMs ?? kFirstByteMs;
  const mostBytes = request.mostBytes ?? kMostBytes;
  const abort = new AbortController();
  const tooLate = new Refusal(504, 'upstream-timeout', 'The server did not answer in time.');
  const late = () => abort.abort(tooLate);
  const leave = () =>
    abort.abort(
      (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
        ? tooLate
        : new Refusal(499, 'caller-left', 'The caller left.'),
    );
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });
  let timer = setTimeout(late, waitMs);
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  };
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(body !== undefined && { body }),
      redirect: 'manual',
      signal: abort.signal,
    });
  } catch {
    end();
    if (abort.signal.reason instanceof Refusal) throw abort.signal.reason;
    // The error's own text may hold the address and what was sent.
    throw new Refusal(502, 'upstream-unreachable', 'The server cannot be reached.');
  }
  if ((response.status >= 300 && response.status < 400) || response.type === 'opaqueredirect') {
    end();
    await response.body?.cancel();
    throw new Refusal(502, 'redirect-refused', 'The server sent a redirect, which is not followed.');
  }
  if (response.body === null) {
    end();
    return response;
  }
  const source = response.body.getReader();
  const cut = key === undefined ? undefined : new Cutter(key);
  let size = 0;
  const guarded = new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        clearTimeout(timer);
        timer = setTimeout(late, waitMs);
        let part: ReadableStreamReadResult<Uint8Array>;
        try {
          part = await source.read();
        } catch {
          end();
          const { reason } = abort.signal as { reason: unknown };
          controller.error(
            reason instanceof Refusal ? reason : new Refusal(502, 'upstream-broke-off', 'The server broke off.'),
          );
          return;
        }
        if (part.done) {
          end();
          const rest = cut?.end();
          if (rest !== undefined && rest.byteLength > 0) controller.enqueue(rest);
          controller.close();
          return;
        }
        size += part.value.byteLength;
        if (size > mostBytes) {
          end();
          abort.abort();
          controller.error(new Refusal(502, 'upstream-too-large', 'The answer is too large.'));
          return;
        }
        const shown = cut === undefined ? part.value : cut.push(part.value);
        if (shown.byteLength === 0) continue;
        controller.enqueue(shown);
        return;
      }
    },
    cancel() {
      end();
      abort.abort();
    },
  });
  return new Response(guarded, { status: response.status, headers: response.headers });
}

/** Cuts a secret out of a stream, wherever its parts are divided; holds back only what may be its beginning. */
export class Cutter {
  readonly #secret: Uint8Array;
  #held: Uint8Array = new Uint8Array();

  constructor(secret: string) {
    this.#secret = new TextEncoder().encode(secret);
  }

  push(part: Uint8Array): Uint8Array {
    const secret = this.#secret;
    const bytes = joinBytes([this.#held, part]);
    const shown: Uint8Array[] = [];
    let from = 0;
    for (let at = bytes.indexOf(secret[0] ?? 0); at >= 0; at = bytes.indexOf(secret[0] ?? 0, at + 1)) {
      let same = 1;
      while (same < secret.byteLength && at + same < bytes.byteLength && bytes[at + same] === secret[same]) same += 1;
      if (same === secret.byteLength) {
        shown.push(bytes.subarray(from, at), kCut);
        from = at + same;
        at = from - 1;
      } else if (at + same === bytes.byteLength) {
        this.#held = bytes.slice(at);
        shown.push(bytes.subarray(from, at));
        return joinBytes(shown);
      }
    }
    this.#held = new Uint8Array();
    shown.push(bytes.subarray(from));
    return joinBytes(shown);
  }

  end(): Uint8Array {
    return this.#held;
  }
}
const kCut = new TextEncoder().encode('[redacted]');
