/** An event as a page records it, of a completed call that has a price in the seed. */
import { randomUUID } from 'node:crypto';

export const llama = 'meta-llama/Llama-3.2-3B-Instruct';

export const event = (fields = {}) => ({
  eventId: randomUUID(),
  interactionId: 'i',
  kind: 'complete',
  at: Date.now(),
  tier: 'base',
  target: 'router',
  provider: 'router',
  model: llama,
  source: 'router',
  inputTokens: 1000,
  outputTokens: 500,
  firstPartMs: 100,
  totalMs: 800,
  status: 'ok',
  ...fields,
});
