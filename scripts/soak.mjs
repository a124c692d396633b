/**
 * `npm run soak [-- name …]`: the long versions of tests that look for what happens seldom. Each prints what it counted
 * and throws when something was lost or doubled. `TIERWISE_SOAK_ROUNDS` sets how often.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { launch } from '../tests/browser/harness.mjs';
import { killBackendAgainAndAgain } from '../tests/browser/killed-backend.mjs';
import { killAgainAndAgain } from '../tests/browser/killed-browser.mjs';
import { tabsComeAndGo } from '../tests/browser/three-tabs.mjs';
import { buildCollector } from '../tests/servers/otel-collector.mjs';

const rounds = (usual) => Number(process.env.TIERWISE_SOAK_ROUNDS ?? usual);

const soaks = {
  /** Chromium killed while a page records and sends usage. */
  async page() {
    const result = await killAgainAndAgain({ kills: rounds(100), say: console.log });
    report(result);
  },
  /** The real functions and PostgreSQL killed while a page records and sends usage. */
  async backend() {
    await inBrowser((browser) =>
      killBackendAgainAndAgain(browser, { kills: rounds(30), fsync: true, say: console.log }),
    );
  },
  /** Three tabs offline, online, closed and opened, against the real functions. */
  async tabs() {
    await inBrowser((browser) => tabsComeAndGo(browser, { changes: rounds(300), fsync: true, say: console.log }));
  },
  /** Builds an OpenTelemetry Collector where there is none, and sends it what a page records. */
  async collector() {
    buildCollector();
    const file = fileURLToPath(new URL('../tests/browser/otel-collector.test.mjs', import.meta.url));
    const { status } = spawnSync(process.execPath, ['--test', file], { stdio: 'inherit' });
    if (status !== 0) throw new Error('The collector has something else than the page recorded.');
  },
};

async function inBrowser(task) {
  const browser = await launch();
  try {
    report(await task(browser));
  } finally {
    await browser.close();
  }
}

function report(result) {
  console.log(JSON.stringify(result, undefined, 2));
  const { lost, left, doubled = 0, atOnce = 0, bugs = [] } = result;
  const found = { lost, left, doubled, atOnce, bugs: bugs.length };
  if (Object.values(found).some((count) => count > 0)) throw new Error(`Not as promised: ${JSON.stringify(found)}`);
}

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(soaks)) {
  if (!Object.hasOwn(soaks, name))
    throw new Error(`There is no soak "${name}"; there are ${Object.keys(soaks).join(', ')}.`);
  console.log(`\n== ${name}`);
  await soaks[name]();
}
