/**
 * The real core for tests of source files: built by `npm run build`, loaded from its own folder. `TIERWISE_CORE` names
 * another folder that holds core.js and core.wasm.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Core } from '../../js/core.ts';
import type { CoreModule } from '#core-module';

const folder = process.env['TIERWISE_CORE'] ?? fileURLToPath(new URL('../../build/wasm/module', import.meta.url));

/** A fresh core that knows `targets` as Spaces and providers. */
export async function realCore(targets: readonly string[] = ['space:base', 'space:company']): Promise<Core> {
  const core = new Core(await loadModule());
  core.configure({
    tiers: readModel('tiers.json'),
    prices: readModel('prices.json'),
    defaultTier: 'base',
    targets: targets.map((id) =>
      id.startsWith('space:')
        ? { id, provider: 'space', tier: id.slice(6) as 'base' }
        : { id, provider: id as 'openai' | 'router' | 'mock' },
    ),
    cache: { maxEntries: 10, maxBytes: 100_000, ttlMs: 1000, staleMs: 0 },
  });
  return core;
}

let loaded: Promise<CoreModule> | undefined;

export function loadModule(): Promise<CoreModule> {
  const glue = `${folder}/core.js`;
  if (!existsSync(glue)) throw new Error(`${glue} is not there: run "npm run build" first.`);
  loaded ??= (async () => {
    const { default: create } = (await import(pathToFileURL(glue).href)) as {
      default: (options: object) => Promise<CoreModule>;
    };
    return create({
      wasmBinary: readFileSync(`${folder}/core.wasm`),
      print: () => undefined,
      printErr: () => undefined,
    });
  })();
  return loaded;
}

function readModel(name: string): Record<string, never> {
  return JSON.parse(readFileSync(new URL(`../../models/${name}`, import.meta.url), 'utf8')) as Record<string, never>;
}
