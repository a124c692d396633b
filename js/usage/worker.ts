/**
 * `tierwise/usage-worker`: for an application's own service worker.
 *
 *   import { sendKeptUsage, usageSyncTag } from 'tierwise/usage-worker';
 *   self.addEventListener('sync', (event) => {
 *     if (event.tag === usageSyncTag) event.waitUntil(sendKeptUsage({ usage, partition }));
 *   });
 *
 * `usage` and `partition` as in `createClient`: whose rows are sent follows from them. Rejects while rows are left, so
 * that the browser tries again.
 */
import { systemClock } from '../clock.js';
import type { PartitionConfig, UsageConfig } from '../types.js';
import { accountOf } from './account.js';
import { Delivery } from './delivery.js';
import { openKeptOutbox } from './kept-outbox.js';

export { usageSyncTag } from './sync.js';

export async function sendKeptUsage(options: {
  usage: UsageConfig;
  partition?: PartitionConfig;
  fetch?: typeof fetch;
}): Promise<void> {
  const { usage, partition = {} } = options;
  const account = accountOf(partition);
  const outbox = await openKeptOutbox();
  const delivery = new Delivery(
    {
      usage,
      version: __TIERWISE_VERSION__,
      clock: systemClock,
      random: Math.random,
      fetch: options.fetch ?? fetch,
      newId: () => crypto.randomUUID(),
      warn: ({ message }) => console.warn(`tierwise: ${message}`),
      account: () => account,
      inMemory: false,
    },
    outbox,
  );
  try {
    await delivery.send();
    if ((await delivery.left()) > 0) throw new Error('Usage is left: the backend could not be reached.');
  } finally {
    await delivery.close();
  }
}
