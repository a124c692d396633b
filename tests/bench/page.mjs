/**
 * A page in real Chromium to measure in: on an origin of its own, cross-origin isolated, because only there the timer
 * is fine enough (5 µs; elsewhere 100 µs). It can import the built package as `/tierwise/index.js` and the files of
 * `in-page/` as `/bench/<name>.mjs`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { openPage, root } from '../browser/harness.mjs';

export const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** `dist/` as routes, read now: a build that runs meanwhile changes nothing. */
export function packageRoutes(prefix = '/tierwise') {
  const folder = path.join(root, 'dist');
  const files = readdirSync(folder).filter((name) => /\.(js|wasm)$/.test(name));
  if (!files.includes('index.js')) throw new Error('dist/ is not there: run "npm run build" first.');
  return Object.fromEntries(files.map((name) => [`${prefix}/${name}`, readFileSync(path.join(folder, name))]));
}

function benchRoutes() {
  const folder = fileURLToPath(new URL('in-page/', import.meta.url));
  return Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => [`/bench/${name}`, readFileSync(path.join(folder, name))]),
  );
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {Record<string, unknown>} routes  beside the package and the files of `in-page/`
 */
export async function openBench(browser, routes = {}) {
  const opened = await openPage(browser, {
    headers: isolation,
    routes: { ...packageRoutes(), ...benchRoutes(), ...routes },
  });
  const { page } = opened;
  if (!(await page.evaluate('crossOriginIsolated'))) throw new Error('The page is not cross-origin isolated.');
  const session = await page.context().newCDPSession(page);
  return {
    ...opened,
    /** Calls the exported function `task` of `/bench/<module>.mjs` with one JSON argument. */
    call: (module, task, argument) =>
      page.evaluate(
        `import('/bench/${module}.mjs').then((module) => module.${task}(${JSON.stringify(argument) ?? ''}))`,
      ),
    /** Bytes of JavaScript objects and strings that are left after garbage collection. */
    async heapBytes() {
      for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize;
    },
    session,
  };
}
