/**
 * Tabs of one browser profile that record usage all the time and send it to the real functions over PostgreSQL, and the
 * count of what became of it. What is acknowledged is told past the network, so that a tab that is offline tells it too.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { start } from '../backend/functions-stage.mjs';
import { companyA, kinds, users } from '../backend/servers.mjs';
import { bundle, serve } from './harness.mjs';

const kDrainLimitMs = 120_000;

/** Runs in the tab: records until `globalThis.over` is aborted. */
async function work({ url, token, company, pace }) {
  const usage = await import('/usage.js');
  /** When each request was with the network, by the one clock of the machine; not those of a page that is left. */
  const timed = async (address, init) => {
    const from = Date.now();
    try {
      return await fetch(address, init);
    } finally {
      if (init.keepalive !== true) void globalThis.sent(from, Date.now());
    }
  };
  const delivery = await usage.open({ backend: { url, token: () => token, company } }, timed);
  const over = new AbortController();
  const acknowledge = (ids) => void globalThis.acknowledged(ids);
  const producing = usage.produce(delivery, acknowledge, { ...pace, signal: over.signal });
  Object.assign(globalThis, { usage, delivery, over, producing });
}

/** `fsync`: as for users; what outlives the processes, but not the machine, needs none. `close()` ends all of it. */
export async function openUsageStage(browser, { fsync = false } = {}) {
  const gone = [];
  const onLost = (error) => gone.push(error.message);
  const backend = await start({}, kinds[0], { settings: { fsync: fsync ? 'on' : 'off' }, onLost });
  const site = await serve({
    '/': '<!doctype html><html lang="en"><meta charset="utf-8"><title>usage</title>',
    '/usage.js': { body: await bundle('tests/browser/usage-in-page.ts'), type: 'text/javascript' },
  });
  const context = await browser.newContext();
  const acknowledged = new Set();
  /** `[from, to]` of each request of all tabs that ended. */
  const sent = [];
  await context.exposeFunction('acknowledged', (ids) => ids.forEach((id) => acknowledged.add(id)));
  await context.exposeFunction('sent', (from, to) => sent.push([from, to]));
  const exp = Math.floor(Date.now() / 1000) + 86_400;
  const argument = {
    url: backend.functions.url,
    token: backend.tokens.hs256(users.member, { exp }),
    company: companyA,
    pace: { everyMs: 30 },
  };

  const stored = async () =>
    new Set((await sure(() => backend.database.admin`select event_id from public.llm_observations`)).map(idOf));

  return {
    backend,
    context,
    acknowledged,
    sent,
    /** Why what runs the database gave it up. */
    gone,
    async openTab() {
      const page = await context.newPage();
      await page.goto(`${site.origin}/`);
      await page.evaluate(work, argument);
      return page;
    },
    /** What was acknowledged until now and is neither in the outbox nor in the database. Looked for in this order. */
    async missing(page) {
      const until = [...acknowledged];
      const waiting = new Set(await page.evaluate(() => globalThis.usage.waiting()));
      const kept = await stored();
      return until.filter((id) => !waiting.has(id) && !kept.has(id));
    },
    /** The tabs record no more and send what waits. */
    async drain(pages) {
      for (const page of pages)
        await page.evaluate(async () => {
          globalThis.over.abort();
          await globalThis.producing;
          await globalThis.delivery.written();
        });
      // What was acknowledged last is heard of.
      await sleep(100);
      for (const end = Date.now() + kDrainLimitMs; Date.now() < end; await sleep(200)) {
        const left = await pages[0].evaluate(() => globalThis.delivery.send().then(() => globalThis.usage.waiting()));
        if (left.length === 0) break;
      }
    },
    /** How it ended. `doubled`: by how much the totals, which are added to with each batch, differ from the rows. */
    async count(pages) {
      const rows = await stored();
      const left = await pages[0].evaluate(() => globalThis.usage.waiting());
      const warnings = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.usage.warnings)));
      const [totals] = await sure(
        () => backend.database.admin`select
          (select count(*) from public.llm_observations)::int as rows,
          (select coalesce(sum(completes), 0) from tierwise.usage_by_user)::int as by_user,
          (select coalesce(sum(completes), 0) from tierwise.usage_daily)::int as daily,
          (select coalesce(sum(calls), 0) from tierwise.usage_latency where measure = 'total')::int as timed`,
      );
      const excess = [totals.by_user, totals.daily, totals.timed].map((total) => Math.abs(total - totals.rows));
      return {
        acknowledged: acknowledged.size,
        stored: rows.size,
        lost: [...acknowledged].filter((id) => !rows.has(id)).length,
        doubled: Math.max(totals.rows - rows.size, ...excess),
        left: left.length,
        /** What a function did not expect, as it logs it. */
        bugs: backend.log.filter((line) => line.includes('"bug"')),
        warnings: [...new Set(warnings.flat())],
      };
    },
    async close() {
      await context.close();
      await site.close();
      await backend.stop();
    },
  };
}

/** Asked again while the database is on its way up. */
async function sure(ask) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(200);
    }
  }
}

const idOf = ({ event_id: id }) => id;
