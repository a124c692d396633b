/**
 * `npm run soak [-- name …]`: the long versions of tests that look for what happens seldom. Each prints what it counted
 * and throws when something was lost or doubled. `TIERWISE_SOAK_ROUNDS` sets how often.
 */
import { killAgainAndAgain } from '../tests/browser/killed-browser.mjs';

const rounds = Number(process.env.TIERWISE_SOAK_ROUNDS ?? 100);

const soaks = {
  /** Chromium killed while a page records and sends usage. */
  async page() {
    const result = await killAgainAndAgain({ kills: rounds, say: console.log });
    console.log(JSON.stringify(result, undefined, 2));
    if (result.lost > 0 || result.left > 0) throw new Error(`${result.lost} rows are lost, ${result.left} are left.`);
  },
};

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(soaks)) {
  if (!Object.hasOwn(soaks, name))
    throw new Error(`There is no soak "${name}"; there are ${Object.keys(soaks).join(', ')}.`);
  console.log(`\n== ${name}`);
  await soaks[name]();
}
