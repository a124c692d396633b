/**
 * Usage of a real Chromium in the real functions and PostgreSQL, counted: the backend killed, three tabs offline and closed.
 * The long versions: `npm run soak -- backend tabs`.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { launch } from './harness.mjs';

// Reading /proc is how the processes are found.
const skip =
  process.platform !== 'linux'
    ? 'processes are killed on Linux only'
    : !existsSync(new URL('../../dist/backend/migrate.mjs', import.meta.url)) && 'the package is not built';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

function nothingLost({ lost, left, doubled, bugs, acknowledged }) {
  assert.deepEqual({ lost, left, doubled, bugs }, { lost: 0, left: 0, doubled: 0, bugs: [] });
  assert.ok(acknowledged > 50, `only ${acknowledged} were acknowledged`);
}

test(
  'functions and PostgreSQL killed: every acknowledged row is stored once',
  { skip, timeout: 240_000 },
  async (t) => {
    const { killBackendAgainAndAgain } = await import('./killed-backend.mjs');
    const result = await killBackendAgainAndAgain(browser, { kills: 4 });
    t.diagnostic(JSON.stringify(result));
    nothingLost(result);
  },
);

test('three tabs offline, online, closed, opened: the same, one sender', { skip, timeout: 240_000 }, async (t) => {
  const { tabsComeAndGo } = await import('./three-tabs.mjs');
  const result = await tabsComeAndGo(browser, { changes: 12 });
  t.diagnostic(JSON.stringify(result));
  nothingLost(result);
  assert.equal(result.atOnce, 0);
});
