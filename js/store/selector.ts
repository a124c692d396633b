import type { ForgetRequest } from '../core-types.js';
import type { Tombstone } from './sound.js';

/** Whether a record is meant by a `forget`: every given field must match (as in `wasm/cache/index`). */
export function matchesSelector(
  record: { id: string; partition: string; tier: string; target: string; tags: readonly string[]; storedAt: number },
  selector: ForgetRequest,
): boolean {
  return (
    (selector.ids === undefined || selector.ids.includes(record.id)) &&
    (selector.tag === undefined || record.tags.includes(selector.tag)) &&
    (selector.tier === undefined || record.tier === selector.tier) &&
    (selector.target === undefined || record.target === selector.target) &&
    (selector.before === undefined || record.storedAt < selector.before) &&
    (selector.partition === undefined || record.partition === selector.partition)
  );
}

/** Between taking the time and writing, ms. */
const clockSlack = 60_000;

/** Whether what was forgotten at `at` holds for a reply whose call began at `startedAt`. */
export function forgets(
  { selector, at }: Tombstone,
  record: Parameters<typeof matchesSelector>[0],
  startedAt: number,
): boolean {
  // One from the future was left by a clock that has been set right since.
  return at >= startedAt && at <= record.storedAt + clockSlack && matchesSelector(record, selector);
}
