/**
 * A Chromium of its own profile that is killed (SIGKILL, all of its processes) at random moments while its page records
 * usage and sends it, again and again on the same origin and profile. Gives the counts; throws when an acknowledged row
 * is neither stored once nor waiting.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { usageBackend } from '../servers/usage-backend.mjs';
import { bundle, serve } from './harness.mjs';

const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>usage</title><script type="module">
import * as usage from '/usage.js';
const tell = (path, body) => fetch(path, { method: 'POST', body: JSON.stringify(body) });
const { url } = await (await fetch('/backend')).json();
const delivery = await usage.open({ backend: { url, token: () => 'session' } });
if (location.search === '?drain') {
  for (let i = 0; i < 20 && (await delivery.left()) > 0; i++) await delivery.send();
  await tell('/drained', { left: await usage.waiting(), warnings: usage.warnings });
} else {
  await tell('/begun', {});
  await usage.produce(delivery, (ids) => void tell('/acknowledged', ids));
}
</script>`;

/** What the backend does instead of answering well, now and then. */
function trouble(random) {
  const dice = random();
  if (dice < 0.08) return { status: 500 };
  if (dice < 0.12) return { status: 429, headers: { 'retry-after': '1' } };
  if (dice < 0.16) return { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html>' };
  if (dice < 0.2) return 'reset';
  if (dice < 0.3) return 'lost';
  return undefined;
}

export async function killAgainAndAgain({ kills, random = Math.random, say = () => undefined }) {
  const backend = await usageBackend();
  const acknowledged = new Set();
  let events = { begun: () => undefined, drained: () => undefined };
  const hear = (then) => (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      then(JSON.parse(Buffer.concat(parts).toString('utf8')));
      response.writeHead(204).end();
    });
  };
  const site = await serve({
    '/': page,
    '/usage.js': { body: await bundle('tests/browser/usage-in-page.ts'), type: 'text/javascript' },
    '/backend': { body: JSON.stringify({ url: backend.url }), type: 'application/json' },
    '/begun': hear(() => events.begun()),
    '/acknowledged': hear((ids) => ids.forEach((id) => acknowledged.add(id))),
    '/drained': hear((what) => events.drained(what)),
  });
  const profile = mkdtempSync(path.join(tmpdir(), 'tierwise-kill-'));
  try {
    let afterLost = 0;
    for (let i = 1; i <= kills; i += 1) {
      // In a third of the visits it is not there at all.
      const down = random() < 0.35;
      backend.answer = () => (down ? 'reset' : trouble(random));
      const begun = new Promise((resolve) => (events.begun = resolve));
      const browser = start(`${site.origin}/`, profile);
      await within(begun, 30_000, 'The page did not begin');
      await sleep(100 + random() * 1400);
      await kill(browser);
      const stored = [...acknowledged].filter((id) => backend.stored.has(id)).length;
      // What is still in the outbox is what was acknowledged and is not stored: known when it is drained.
      afterLost = acknowledged.size - stored;
      if (i % 10 === 0 || i === kills)
        say(`${i} kills: ${acknowledged.size} acknowledged, ${stored} of them stored, ${afterLost} wait`);
    }
    backend.answer = undefined;
    const before = new Set(backend.stored.keys());
    const drained = new Promise((resolve) => (events.drained = resolve));
    const browser = start(`${site.origin}/?drain`, profile);
    const { left, warnings } = await within(drained, 120_000, 'The outbox was not drained');
    await kill(browser);
    const lost = [...acknowledged].filter((id) => !backend.stored.has(id));
    // Reads the file as a new start would: an id that stands in it twice throws.
    backend.restart();
    return {
      kills,
      acknowledged: acknowledged.size,
      stored: backend.stored.size,
      waited: [...acknowledged].filter((id) => !before.has(id)).length,
      sentTwice: [...backend.times.values()].filter((times) => times > 1).length,
      lost: lost.length,
      left: left.length,
      warnings,
      requests: backend.requests.length,
    };
  } finally {
    await site.close();
    await backend.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function start(url, profile) {
  return spawn(
    process.env.TIERWISE_CHROMIUM ?? '/usr/bin/chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-session-crashed-bubble',
      `--user-data-dir=${profile}`,
      url,
    ],
    // A group of its own: all its processes end together.
    { detached: true, stdio: 'ignore' },
  );
}

async function kill(browser) {
  const gone = new Promise((resolve) => browser.once('exit', resolve));
  process.kill(-browser.pid, 'SIGKILL');
  await gone;
}

async function within(promise, ms, what) {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(ms, undefined, { signal: late.signal }).then(() => {
        throw new Error(`${what} within ${ms / 1000} s.`);
      }),
    ]);
  } finally {
    late.abort();
  }
}
