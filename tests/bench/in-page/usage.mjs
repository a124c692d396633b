/** Usage in the page, as built: recording events one by one, and sending many that wait. */
import { openDelivery } from '/tierwise/usage.js';

import { event } from './usage-event.mjs';

const account = '["","u"]';
let delivery;

export async function open({ url }) {
  delivery = await openDelivery({
    usage: { backend: { url, token: () => 'session' } },
    version: '0',
    clock: {
      now: () => Date.now(),
      // Rounds are started by the benchmark.
      after: () => () => undefined,
    },
    random: Math.random,
    fetch: globalThis.fetch,
    newId: () => crypto.randomUUID(),
    warn: ({ message }) => console.error(message),
    account: () => account,
    inMemory: false,
  });
}

/** ms of each `record`, each in a task of its own, and of the time until it is on the disk. */
export async function record({ count, warmUp }) {
  const calls = [];
  const kept = [];
  for (let i = -warmUp; i < count; i++) {
    const one = event();
    const began = performance.now();
    delivery.record(one, account);
    const called = performance.now();
    await delivery.written();
    if (i >= 0) {
      calls.push(called - began);
      kept.push(performance.now() - began);
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { calls, kept };
}

export async function fill({ count }) {
  for (let i = 0; i < count; i += 100) {
    for (let j = 0; j < 100; j++) delivery.record(event(), account);
    await delivery.written();
  }
  return delivery.left();
}

/** ms. */
export async function flush() {
  const began = performance.now();
  await delivery.send();
  return { took: performance.now() - began, left: await delivery.left() };
}
