/**
 * One request of a sender. Gives the answer, or undefined where there was none (no network, too late, a redirect).
 * Bodies are compressed where the browser can, a piece at a time, so that the page stays responsive.
 */
import { privateFetch } from '../private-fetch.js';
import type { Answer } from './answer.js';

const piece = 32 * 1024;
const mostAnswerBytes = 2 * 1024 * 1024;
/** Smaller ones gain nothing. */
const leastCompressed = 1024;

export interface PostInit {
  fetch: typeof fetch;
  url: string;
  headers: Record<string, string>;
  body: string;
  compress: boolean;
  signal: AbortSignal;
}

export async function post({ fetch, url, headers, body, compress, signal }: PostInit): Promise<Answer | undefined> {
  try {
    const compressed = compress && body.length >= leastCompressed ? await gzip(body) : undefined;
    const response = await fetch(url, {
      ...privateFetch,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(compressed && { 'content-encoding': 'gzip' }),
        ...headers,
      },
      body: compressed ?? body,
      signal,
    });
    const answer = await answerOf(response);
    // What is made of it is a task of its own.
    await nextTask();
    return answer;
  } catch {
    return undefined;
  }
}

/** While the page is being left: called and forgotten, unless the page stays. Bodies of 64 KiB at most, all together. */
export async function postAndLeave(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<Answer | undefined> {
  try {
    const init = {
      ...privateFetch,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      keepalive: true,
    };
    return await answerOf(await fetch(url, init));
  } catch {
    return undefined;
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const { status, headers, body } = response;
  const decoder = new TextDecoder();
  let text = '';
  if (body !== null) {
    const reader = body.getReader();
    for (let bytes = 0; bytes <= mostAnswerBytes;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      text += decoder.decode(value, { stream: true });
    }
    reader.cancel().catch(() => undefined);
  }
  return { status, retryAfter: headers.get('retry-after'), text };
}

async function gzip(text: string): Promise<ArrayBuffer | undefined> {
  if (typeof CompressionStream === 'undefined') return undefined;
  const stream = new CompressionStream('gzip');
  const whole = new Response(stream.readable).arrayBuffer();
  const bytes = new TextEncoder().encode(text);
  const writer = stream.writable.getWriter();
  for (let at = 0; at < bytes.length; at += piece) {
    await writer.write(bytes.subarray(at, at + piece));
    await nextTask();
  }
  await writer.close();
  return whole;
}

/** Lets the page have its turn. */
export function nextTask(): Promise<unknown> {
  const { scheduler } = globalThis as { scheduler?: { yield?: () => Promise<void> } };
  return scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));
}
