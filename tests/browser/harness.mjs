/**
 * A real Chromium and small web servers for tests in `tests/browser/*.test.mjs` (run by `node --test`).
 *
 *   const browser = await launch();                       // one per test file; further flags as arguments
 *   const site = await serve({ '/': html, '/m.js': { body, type, headers } }, { headers });
 *   const page = await openPage(browser, { modules: { gradio: 'tests/browser/gradio-in-page.ts' } });
 *   await page.run(async ({ gradio }, argument) => …, argument);
 *
 * `modules` are entry files, bundled from source by esbuild on the fly and handed to `run` as ES modules, so tests
 * need no build. Every page has an origin of its own (127.0.0.1, a free port); what it logs as an error, throws
 * outside of `run` or violates of its Content-Security-Policy is kept in `page.problems`.
 */
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

export const root = fileURLToPath(new URL('../../', import.meta.url));

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @returns {Promise<import('playwright-core').Browser>} */
export function launch(...more) {
  return chromium.launch({
    executablePath: process.env.TIERWISE_CHROMIUM ?? '/usr/bin/chromium',
    args: [...flags, ...more],
  });
}

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/**
 * Serves `routes` on loopback: path -> text, bytes, `{ body, type?, status?, headers? }`, or a node request handler.
 * `headers` go with every answer.
 * @returns {Promise<{ origin: string, port: number, close: () => Promise<void> }>}
 */
export async function serve(routes, { headers = {} } = {}) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const route = routes[pathname];
    if (typeof route === 'function') return void route(request, response);
    if (pathname === '/favicon.ico' && route === undefined) return void response.writeHead(204, headers).end();
    if (route === undefined) return void response.writeHead(404, headers).end('not found');
    const entry = typeof route === 'string' || route instanceof Uint8Array ? { body: route } : route;
    const type = entry.type ?? types[path.extname(pathname)] ?? types['.html'];
    response.writeHead(entry.status ?? 200, { 'content-type': type, ...headers, ...entry.headers }).end(entry.body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** Bundles an entry file (relative to the project) into one ES module. */
export async function bundle(entry, options = {}) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    sourcemap: 'inline',
    logLevel: 'silent',
    ...options,
  });
  return outputFiles[0].text;
}

/**
 * A page on its own origin with `modules` at hand.
 * @param {import('playwright-core').Browser} browser
 * @param {{ modules?: Record<string, string>, csp?: string, headers?: Record<string, string>, html?: string,
 *           routes?: Record<string, unknown>, host?: string }} options  `host`: a name the browser's resolver rules
 *   map to 127.0.0.1
 */
export async function openPage(browser, { modules = {}, csp, headers = {}, html, routes = {}, host } = {}) {
  const names = Object.keys(modules);
  const files = await Promise.all(names.map((name) => bundle(modules[name])));
  const site = await serve(
    {
      '/': html ?? '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title>',
      ...Object.fromEntries(names.map((name, index) => [`/modules/${name}.js`, files[index]])),
      ...routes,
    },
    { headers: { ...(csp !== undefined && { 'content-security-policy': csp }), ...headers } },
  );
  const origin = host === undefined ? site.origin : `http://${host}:${site.port}`;
  const context = await browser.newContext();
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${origin}/`);
  return {
    page,
    origin,
    problems,
    /** Runs `task` in the page with the modules and one JSON argument. Works under a CSP without `unsafe-eval`. */
    run: (task, argument) =>
      page.evaluate(`(async () => {
        const modules = {};
        for (const name of ${JSON.stringify(names)}) modules[name] = await import('/modules/' + name + '.js');
        return (${String(task)})(modules, ${JSON.stringify(argument) ?? 'undefined'});
      })()`),
    close: async () => {
      await context.close();
      await site.close();
    },
  };
}
