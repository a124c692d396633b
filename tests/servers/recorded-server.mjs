/**
 * Recorded exchanges with the Hugging Face router and inference providers, served again: whole, cut into chunks at any
 * byte, or broken off. In process (`recordedFetch`: exact chunks, no sockets) or over a real socket
 * (`serveRecording`). The recordings are huggingface.js's test tapes; they are read from beside the project and are not
 * part of it. Test code.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { cors, listen } from './loopback.mjs';

const file = fileURLToPath(new URL('../../../shared/fixtures/recorded-exchanges.json', import.meta.url));

/**
 * @typedef {{ id: string, url: string, request: any, status: number, contentType: string, body: string,
 *   streams: boolean, protocol: 'openai' | 'tgi' | 'plain' }} Recording
 */

/** Every recorded exchange; undefined (and a line that says so) when the recordings are not there. */
export function loadRecordings() {
  if (!existsSync(file)) {
    console.warn(`Skipped: the recorded exchanges are not at ${file}.`);
    return undefined;
  }
  return Object.entries(JSON.parse(readFileSync(file, 'utf8'))).map(([id, { url, init, response }]) => {
    const contentType = response.headers['content-type'] ?? '';
    const body = response.body ?? '';
    return {
      id: id.slice(0, 8),
      url,
      request: parse(init?.body),
      status: response.status,
      contentType,
      body,
      streams: contentType.includes('event-stream'),
      protocol: /chat\/completions|v1\/completions/.test(url)
        ? 'openai'
        : contentType.includes('event-stream')
          ? 'tgi'
          : 'plain',
    };
  });
}

/** Those whose answer is a chat or a text: one of each different body. */
export function textRecordings() {
  const seen = new Set();
  return loadRecordings()?.filter(({ url, body, streams }) => {
    const isText = streams || /\/(?:chat\/)?completions$/.test(url) || /^\[?\{"generated_text"/.test(body);
    if (!isText || seen.has(body)) return false;
    seen.add(body);
    return true;
  });
}

/**
 * `bytes` in pieces that begin at `cuts` (ascending byte offsets).
 * @returns {Uint8Array[]}
 */
export function cutAt(bytes, cuts) {
  const ends = [...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length];
  return ends
    .map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
    .filter((piece) => piece.length > 0);
}

/** A fetch that answers every POST with the recording; `end`: how its body ends after the last piece. */
export function recordedFetch({ status, contentType, body }, { cuts = [], length, end = 'clean' } = {}) {
  const bytes = new TextEncoder().encode(body).subarray(0, length);
  return async (_url, init) => {
    const pieces = cutAt(bytes, cuts);
    let next = 0;
    const stream = new ReadableStream({
      pull(controller) {
        if (init?.signal?.aborted) controller.error(init.signal.reason);
        else if (next < pieces.length) controller.enqueue(pieces[next++]);
        else if (end === 'broken') controller.error(new TypeError('network error'));
        else controller.close();
      },
    });
    return new Response(stream, { status, headers: { 'content-type': contentType } });
  };
}

/** A server that answers every POST with the recording, one socket write per piece. */
export async function serveRecording({ status, contentType, body }, { cuts = [], end = 'clean' } = {}) {
  const requests = [];
  const server = await listen(async (request, response) => {
    if (cors(request, response)) return;
    let sent = '';
    for await (const part of request) sent += part;
    requests.push(parse(sent));
    request.socket.setNoDelay(true);
    response.writeHead(status, { 'content-type': contentType });
    for (const piece of cutAt(Buffer.from(body), cuts)) {
      await new Promise((resolve) => response.write(piece, resolve));
      await tick();
    }
    if (end === 'broken') response.destroy();
    else response.end();
  });
  return { ...server, requests };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
