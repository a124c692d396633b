/**
 * What a tab of the kill and tab tests does: records events as fast as it is told to, and tells the site which of them
 * are acknowledged. Test code.
 */
import { systemClock } from '../../js/clock.ts';
import { newId } from '../../js/request.ts';
import { accountOf } from '../../js/usage/account.ts';
import { type Delivery, openDelivery } from '../../js/usage/delivery.ts';
import { openKeptOutbox } from '../../js/usage/kept-outbox.ts';
import { event } from '../bench/in-page/usage-event.mjs';
import type { UsageConfig, UsageEvent } from '../../js/types.ts';

export const warnings: string[] = [];
const account = accountOf({ user: 'u' });

export function open(usage: UsageConfig, request: typeof fetch = globalThis.fetch): Promise<Delivery> {
  return openDelivery({
    usage,
    version: '0',
    clock: systemClock,
    random: Math.random,
    fetch: request,
    newId,
    warn: ({ code, message }) => warnings.push(`${code}: ${message}`),
    account: () => account,
    inMemory: false,
  });
}

interface Pace {
  everyMs?: number;
  atOnce?: number;
  until?: number;
  signal?: AbortSignal;
}

/** Records until the page is gone or `signal` says so; `acknowledged` hears of ids once their write is complete. */
export async function produce(
  delivery: Delivery,
  acknowledged: (ids: string[]) => void,
  { everyMs = 5, atOnce = 3, until = Infinity, signal }: Pace = {},
): Promise<void> {
  const end = performance.now() + until;
  while (performance.now() < end && signal?.aborted !== true) {
    const events = Array.from({ length: Math.ceil(Math.random() * atOnce) }, () => event());
    for (const each of events) delivery.record(each, account);
    void delivery.written().then(() => acknowledged(events.map(({ eventId }) => eventId)));
    if (Math.random() < 0.1) void delivery.send();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * everyMs * 2));
  }
}

export function record(delivery: Delivery, count: number, more: Partial<UsageEvent> = {}): string[] {
  return Array.from({ length: count }, () => {
    const each = event(more);
    delivery.record(each, account);
    return each.eventId;
  });
}

/** All that waits, whatever queue. */
export async function waiting(): Promise<string[]> {
  const outbox = await openKeptOutbox();
  const rows = await Promise.all((await outbox.queues()).map((queue) => outbox.take(queue, 1e6, 1e12)));
  outbox.close();
  return rows.flat().map(({ id }) => id);
}
