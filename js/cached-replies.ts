/**
 * The cache as a person looks after it: a list of one partition, lives of its entries, and forgetting by id, tag, tier,
 * target or age.
 */
import { latestTime } from './config.js';
import { ofRequest } from './request.js';
import type { Partition, ResponseCache } from './response-cache.js';
import { anyText, check, numberFrom } from './shape.js';
import { preview } from './text.js';
import type { CacheEntryInfo, ClientCache, ForgetResult, ForgetSelector } from './types.js';

/** `own`: the cache, and the partition whose entries are meant. */
export function clientCache(own: () => Promise<{ cache: ResponseCache; partition: Partition }>): ClientCache {
  return {
    async entries(query = {}) {
      ofRequest(() => check(query, { search: anyText }, '', 'query'));
      const { cache, partition } = await own();
      return listReplies(cache, partition, query.search);
    },
    async edit(id, change) {
      ofRequest(() => {
        const ttl = numberFrom(1, latestTime);
        anyText(id, 'id');
        check(change, { ttl }, '', 'change');
        ttl(change.ttl, 'ttl');
      });
      const { cache, partition } = await own();
      return cache.edit(id, { ttlMs: change.ttl }, partition);
    },
  };
}

/** `search`: in any case. */
async function listReplies(
  cache: ResponseCache,
  partition: Partition,
  search: string | undefined,
): Promise<CacheEntryInfo[]> {
  const wanted = search?.toLowerCase();
  const has = (text: string | undefined): boolean => text?.toLowerCase().includes(wanted!) === true;
  const { entries, body } = await cache.entries(partition.id);
  const infos = await Promise.all(
    entries.map(async (entry): Promise<CacheEntryInfo | undefined> => {
      const record = await body(entry.id);
      if (record === undefined) return undefined;
      const { partition: _, ...info } = entry;
      const { prompt, question, reply } = record;
      const { model, cost, content } = reply;
      if (wanted !== undefined && ![question?.text ?? prompt, content, model, ...entry.tags].some(has))
        return undefined;
      return {
        ...info,
        model,
        saved: cost === undefined ? undefined : cost * entry.hits,
        prompt,
        content: preview(content, 300),
      };
    }),
  );
  return infos.filter((info) => info !== undefined);
}

/** `scope`: absent for every partition. `entryOf`: the entry a reply came from or went into, where it is known. */
export async function forgetReplies(
  cache: ResponseCache,
  scope: Partition | undefined,
  { replyId, olderThan, dryRun = false, ids, tag, tier, target }: ForgetSelector,
  entryOf: (replyId: string) => string | undefined,
  now: number,
): Promise<ForgetResult> {
  const chosen = replyId === undefined ? ids : [entryOf(replyId)].filter((id) => id !== undefined);
  if (replyId !== undefined && chosen?.length === 0) return { entries: 0, bytes: 0, ids: [], dryRun };
  const gone = await cache.forget({
    dryRun,
    ids: chosen,
    tag,
    tier,
    target,
    before: olderThan === undefined ? olderThan : now - olderThan,
    partition: scope?.id,
  });
  return { entries: gone.ids.length, bytes: gone.bytes, ids: gone.ids, dryRun };
}
