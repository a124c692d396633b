/**
 * `npm start`: builds what is missing, starts a Space for each tier on loopback and the demo, prints the URL.
 * Options: --port N (default 5173, or the next free one), --rebuild, --no-spaces.
 */
import { createServer } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import path from 'node:path';

import { ensureNpm, ensureSystem, root, toBuild } from './setup.mjs';
import { isStale } from './stale.mjs';

const option = (name) => process.argv.includes(`--${name}`);
const value = (name, fallback) => (option(name) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : fallback);
const say = (text) => console.log(text);

const csp = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: https:",
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join('; ');

async function main() {
  const began = Date.now();
  ensureNpm(say);
  if (
    option('rebuild') ||
    isStale('build/wasm/module/core.wasm', ['wasm', 'CMakeLists.txt', 'CMakePresets.json', 'scripts/split-core.mjs'])
  ) {
    ensureSystem(toBuild, say);
    await step('Building the WebAssembly core (a minute or two the first time)', 'node', [
      'scripts/build.mjs',
      '--wasm-only',
    ]);
  }
  if (
    option('rebuild') ||
    isStale('dist/index.js', [
      'js',
      'models/injection.json',
      'models/models.json',
      'models/prices.json',
      'models/templates.json',
      'models/tiers.json',
      'models/all-MiniLM-L6-v2',
      'models/guard',
      'build/wasm/module/core.wasm',
      'scripts/build.mjs',
    ])
  ) {
    await step('Building the package', 'node', ['scripts/build.mjs', '--js-only']);
  }
  if (option('rebuild') || isStale('build/demo/index.html', ['web/demo', 'dist/index.js'])) {
    await step('Building the demo', 'npx', ['vite', 'build', 'web/demo', '--logLevel', 'warn']);
  }

  const config = { spaces: {} };
  let spaces;
  if (!option('no-spaces')) {
    try {
      const { startSpaces } = await import('./space.mjs');
      spaces = await startSpaces({
        tiers: ['base', 'company', 'abstraction'],
        ports: { base: 7861, company: 7862, abstraction: 7863 },
        onProgress: (message) => say(`  ${message}`),
      });
      for (const tier of ['base', 'company', 'abstraction']) config.spaces[tier] = { url: spaces[tier] };
    } catch (error) {
      config.note = `No Space is running here (${error.message}) The demo answers with its mock, labelled as one.`;
      say(config.note);
    }
  }

  const server = serveDemo(path.join(root, 'build/demo'), config);
  const port = await listen(server, Number(value('port', 5173)));
  say(`\n  Tierwise demo   http://127.0.0.1:${port}/`);
  for (const [tier, { url }] of Object.entries(config.spaces)) say(`  ${`${tier} Space`.padEnd(15)} ${url}`);
  say(`\n  Ready in ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl+C ends everything.\n`);

  const end = async () => {
    server.close();
    server.closeAllConnections();
    await spaces?.stop();
    process.exit(0);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  process.once('SIGHUP', end);
}

function step(what, command, args) {
  return new Promise((resolve, reject) => {
    const began = Date.now();
    say(`${what} …`);
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000);
      if (process.stdout.isTTY) {
        const line = String(chunk).trim().split('\n').pop();
        process.stdout.write(`\r\x1b[2K  ${line.slice(0, (process.stdout.columns ?? 80) - 4)}`);
      }
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('exit', (code) => {
      if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
      if (code === 0) {
        say(`  done in ${((Date.now() - began) / 1000).toFixed(0)} s`);
        resolve();
      } else reject(new Error(`${what} failed:\n${output}`));
    });
  });
}

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

function serveDemo(folder, config) {
  return createServer(async (request, response) => {
    const headers = {
      'content-security-policy': csp,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    };
    const { pathname } = new URL(`http://demo${request.url}`);
    // A foreign name that resolves to this machine (DNS rebinding) is not served.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(request.headers.host ?? ''))
      return void response.writeHead(421, headers).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, headers).end();
    if (pathname === '/config.json') {
      return void response
        .writeHead(200, { ...headers, 'content-type': 'application/json' })
        .end(JSON.stringify(config));
    }
    try {
      const file = path.join(folder, path.normalize(decodeURIComponent(pathname)));
      const wanted = pathname.endsWith('/') ? path.join(file, 'index.html') : file;
      if (!wanted.startsWith(folder + path.sep) || !(await stat(wanted)).isFile()) throw new Error('not found');
      const type = types[path.extname(wanted)] ?? 'application/octet-stream';
      const content = await readFile(wanted);
      response.writeHead(200, { ...headers, 'content-type': type }).end(content);
    } catch {
      response.writeHead(404, { ...headers, 'content-type': 'text/plain' }).end('Not found');
    }
  });
}

function listen(server, wished) {
  return new Promise((resolve, reject) => {
    let port = wished;
    server.on('error', (error) => {
      if (error.code === 'EADDRINUSE' && port < wished + 20) server.listen(++port, '127.0.0.1');
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

main().catch((error) => {
  console.error(`\n${error.message}`);
  process.exit(1);
});
