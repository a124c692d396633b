/**
 * The functions `usage` and `feedback` as a page sees them, on loopback: idempotent by event id, a verdict for each row,
 * CORS, gzip. What was stored is appended to a file before the answer goes out, so that it outlives `restart`. Rows of
 * which `text` says "poison" are refused. `answer` may take a request's place.
 *
 *   const backend = await usageBackend();
 *   backend.answer = (request) => ({ status: 429, headers: { 'retry-after': '2' } });   // or 'never', 'reset',
 *                                                   // 'lost' (stored, and no answer), undefined
 *   backend.stored, backend.times      // id -> row, id -> how often it was sent
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, content-type, content-encoding, x-tierwise-company',
  'access-control-expose-headers': 'retry-after',
  'access-control-max-age': '600',
};

/**
 * @param {{ file?: string, token?: string | undefined }} options  `token`: any other is answered 401
 */
export async function usageBackend({
  file = path.join(mkdtempSync(path.join(tmpdir(), 'tierwise-usage-')), 'rows.jsonl'),
  token,
} = {}) {
  const backend = {
    /** @type {Map<string, any>} */
    stored: new Map(),
    /** @type {Map<string, number>} */
    times: new Map(),
    /** @type {{ path: string, rows: any[], sentAt: number, headers: any, bytes: number, at: number }[]} */
    requests: [],
    /** @type {undefined | ((request: any) => undefined | 'never' | 'reset' | 'lost' | { status?: number, headers?: object, body?: string })} */
    answer: undefined,
    url: '',
    restart() {
      backend.stored.clear();
      if (!existsSync(file)) return;
      for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
        const row = JSON.parse(line);
        if (backend.stored.has(row.eventId)) throw new Error(`${row.eventId} was stored twice`);
        backend.stored.set(row.eventId, row);
      }
    },
    /** Ends connections that wait for an answer too. */
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
  backend.restart();

  function verdictOf(row) {
    backend.times.set(row.eventId, (backend.times.get(row.eventId) ?? 0) + 1);
    if (backend.stored.has(row.eventId)) return { eventId: row.eventId, verdict: 'duplicate' };
    if (JSON.stringify(row).includes('poison'))
      return { eventId: row.eventId, verdict: 'refused', code: 'invalid-field', message: 'It holds poison.' };
    backend.stored.set(row.eventId, row);
    appendFileSync(file, `${JSON.stringify(row)}\n`);
    return { eventId: row.eventId, verdict: 'stored' };
  }

  const server = createServer((request, response) => {
    const send = (status, headers, body) =>
      response.writeHead(status, { 'content-type': 'application/json', ...cors, ...headers }).end(body);
    if (request.method === 'OPTIONS') return void send(204, {}, undefined);
    const parts = [];
    request.on('error', () => undefined);
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const raw = Buffer.concat(parts);
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString('utf8');
      const body = JSON.parse(text);
      const rows = body.events ?? body.feedback ?? [];
      const asked = {
        path: request.url,
        rows,
        sentAt: body.sentAt,
        body,
        headers: request.headers,
        bytes: text.length,
        at: Date.now(),
      };
      backend.requests.push(asked);
      const instead = backend.answer?.(asked);
      if (instead === 'never') return;
      if (instead === 'reset') return void request.socket.destroy();
      if (instead === 'lost') {
        rows.forEach(verdictOf);
        return void request.socket.destroy();
      }
      if (instead !== undefined) return void send(instead.status ?? 200, instead.headers ?? {}, instead.body ?? '');
      if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) return void send(401, {}, '{}');
      if (rows.length > 500 || text.length > 1_000_000) return void send(413, {}, '{}');
      send(200, {}, JSON.stringify({ now: Date.now(), verdicts: rows.map(verdictOf) }));
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  backend.url = `http://127.0.0.1:${server.address().port}/functions/v1`;
  return backend;
}
