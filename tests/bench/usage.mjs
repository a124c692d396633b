/** Usage: what recording an event costs its caller, and what sending ten thousand costs the page. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { root } from '../browser/harness.mjs';
import { brotliSize, usageBudget } from '../packaging/budgets.mjs';
import { openBench } from './page.mjs';
import { figure, kilobytes, median, millis, p95, quantile, table } from './statistics.mjs';

export const title = 'Usage, recorded and sent';

/** The function `usage`, as fast as can be. */
function usageFunction(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const { events } = JSON.parse(gunzipSync(Buffer.concat(parts)).toString('utf8'));
    const verdicts = events.map(({ eventId }) => ({ eventId, verdict: 'stored' }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ now: Date.now(), verdicts }));
  });
}

/** Tasks of the page's main thread in a trace, ms; `collects`: V8 collects the garbage of all the page in it. */
function tasksOf(trace) {
  const { traceEvents } = JSON.parse(trace.toString('utf8'));
  const mainThreads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const whole = traceEvents.filter(({ ph, pid, tid }) => ph === 'X' && mainThreads.has(`${pid} ${tid}`));
  const collections = whole.filter(({ name }) => name === 'MajorGC');
  return whole
    .filter(({ name }) => name === 'RunTask')
    .map(({ ts, dur, tdur, tid }) => ({
      wall: dur / 1000,
      cpu: tdur / 1000,
      collects: collections.some((each) => each.tid === tid && each.ts >= ts && each.ts < ts + dur),
    }));
}

export async function run({ browser, quick }) {
  const bench = await openBench(browser, { '/functions/v1/usage': usageFunction });
  await bench.call('usage', 'open', { url: `${bench.origin}/functions/v1` });
  const { calls, kept } = await bench.call('usage', 'record', { count: quick ? 200 : 2000, warmUp: 100 });
  await bench.call('usage', 'flush');
  const count = 10_000;
  const rounds = quick ? 1 : 5;
  const flushes = [];
  for (let round = 0; round < rounds; round += 1) {
    const waiting = await bench.call('usage', 'fill', { count });
    if (waiting !== count) throw new Error(`${waiting} wait, not ${count}.`);
    await bench.heapBytes();
    await browser.startTracing(bench.page, {
      categories: ['disabled-by-default-devtools.timeline', 'devtools.timeline'],
    });
    const { took, left } = await bench.call('usage', 'flush');
    const tasks = tasksOf(await browser.stopTracing());
    if (left !== 0) throw new Error(`${left} are left.`);
    if (tasks.length === 0) throw new Error('The trace shows no task.');
    const ours = tasks.filter(({ collects }) => !collects);
    flushes.push({
      took,
      tasks: ours.map(({ wall }) => wall),
      cpu: ours.map(({ cpu }) => cpu),
      collections: tasks.filter(({ collects }) => collects).map(({ cpu }) => cpu),
    });
  }
  await bench.close();
  const longest = flushes.map(({ tasks }) => Math.max(...tasks));
  const busy = flushes.map(({ tasks }) => tasks.reduce((sum, each) => sum + each, 0));
  const took = flushes.map((each) => each.took);
  const cpu = flushes.map((each) => Math.max(...each.cpu));
  const collections = flushes.flatMap((each) => each.collections);
  const size = brotliSize(readFileSync(path.join(root, 'dist/usage.js')));
  return {
    measures:
      'The built `usage.js` over IndexedDB. An event of 25 fields is recorded in a task of its own: the time of the call, and until ' +
      `its write is on the disk. Then ${figure(count)} wait and are sent to a server on loopback, 250 at a time, compressed: tasks of the ` +
      `page's main thread from Chromium's trace, ${rounds} time${rounds === 1 ? '' : 's'}.`,
    table: table([
      ['', 'p50', 'p95', 'most'],
      ['recording an event, for its caller', millis(median(calls)), millis(p95(calls)), millis(Math.max(...calls))],
      ['until it is on the disk', millis(median(kept)), millis(p95(kept)), millis(Math.max(...kept))],
      ['longest task of a flush', millis(median(longest)), '', millis(Math.max(...longest))],
      ['the same, in CPU time of the thread', millis(median(cpu)), '', millis(Math.max(...cpu))],
      [
        `tasks in which V8 collected the page's garbage (${collections.length}; not among those above), CPU time`,
        collections.length === 0 ? '-' : millis(median(collections)),
        '',
        collections.length === 0 ? '-' : millis(Math.max(...collections)),
      ],
      ['all other tasks of a flush together', millis(median(busy)), '', millis(Math.max(...busy))],
      [`sending ${figure(count)}`, millis(median(took)), '', millis(Math.max(...took))],
      [
        '99.9 % of all tasks take at most',
        millis(
          quantile(
            flushes.flatMap(({ tasks }) => tasks),
            0.999,
          ),
        ),
        '',
        '',
      ],
    ]),
    targets: [
      {
        what: 'recording an event, p50',
        target: '≤ 0.2 ms',
        value: millis(median(calls)),
        met: median(calls) <= 0.2,
      },
      {
        what: 'longest task of the main thread while 10,000 are sent, in CPU time: what other processes took of the machine is theirs',
        target: '≤ 5 ms',
        value: millis(Math.max(...cpu)),
        met: Math.max(...cpu) <= 5,
      },
      {
        what: '`usage.js`, brotli',
        target: `≤ ${kilobytes(usageBudget)}`,
        value: kilobytes(size),
        met: size <= usageBudget,
      },
    ],
  };
}
