/** What `spaces-and-servers.test.mjs` runs in the page: connections over the real core, facts as plain JSON. */
import createCore from '../../build/wasm/module/core.js';
import { systemClock } from '../../js/clock.ts';
import { Core } from '../../js/core.ts';
import { CallFailure } from '../../js/transports/call-failure.ts';
import { Connections } from '../../js/transports/connect.ts';
import type { SpaceConfig } from '../../js/types.ts';

async function connections(base: SpaceConfig): Promise<Connections> {
  const wasmBinary = await (await fetch('/core.wasm')).arrayBuffer();
  const core = new Core(await createCore({ wasmBinary }));
  const { tiers, prices } = (await (await fetch('/models.json')).json()) as { tiers: never; prices: never };
  core.configure({
    tiers,
    prices,
    defaultTier: 'base',
    targets: [{ id: 'space:base', provider: 'space', tier: 'base' }],
    cache: { maxEntries: 1, maxBytes: 1, ttlMs: 1, staleMs: 0 },
  });
  return new Connections(
    {
      spaces: { base },
      providers: {},
      proxyUrl: undefined,
      proxyToken: undefined,
      random: Math.random,
      fetch: globalThis.fetch.bind(globalThis),
      clock: systemClock,
      hubUrl: 'https://huggingface.co',
      maxReplyBytes: 1e6,
      timeouts: { firstChunk: 20_000, stall: 20_000 },
    },
    { core },
  );
}

/** One connect and one call; `abortAfter`: parts after which the caller leaves. */
export async function run(options: {
  space: SpaceConfig;
  wake?: 'wait' | 'fallback';
  maxTokens?: number;
  abortAfter?: number;
  extra?: Record<string, never>;
}) {
  const heard: string[] = [];
  const parts: string[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const onStatus = ({ state }: { state: string }): void => void heard.push(state);
  try {
    const connection = await (
      await connections(options.space)
    ).connect('space:base', { signal, wake: options.wake ?? 'wait', onStatus });
    const result = await connection.call(
      {
        messages: [{ role: 'user', content: 'Say hello.' }],
        parameters: {
          maxTokens: options.maxTokens ?? 40,
          temperature: 0,
          ...(options.extra && { extra: options.extra }),
        },
      },
      {
        signal,
        onStatus,
        onPrompt: () => undefined,
        onPart: ({ text }) => {
          parts.push(text);
          if (parts.length === options.abortAfter) controller.abort();
        },
      },
    );
    return { protocol: connection.protocol, base: connection.base, result, parts, heard };
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    return { facts: error.facts, message: error.message, parts, heard };
  }
}
