/**
 * `npm start`: builds what is missing, starts a Space for each tier, the backend and the demo, all on loopback, and prints
 * where they are. Without a backend or without Spaces the demo runs too and says what is missing, and why.
 * Options: --port N (default 5173), --backend-port N (54321), each the next free one when it is taken; --data FOLDER (of the
 * backend); --rebuild, --no-build, --no-spaces, --no-backend. DATABASE_URL: a PostgreSQL to use instead of the embedded one.
 */
import { createServer } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import path from 'node:path';

import { ensureNpm, ensureSystem, root, toBuild } from './setup.mjs';
import { isStale } from './stale.mjs';

const option = (name) => process.argv.includes(`--${name}`);
const value = (name, fallback) => (option(name) ? process.argv[process.argv.lastIndexOf(`--${name}`) + 1] : fallback);
function portOf(name, fallback) {
  const given = value(name, String(fallback));
  if (!/^\d{1,5}$/.test(given ?? '') || Number(given) > 65_535)
    throw new Error(`--${name} must be a port, 0 to 65535.`);
  return Number(given);
}
const kRestartsPerMinute = 5;
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
  if (!option('no-build')) await buildWhatIsMissing();

  const ready = {};
  ready.config = new Promise((resolve) => (ready.resolve = resolve));
  const server = serveDemo(path.join(root, 'build/demo'), ready.config);
  const port = await listen(server, portOf('port', 5173));
  const hosts = option('no-spaces') ? {} : await freePorts({ base: 7861, company: 7862, abstraction: 7863 });
  const config = { spaces: {} };
  let spaces = {};
  let backend = {};
  const useSpaces = async (urls = {}) => {
    config.spaces = Object.fromEntries(Object.entries(urls).map(([tier, url]) => [tier, { url }]));
    await backend.running
      ?.useSpaces(urls)
      .catch((error) => say(`The Spaces are not in the backend's configuration: ${error.message}`));
  };
  [spaces, backend] = await Promise.all([
    option('no-spaces') ? {} : ownSpaces(hosts, useSpaces),
    option('no-backend') ? {} : ownBackend(port, hosts),
  ]);
  await useSpaces(spaces.urls);
  const notes = [spaces.note, backend.note].filter((note) => note !== undefined);
  if (notes.length > 0) config.note = notes.join(' ');
  if (backend.running !== undefined) config.backend = { url: backend.running.url, people: backend.running.people };
  ready.resolve(config);

  const row = (name, text) => say(`  ${name.padEnd(15)} ${text}`);
  for (const note of notes) say(note);
  say('');
  row('Tierwise demo', `http://127.0.0.1:${String(port)}/`);
  for (const [tier, { url }] of Object.entries(config.spaces)) row(`${tier} Space`, url);
  if (config.backend !== undefined) {
    row('Backend', config.backend.url);
    row(
      'Its data',
      process.env.DATABASE_URL ? `DATABASE_URL; keys: ${backend.running.folder}` : backend.running.folder,
    );
    for (const [nth, { email, password, role, company }] of config.backend.people.entries())
      row(nth === 0 ? 'Sign in as' : '', `${email.padEnd(21)} ${password}   ${role} of ${company}`);
  }
  say(`\n  Ready in ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl+C ends everything.\n`);

  let ending;
  const end = async () => {
    // npm repeats what the terminal sent; only a later one means that it takes too long.
    if (ending !== undefined) return Date.now() - ending > 1000 ? process.exit(1) : undefined;
    ending = Date.now();
    server.close();
    server.closeAllConnections();
    await Promise.allSettled([spaces.stop?.(), backend.running?.stop()]);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
}

async function buildWhatIsMissing() {
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

  if (!option('no-backend') && isStale('dist/backend/migrate.mjs', ['js/cli'])) {
    await step('Building what migrates the database', 'node', [
      '-e',
      "import('./scripts/build.mjs').then(({ buildCli }) => buildCli())",
    ]);
  }
}

/**
 * `{ urls, stop() }`, or `{ note }` that says why there are none. Killed, they are started again; `onMoved(urls)` is told when
 * their ports went to another program meanwhile.
 */
async function ownSpaces(ports, onMoved) {
  const { startSpaces } = await import('./space.mjs');
  const tiers = Object.keys(ports);
  const state = { running: undefined, urls: {}, restarts: [], stopping: false };
  const launch = async (onProgress) => {
    state.running = await startSpaces({ tiers, ports, onProgress });
    state.urls = Object.fromEntries(tiers.map((tier) => [tier, state.running[tier]]));
    state.running.ended.then(heal);
  };
  const heal = async () => {
    if (state.stopping) return;
    const now = Date.now();
    state.restarts = [...state.restarts.filter((at) => at > now - 60_000), now];
    if (state.restarts.length > kRestartsPerMinute) return say('  The Spaces end again and again; they stay down.');
    const before = JSON.stringify(state.urls);
    try {
      await launch();
    } catch (error) {
      return say(`  The Spaces ended and do not start again: ${error.message}`);
    }
    if (state.stopping) return state.running.stop();
    say('  The Spaces were killed and run again.');
    if (JSON.stringify(state.urls) !== before) await onMoved(state.urls);
  };
  try {
    await launch((message) => say(`  ${message}`));
  } catch (error) {
    return { note: `No Space is running here (${error.message}) The demo answers with its mock, labelled as one.` };
  }
  return {
    get urls() {
      return state.urls;
    },
    stop() {
      state.stopping = true;
      return state.running.stop();
    },
  };
}

/** `{ running }`, or `{ note }` that says why there is none. */
async function ownBackend(demoPort, spacePorts) {
  try {
    const { defaultPort, startBackend } = await import('../web/backend/embedded/backend.mjs');
    const running = await startBackend({
      port: portOf('backend-port', defaultPort),
      folder: value('data', undefined),
      databaseUrl: process.env.DATABASE_URL || undefined,
      origins: ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${String(demoPort)}`),
      spaceHosts: Object.values(spacePorts).map((port) => `http://127.0.0.1:${String(port)}`),
      onNote: (text) => say(`  ${text}`),
    });
    return { running };
  } catch (error) {
    const why =
      error.code === 'IN_USE'
        ? `process ${String(error.pid)}, probably another npm start, has its data. End that one, or start this one with --data FOLDER or --no-backend.`
        : `${error.message.trim().replace(/\s+/g, ' ').slice(0, 300)} --no-backend starts without it.`;
    return { note: `No backend is running here: ${why}` };
  }
}

/** For each name the wished port, or a free one when it is taken. */
async function freePorts(wished) {
  const found = {};
  for (const [name, port] of Object.entries(wished)) {
    const server = createServer();
    found[name] = await new Promise((resolve, reject) => {
      server.once('error', (error) => (error.code === 'EADDRINUSE' ? server.listen(0, '127.0.0.1') : reject(error)));
      server.listen(port, '127.0.0.1', () => resolve(server.address().port));
    });
    await new Promise((resolve) => server.close(resolve));
  }
  return found;
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

/** `config`: a promise of what `config.json` says. */
function serveDemo(folder, config) {
  return createServer(async (request, response) => {
    const headers = {
      'content-security-policy': csp,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    };
    const pathname = request.url.split('?', 1)[0];
    // A foreign name that resolves to this machine (DNS rebinding) is not served.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(request.headers.host ?? ''))
      return void response.writeHead(421, headers).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, headers).end();
    if (pathname === '/config.json') {
      return void response
        .writeHead(200, { ...headers, 'content-type': 'application/json' })
        .end(JSON.stringify(await config));
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
