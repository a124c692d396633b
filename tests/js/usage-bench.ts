/** The page's delivery of usage on a clock of the test's own, against a real server or a fetch of the test's. Test code. */
import 'fake-indexeddb/auto';

import { accountOf } from '../../js/usage/account.ts';
import { Delivery } from '../../js/usage/delivery.ts';
import { openKeptOutbox } from '../../js/usage/kept-outbox.ts';
import { memoryOutbox } from '../../js/usage/memory-outbox.ts';
import type { Outbox } from '../../js/usage/outbox.ts';
import type { UsageConfig, UsageEvent, Warning } from '../../js/types.ts';
import { FakeClock } from './fake-clock.ts';

let count = 0;
export function uuid(n = ++count): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

export function event(more: Partial<UsageEvent> = {}): UsageEvent {
  return {
    eventId: uuid(),
    interactionId: 'talk',
    replyId: undefined,
    kind: 'complete',
    at: 1_800_000_000_000,
    tier: 'base',
    target: 'space:base',
    provider: 'space',
    model: 'tiny',
    source: 'space',
    inputTokens: 10,
    outputTokens: 20,
    tokensEstimated: false,
    cost: 0.5,
    saved: undefined,
    firstPartMs: 30,
    totalMs: 400,
    status: 'ok',
    errorClass: undefined,
    attempt: 1,
    user: 'u',
    company: 'acme',
    contextLabel: undefined,
    experimentArm: undefined,
    appVersion: undefined,
    ...more,
  };
}

export interface Bench {
  delivery: Delivery;
  outbox: Outbox;
  clock: FakeClock;
  warnings: Warning[];
  account: { user: string };
  record(...events: UsageEvent[]): Promise<string[]>;
  /** Ids that wait, in order. */
  waiting(what?: string): Promise<string[]>;
}

let databases = 0;
const open: Delivery[] = [];
export async function delivery(
  usage: UsageConfig,
  more: {
    fetch?: typeof fetch;
    clock?: FakeClock;
    outbox?: Outbox | 'memory';
    random?: () => number;
  } = {},
): Promise<Bench> {
  const clock = more.clock ?? new FakeClock();
  const outbox =
    more.outbox === 'memory' ? memoryOutbox() : (more.outbox ?? (await openKeptOutbox(`usage-${String(++databases)}`)));
  const warnings: Warning[] = [];
  const account = { user: 'u' };
  const made = new Delivery(
    {
      usage,
      version: '0.0.0',
      clock,
      random: more.random ?? (() => 1),
      fetch: more.fetch ?? fetch,
      newId: () => uuid(),
      warn: (warning) => warnings.push(warning),
      account: () => accountOf(account),
      inMemory: false,
    },
    outbox,
  );
  open.push(made);
  return {
    delivery: made,
    outbox,
    clock,
    warnings,
    account,
    async record(...events) {
      for (const each of events) made.record(each, accountOf(account));
      await made.written();
      return events.map(({ eventId }) => eventId);
    },
    async waiting(what = '') {
      const names = (await outbox.queues()).filter((name) => name.startsWith(what));
      const rows = await Promise.all(names.map((name) => outbox.take(name, 100_000, 1e9)));
      return rows.flat().map(({ id }) => id);
    },
  };
}

export async function closeDeliveries(): Promise<void> {
  await Promise.all(open.splice(0).map((each) => each.close()));
}
