/**
 * `node tests/backend/measure-database.mjs [events] [users]`: that many events (default 1,000,000 of 1,000 users in one
 * company, over 90 days) through tierwise.record_usage as requests call it, in batches of 500 by four connections, fsync on;
 * then what the summaries take (best and worst of ten) and what the tables weigh. For figures, not for passing.
 */
import { randomUUID } from 'node:crypto';

import { endOf, events, kBatch, modelOf, people, quantile, user } from './measured-load.mjs';
import { companyA, kinds, newDatabase, startServer } from './servers.mjs';

function batch(n) {
  const end = endOf(n);
  return Array.from({ length: kBatch }, (_, i) => {
    const hit = i % 5 === 0;
    const model = modelOf(n, i);
    const provider = model === 'gpt-4' ? 'openai' : 'router';
    return {
      eventId: randomUUID(),
      interactionId: randomUUID(),
      replyId: randomUUID(),
      kind: hit ? 'hit' : i % 5 === 1 ? 'start' : i % 50 === 2 ? 'error' : 'complete',
      at: end - i * 300_000,
      tier: ['base', 'company', 'abstraction'][i % 3],
      target: provider,
      provider,
      model,
      source: hit ? 'cache' : provider,
      inputTokens: 100 + (i % 900),
      outputTokens: 50 + (i % 300),
      cost: 0.001,
      firstPartMs: 80 + (i % 400),
      totalMs: 300 + ((i * 37) % 6000),
      status: 'ok',
      attempt: 1,
      appVersion: '1.0.0',
    };
  });
}

for (const kind of kinds) {
  const { server, stop } = await startServer(kind, { settings: {} });
  try {
    const database = await newDatabase(server);
    const { admin } = database;
    await admin`insert into tierwise.companies (id, name) values (${companyA}, 'A')`;
    await admin`insert into tierwise.members (company_id, user_id, role)
      select ${companyA}, ('dddddddd-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, case n when 0 then 'admin' else 'member' end
      from generate_series(0, ${people - 1}::int) n`;
    const batches = Math.ceil(events / kBatch);
    const took = [];
    let next = 0;
    const began = performance.now();
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (next < batches) {
          const n = next++;
          const given = batch(n);
          const start = performance.now();
          await database.as(
            user(n % people),
            (tx) => tx`select count(*) from tierwise.record_usage(${tx.json(given)}, now()) where verdict = 'stored'`,
          );
          took.push(performance.now() - start);
        }
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    took.sort((a, b) => a - b);
    const [{ n }] = await admin`select count(*)::int as n from public.llm_observations`;
    console.log(
      `\n${kind.name}: ${String(n)} rows in ${seconds.toFixed(1)} s, ${(n / seconds).toFixed(0)} rows/s; a batch of ${String(kBatch)}: p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`,
    );
    await admin.unsafe('vacuum (analyze)');
    for (const { name, rows, table, indexes } of await admin`
      select c.oid::regclass::text as name, c.reltuples::bigint as rows, pg_size_pretty(pg_table_size(c.oid)) as table,
        pg_size_pretty(pg_indexes_size(c.oid)) as indexes from pg_class c
      where c.oid in ('public.llm_observations'::regclass, 'tierwise.usage_daily'::regclass, 'tierwise.usage_by_user'::regclass, 'tierwise.usage_latency'::regclass)`)
      console.log(`  ${name.padEnd(26)} ${String(rows).padStart(9)} rows, ${table}, indexes ${indexes}`);
    const asked = {
      ...Object.fromEntries(
        ['total', 'day', 'model', 'tier', 'source', 'user'].map((split) => [
          `summary of 30 days by ${split}`,
          [user(0), `select * from tierwise.usage_summary(current_date - 29, current_date, '${split}')`],
        ]),
      ),
      'summary of 90 days by day': [
        user(0),
        `select * from tierwise.usage_summary(current_date - 89, current_date, 'day')`,
      ],
      'summary of 90 days by user': [
        user(0),
        `select * from tierwise.usage_summary(current_date - 89, current_date, 'user')`,
      ],
      "a member's own 90 days by day": [
        user(1),
        `select * from tierwise.usage_summary(current_date - 89, current_date, 'day')`,
      ],
      'cost comparison, 90 days': [user(0), `select * from tierwise.cost_comparison(current_date - 89, current_date)`],
      'recent health': [user(0), `select * from tierwise.recent_health(array['router', 'openai', 'space:base'])`],
      'newest 100 rows': [
        user(0),
        `select * from public.llm_observations where company_id = '${companyA}' order by at desc limit 100`,
      ],
    };
    for (const [what, [who, query]] of Object.entries(asked)) {
      const times = [];
      for (let round = 0; round < 10; round += 1) {
        times.push(
          await database.as(who, async (tx) => {
            const start = performance.now();
            await tx.unsafe(query);
            return performance.now() - start;
          }),
        );
      }
      times.sort((a, b) => a - b);
      console.log(`  ${what.padEnd(32)} ${times[0].toFixed(1)} to ${times[9].toFixed(1)} ms`);
    }
    await database.close();
  } finally {
    await stop();
  }
}
