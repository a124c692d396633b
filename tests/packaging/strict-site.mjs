/**
 * Ways to serve a consumer's page under the strict policy: a folder of built files, or a proxy before a server that
 * knows of none. Nothing here allows inline scripts, `eval` or other origins than loopback.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { listen } from '../servers/loopback.mjs';

const policyWith = (scripts) =>
  `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'${scripts}; style-src 'self'; connect-src 'self' http://127.0.0.1:*`;

export const policy = policyWith('');

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
};

/** What a server must send so that its pages may use threads. */
export const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Serves the files below `folder`, as a plain web server would: 404 for what is not there. */
export function serveFolder(folder, sent = policy, more = {}) {
  return listen(async (request, response) => {
    const headers = { 'content-security-policy': sent, ...more };
    const { pathname } = new URL(request.url, 'http://localhost');
    const file = path.join(
      folder,
      path.normalize(decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname)),
    );
    try {
      const body = await readFile(file);
      response.writeHead(200, { ...headers, 'content-type': types[path.extname(file)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404, headers).end('not found');
    }
  });
}

/** Passes everything on to `origin`; the inline scripts a framework writes into its pages are allowed by their hashes. */
export function withPolicy(origin) {
  return listen(async (request, response) => {
    const { pathname, search } = new URL(request.url, 'http://localhost');
    const answer = await fetch(origin + pathname + search);
    const type = answer.headers.get('content-type') ?? 'application/octet-stream';
    const body = Buffer.from(await answer.arrayBuffer());
    const hashes = type.startsWith('text/html') ? inlineScripts(body.toString('utf8')) : [];
    response.writeHead(answer.status, { 'content-type': type, 'content-security-policy': policyWith(hashes.join('')) });
    response.end(body);
  });
}

function inlineScripts(html) {
  return [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, code]) => ` 'sha256-${createHash('sha256').update(code).digest('base64')}'`,
  );
}
