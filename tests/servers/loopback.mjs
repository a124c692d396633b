/** A small HTTP server on a free loopback port, whose `close` also ends open connections. Test code. */
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/**
 * @param {import('node:http').RequestListener} handler
 * @param {{ tls?: { key: string, cert: string } }} [options]
 * @returns {Promise<{ origin: string, port: number, close: () => Promise<void> }>}
 */
export async function listen(handler, { tls } = {}) {
  const server = tls === undefined ? createServer(handler) : createTlsServer(tls, handler);
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The whole request body as text. */
export async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/**
 * What a permissive server adds to its answers; true when the request was a preflight and has been answered.
 * `allowHeaders`: a list, or `undefined` to allow whatever was asked for.
 */
export function cors(request, response, allowHeaders) {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  response.setHeader('vary', 'origin');
  if (request.method !== 'OPTIONS') return false;
  response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
  response.setHeader(
    'access-control-allow-headers',
    allowHeaders ?? request.headers['access-control-request-headers'] ?? '',
  );
  response.writeHead(204).end();
  return true;
}
