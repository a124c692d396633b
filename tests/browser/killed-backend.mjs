/**
 * The backend is killed (SIGKILL) again and again while a page records usage and sends it: the functions, the postmaster
 * alone (what its processes are doing they may finish), both, or every process of PostgreSQL at one moment, as a machine
 * that loses its power; at random moments, half of them after a batch was sent, some while it is being started again.
 * Each is started again by what `npm start` runs it with. Gives the counts; throws when something acknowledged is nowhere.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { openUsageStage } from './usage-stage.mjs';

const kRestartLimitMs = 60_000;
/** What ends more than twenty times a minute is not started again. */
const kKillsPerMinute = 18;

export async function killBackendAgainAndAgain(browser, { kills, fsync, random = Math.random, say = () => undefined }) {
  const stage = await openUsageStage(browser, { fsync });
  const { functions, running } = stage.backend;
  try {
    const page = await stage.openTab();
    const underWay = watchRequests(page);
    const counts = { functions: 0, postmaster: 0, both: 0, 'all of PostgreSQL': 0 };
    const times = [];
    let inTheMiddle = 0;
    for (let i = 0; i < kills; i += 1) {
      await sleep(300 + random() * 1500);
      while (times.length >= kKillsPerMinute && times.at(-kKillsPerMinute) > Date.now() - 60_000) await sleep(100);
      if (random() < 0.5) {
        await Promise.race([underWay.next(), sleep(5000)]);
        await sleep(random() * 25);
      }
      const whom = Object.keys(counts)[i % 4];
      counts[whom] += 1;
      times.push(Date.now());
      if (underWay.size > 0) inTheMiddle += 1;
      const before = { functions: functions.pid, server: running.server.pid };
      if (whom !== 'functions') end(serverProcesses(running.server.folder, whom === 'all of PostgreSQL'));
      if (whom === 'functions' || whom === 'both') end([before.functions]);
      // In a third of the cases the next one falls while this one is being started again.
      if (random() < 0.35 && i + 1 < kills && i % 4 !== 3) continue;
      await restarted(whom, before, stage);
      const missing = await stage.missing(page);
      if (missing.length > 0) throw new Error(`After ${i + 1} kills ${missing.length} acknowledged rows are nowhere.`);
      if (i % 5 === 4) say(`${i + 1} kills: ${stage.acknowledged.size} acknowledged, none missing`);
    }
    await stage.drain([page]);
    return { kills, inTheMiddle, ...counts, requests: stage.sent.length, ...(await stage.count([page])) };
  } finally {
    await stage.close();
  }
}

/** Requests with rows that have no answer yet; `next()` resolves when another leaves. */
function watchRequests(page) {
  const open = new Set();
  let heard = [];
  page.on('request', (request) => {
    if (request.method() !== 'POST') return;
    open.add(request);
    for (const tell of heard) tell();
    heard = [];
  });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => open.delete(request));
  return {
    get size() {
      return open.size;
    },
    next: () => new Promise((resolve) => heard.push(resolve)),
  };
}

/** The postmaster of this folder, just starting or not, and what it started. */
function serverProcesses(folder, withChildren) {
  try {
    const pid = readFileSync(path.join(folder, 'cluster/postmaster.pid'), 'utf8').split('\n')[0];
    // The number of a file that a dead one left may be another program's by now.
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return [pid, ...(withChildren ? children : [])].map(Number);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return [];
    throw error;
  }
}

function end(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It ended by itself meanwhile.
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

async function restarted(whom, before, { backend: { functions, running }, gone }) {
  for (const end = Date.now() + kRestartLimitMs; Date.now() < end; await sleep(50)) {
    const { pid } = running.server;
    const server = whom === 'functions' || (pid !== undefined && pid !== before.server);
    const process = !['functions', 'both'].includes(whom) || functions.pid !== before.functions;
    if (server && process) return;
  }
  throw new Error(`${whom} did not come back within ${kRestartLimitMs / 1000} s. ${gone.join()}`);
}
