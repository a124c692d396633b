import type { ForgetRequest } from '../core-types.js';

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
