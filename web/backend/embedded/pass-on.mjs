/**
 * Passes a request on to another server of this machine and its answer back, both as they come. When the page leaves, the
 * request behind is broken off; when the server behind breaks off, so does the answer: a half one never looks whole.
 */
import { request as open } from 'node:http';
import { pipeline } from 'node:stream';

/** Of one connection only (RFC 9110, 7.6.1). */
const ofConnection = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const passed = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.has(name)));

/** `refuse()` answers when the server behind takes no connections or ends without an answer. */
export function passOn(request, response, { port, refuse }) {
  const headers = { ...passed(request.headers), host: `127.0.0.1:${String(port)}` };
  if (request.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked';
  const behind = open({
    host: '127.0.0.1',
    port,
    method: request.method,
    path: request.url,
    headers,
    // A connection for each: one that is kept may be closed behind just when it is used again.
    agent: false,
  });
  behind.setNoDelay(true);
  let answered = false;
  behind.once('response', (answer) => {
    answered = true;
    response.writeHead(answer.statusCode, passed(answer.headers));
    response.flushHeaders();
    pipeline(answer, response, () => {});
  });
  behind.on('error', () => {
    // Once there is an answer its own stream says how it ended.
    if (!answered && !response.destroyed) refuse();
  });
  response.once('close', () => behind.destroy());
  // Not `pipeline`: an early answer (413) must reach a page that is still sending.
  request.pipe(behind);
  request.once('error', () => behind.destroy());
  // The rest of what nobody wanted must not stand before the next request of the same connection.
  behind.once('close', () => request.resume());
}
