/**
 * The cache step alone, from source: the canonical text of the request, the look-up in the core, the stored reply as it
 * is given. Beside it what people write by hand: `Map.get(JSON.stringify(request))`.
 */
import { requestKey, targetKey } from '../../../js/cache-key.ts';
import { coreConfig, resolveConfig, type ResolvedConfig } from '../../../js/config.ts';
import type { Core } from '../../../js/core.ts';
import { openCore } from '../../../js/load-core.ts';
import { type Partition, ResponseCache } from '../../../js/response-cache.ts';
import type { CacheRecord } from '../../../js/store/store.ts';
import { utf8Bytes } from '../../../js/text.ts';
import type { ModelRequest } from '../../../js/transports/transport.ts';
// @ts-expect-error plain JavaScript
import { measure, words } from './rounds.mjs';

const target = 'openai';

class Bench {
  readonly #config: ResolvedConfig;
  readonly #cache: ResponseCache;
  readonly #partition: Partition;
  readonly #map = new Map<string, { content: string }>();

  constructor(core: Core, maxEntries: number, maxBytes: number) {
    this.#config = resolveConfig({
      providers: { openai: { baseUrl: 'https://models.example/v1', model: 'small-model' } },
      cache: { maxEntries, maxBytes },
    });
    core.configure(coreConfig(this.#config));
    this.#cache = new ResponseCache(
      core,
      () => Date.now(),
      (warning) => {
        throw new Error(warning.message);
      },
      () => undefined,
      undefined,
    );
    this.#partition = this.#cache.partition({ tenant: 'acme' });
  }

  request(number: number): ModelRequest {
    return {
      messages: [
        { role: 'system', content: words(200, 0) as string },
        { role: 'user', content: words(740, number) as string },
      ],
      parameters: { temperature: 0, maxTokens: 512 },
    };
  }

  #text(request: ModelRequest): string {
    return `${targetKey(target, this.#config)}\n${requestKey(request)}`;
  }

  async fill(from: number, to: number, replyBytes: number): Promise<void> {
    for (let number = from; number < to; number++) {
      const request = this.request(number);
      const { id } = await this.#cache.find(this.#partition, this.#text(request), undefined, true);
      const content = words(replyBytes, number + 7_000_000) as string;
      const now = Date.now();
      const record: CacheRecord = {
        id,
        partition: this.#partition.id,
        tier: 'base',
        target,
        tags: [],
        bytes: utf8Bytes(content) + 500,
        storedAt: now,
        ttlMs: undefined,
        lastUsedAt: now,
        hits: 0,
        prompt: 'a prompt',
        reply: {
          id: crypto.randomUUID(),
          content,
          source: 'openai',
          model: 'small-model',
          usage: { inputTokens: 250, outputTokens: 250, estimated: false },
          cost: undefined,
          finishReason: 'stop',
        },
      } as CacheRecord;
      const outcome = {
        complete: true,
        filtered: false,
        finishReason: 'stop' as const,
        provider: 'openai' as const,
        temperature: 0,
        variety: false,
        noStore: false,
        bytes: content.length,
      };
      const { stored, reason } = this.#cache.put(record, now, outcome, false);
      if (!stored) throw new Error(reason);
      this.#map.set(JSON.stringify(request), { content });
    }
  }

  async step(request: ModelRequest): Promise<string> {
    const found = await this.#cache.find(this.#partition, this.#text(request), undefined, true);
    if (found.record === undefined) throw new Error('not in the cache');
    const reply = { ...found.record.reply, source: 'cache', age: found.ageMs, role: 'assistant', cost: 0 };
    return reply.content;
  }

  byHand(request: ModelRequest): string {
    const found = this.#map.get(JSON.stringify(request));
    if (found === undefined) throw new Error('not in the map');
    return found.content;
  }
}

/** ms of a batch of `batch` steps each, over requests spread through all that are stored. */
export async function steps({
  few,
  many,
  rounds,
  warmUp,
  batch,
}: Record<'few' | 'many' | 'rounds' | 'warmUp' | 'batch', number>) {
  const wasmBinary = await (await fetch('/tierwise/core.wasm')).arrayBuffer();
  const open = async (entries: number) => {
    const bench = new Bench(await openCore({ wasmBinary }), entries, 64 * 1024 * 1024);
    await bench.fill(0, entries, 1024);
    return bench;
  };
  const small = await open(few);
  const large = await open(many);
  const asked = { few: [] as ModelRequest[], many: [] as ModelRequest[] };
  // Fresh copies: nobody asks with the very strings that were stored.
  const copies = (round: number, entries: number) =>
    JSON.parse(
      JSON.stringify(Array.from({ length: batch }, (_, i) => large.request((round * 7919 + i * 104_729) % entries))),
    ) as ModelRequest[];
  const stepRival = (bench: Bench, size: 'few' | 'many') => async () => {
    for (const request of asked[size]) await bench.step(request);
  };
  const mapRival = (bench: Bench, size: 'few' | 'many') => () => {
    for (const request of asked[size]) bench.byHand(request);
  };
  const samples = (await measure(
    {
      stepFew: stepRival(small, 'few'),
      stepMany: stepRival(large, 'many'),
      mapFew: mapRival(small, 'few'),
      mapMany: mapRival(large, 'many'),
    },
    {
      rounds,
      warmUp,
      prepare: (round: number) => {
        asked.few = copies(round, few);
        asked.many = copies(round, many);
      },
    },
  )) as Record<string, number[]>;
  return { samples, requestBytes: JSON.stringify(large.request(1)).length };
}
