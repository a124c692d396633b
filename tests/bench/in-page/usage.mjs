/** Usage in the page, as built: recording events one by one, and sending many that wait. */
import { openDelivery } from '/tierwise/usage.js';

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

function event() {
  return {
    eventId: crypto.randomUUID(),
    interactionId: crypto.randomUUID(),
    replyId: crypto.randomUUID(),
    kind: 'complete',
    at: Date.now(),
    tier: 'company',
    target: 'space:company',
    provider: 'space',
    model: 'HuggingFaceH4/zephyr-7b-beta',
    source: 'space',
    inputTokens: 130,
    outputTokens: 250,
    tokensEstimated: false,
    cost: 0.00123,
    saved: undefined,
    firstPartMs: 312.4,
    totalMs: 2210.8,
    status: 'ok',
    errorClass: undefined,
    attempt: 1,
    user: '1f6c1a3e-8a54-4a13-9f43-0b8a2b1c9d10',
    company: 'acme',
    contextLabel: 'idea-playground',
    experimentArm: undefined,
    appVersion: '1.4.2',
  };
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
