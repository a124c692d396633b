/**
 * `node tests/backend/measure-functions.mjs [events] [users] [senders]`: that many events (default 1,000,000 of 1,000 users over
 * 90 days) through the `usage` function over HTTP as pages send them: gzip, batches of 500, ES256 tokens, fsync on. Says how
 * many rows came in a second, how long a request took, and what the functions and the tables weigh. For figures, not for
 * passing.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { start } from './functions-stage.mjs';
import { endOf, events, kBatch, modelOf, people, quantile, user } from './measured-load.mjs';
import { companyA, kinds } from './servers.mjs';

const senders = Number(process.argv[4] ?? 4);

function batch(n) {
  const end = endOf(n);
  const list = Array.from({ length: kBatch }, (_, i) => {
    const provider = (n + i) % 3 === 2 ? 'openai' : 'router';
    return {
      eventId: randomUUID(),
      interactionId: randomUUID(),
      kind: ['hit', 'start', 'complete', 'complete', 'complete'][i % 5],
      at: end - i * 300_000,
      tier: ['base', 'company', 'abstraction'][i % 3],
      target: provider,
      provider,
      model: modelOf(n, i),
      source: i % 5 === 0 ? 'cache' : provider,
      inputTokens: 100 + (i % 900),
      outputTokens: 50 + (i % 300),
      firstPartMs: 80 + (i % 400),
      totalMs: 300 + ((i * 37) % 6000),
      status: 'ok',
      attempt: 1,
      appVersion: '1.0.0',
    };
  });
  return gzipSync(JSON.stringify({ sentAt: Date.now(), events: list }), { level: 1 });
}

for (const kind of kinds) {
  const stage = await start({}, kind, { settings: {} });
  try {
    const { admin } = stage.database;
    await admin`insert into tierwise.members (company_id, user_id)
      select ${companyA}, ('dddddddd-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(0, ${people - 1}::int) n`;
    await admin`insert into tierwise.rate_limits (company_id, name, counted_by, per_minute, burst) values
      (${companyA}, 'usage', 'user', 1e8, 1e8), (${companyA}, 'usage', 'company', 1e8, 1e8)`;
    const batches = Math.ceil(events / kBatch);
    const took = [];
    let next = 0;
    let stored = 0;
    const began = performance.now();
    await Promise.all(
      Array.from({ length: senders }, async () => {
        while (next < batches) {
          const n = next++;
          const body = batch(n);
          const token = stage.tokens.es256(user(n % people));
          const at = performance.now();
          const { status, value, text } = await stage.call('usage', {
            token,
            body,
            headers: { 'content-encoding': 'gzip' },
          });
          took.push(performance.now() - at);
          if (status !== 200) throw new Error(text);
          stored += value.verdicts.filter(({ verdict }) => verdict === 'stored').length;
          stage.answers.length = 0;
        }
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    took.sort((a, b) => a - b);
    const [{ rows, table, indexes }] = await admin`select count(*) as rows,
      pg_size_pretty(pg_table_size('public.llm_observations')) as table,
      pg_size_pretty(pg_indexes_size('public.llm_observations')) as indexes from public.llm_observations`;
    const resident = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(stage.functions.pid)}/status`, 'utf8'))?.[1];
    console.log(
      [
        `${kind.name}: ${String(rows)} rows (${String(stored)} stored) in ${seconds.toFixed(1)} s, ${String(Math.round(rows / seconds))} rows/s by ${String(senders)} senders`,
        `  a request of ${String(kBatch)}: p50 ${quantile(took, 0.5).toFixed(0)} ms, p99 ${quantile(took, 0.99).toFixed(0)} ms, worst ${took.at(-1).toFixed(0)} ms`,
        `  table ${table}, indexes ${indexes}; functions at most ${String(Math.round(Number(resident) / 1024))} MB`,
      ].join('\n'),
    );
  } finally {
    await stage.stop();
  }
}
