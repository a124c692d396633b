/**
 * One HTTP request of a check, bounded in time and to 1 MiB of answer. Redirects are not followed; whatever goes wrong is told
 * as a sentence with what to do.
 */
import { seconds, Trouble } from './check.js';

const kMostBytes = 1_048_576;

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON. */
  json: unknown;
  /** An HTML page stands there. */
  isPage: boolean;
}

export async function ask(
  url: string,
  limitMs: number,
  signal: AbortSignal,
  { method = 'GET', headers = {} }: { method?: string; headers?: HeadersInit } = {},
): Promise<Answer> {
  const { host } = new URL(url);
  const over = new AbortController();
  const leave = (): void => over.abort();
  const timer = setTimeout(leave, limitMs);
  signal.addEventListener('abort', leave, { once: true });
  try {
    const response = await fetch(url, { method, headers, redirect: 'manual', signal: over.signal });
    const text = await bounded(response, host);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // It is none.
    }
    const type = response.headers.get('content-type') ?? '';
    return {
      status: response.status,
      headers: response.headers,
      json,
      isPage: json === undefined && (/html/i.test(type) || /^\s*<(?:!doctype|html)/i.test(text)),
    };
  } catch (error) {
    if (error instanceof Trouble) throw error;
    if (over.signal.aborted)
      throw new Trouble(
        `${host} gave no answer within ${seconds(limitMs)}.`,
        'Look whether it runs, or is overloaded.',
      );
    throw unreachable(error, host);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
    over.abort();
  }
}

/** Why nothing could be reached there, by the code of the system's or the TLS library's error. */
export function unreachable(error: unknown, host: string): Trouble {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return new Trouble(`Nothing listens at ${host}.`, 'Start it, or correct host and port.');
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Trouble(`No address is known for ${host}.`, 'Correct the name, or look at the network of this machine.');
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS|ERR_SSL/.test(code))
    return new Trouble(
      `The certificate of ${host} is not accepted (${code}).`,
      'Correct the address, or renew the certificate; for an authority of your own set NODE_EXTRA_CA_CERTS.',
    );
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE' || code.startsWith('HPE_'))
    return new Trouble(`${host} ended the connection.`, 'Look whether this is the right address and port.');
  if (/TIMEDOUT|TIMEOUT|EHOSTUNREACH|ENETUNREACH/.test(code))
    return new Trouble(`${host} cannot be reached (${code}).`, 'Look at the address, the network and its firewall.');
  return new Trouble(
    `${host} cannot be reached${code === '' ? '' : ` (${code})`}.`,
    'Look at the address and the network.',
  );
}

function codeOf(error: unknown): string {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth += 1) {
    const { code, errors, cause: next } = cause as { code?: unknown; errors?: unknown; cause?: unknown };
    if (typeof code === 'string') return code;
    cause = Array.isArray(errors) ? (errors[0] as unknown) : next;
  }
  return '';
}

async function bounded(response: Response, host: string): Promise<string> {
  if (response.body === null) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > kMostBytes) throw new Trouble(`${host} answered with more than 1 MiB.`, 'Look at the address.');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A field of an answer, when it is text. */
export function textAt(value: unknown, ...names: readonly string[]): string | undefined {
  let found = value;
  for (const name of names) found = asRecord(found)[name];
  return typeof found === 'string' && found !== '' ? found : undefined;
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
