/**
 * Three tabs of one profile that record usage all the time; at random each is taken off the network and put back, closed
 * in one of two ways and opened again. Gives the counts, and how often two tabs were sending at one time.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { openUsageStage } from './usage-stage.mjs';

export async function tabsComeAndGo(browser, { changes, fsync, random = Math.random, say = () => undefined }) {
  const stage = await openUsageStage(browser, { fsync });
  try {
    const open = async () => {
      const page = await stage.openTab();
      return { page, devtools: await stage.context.newCDPSession(page), off: false };
    };
    const tabs = [await open(), await open(), await open()];
    let reopened = 0;
    let offline = 0;
    for (let i = 0; i < changes; i += 1) {
      await sleep(100 + random() * 400);
      const at = i % 3;
      const dice = random();
      if (dice < 0.2) {
        // A page that is closed may send what is new; one that is ended cannot.
        await tabs[at].page.close({ runBeforeUnload: dice < 0.1 });
        tabs[at] = await open();
        reopened += 1;
      } else {
        tabs[at].off = !tabs[at].off;
        if (tabs[at].off) offline += 1;
        await network(tabs[at]);
      }
      if (i % 50 === 49) {
        const missing = await stage.missing(tabs[at].page);
        if (missing.length > 0) throw new Error(`${missing.length} acknowledged rows are nowhere.`);
        say(`${i + 1} changes: ${stage.acknowledged.size} acknowledged, none missing`);
      }
    }
    for (const { devtools } of tabs) await network({ devtools, off: false });
    const pages = tabs.map(({ page }) => page);
    await stage.drain(pages);
    return {
      changes,
      offline,
      reopened,
      requests: stage.sent.length,
      atOnce: overlaps(stage.sent),
      ...(await stage.count(pages)),
    };
  } finally {
    await stage.close();
  }
}

function network({ devtools, off }) {
  const condition = { offline: off, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
  return devtools.send('Network.emulateNetworkConditions', condition);
}

/** How many of the requests began before an earlier one had ended. */
function overlaps(sent) {
  const inOrder = sent.toSorted(([a], [b]) => a - b);
  let latest = 0;
  return inOrder.filter(([from, to]) => {
    const early = from < latest;
    latest = Math.max(latest, to);
    return early;
  }).length;
}
