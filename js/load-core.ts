/**
 * Finds and starts `core.wasm` and, when the first prompt is made, `prompts.wasm`, its other half. In this order: bytes
 * the caller gave; a URL the caller gave; the file beside this module (`new URL('core.wasm', import.meta.url)`, which
 * bundlers follow; read from disk in Node); and when that file cannot be had or is something else (esbuild does not copy
 * it, some dev servers move this module), a base64 copy in a chunk of its own, loaded only then. A compile or Content-Security-Policy error is never worked around.
 * The module is shared by all clients of a page; a failed load is forgotten, so that it can be tried again.
 *
 * The halves are made by scripts/split-core.mjs: the first imports what the second will put into its table under a
 * name that only the two share, and the second takes the first one's memory, table and functions under that name.
 */
import createCore, { type CoreModule } from '#core-module';

import { Core } from './core.js';
import { LoadError } from './errors.js';
import { compiled, fetchWasm, findOwnWasm, loadError, startModule, type Source } from './find-wasm.js';

interface Loaded {
  module: CoreModule;
  from: string;
}

export interface CoreLocation {
  wasmBinary?: ArrayBuffer | Uint8Array | undefined;
  wasmUrl?: string | undefined;
  /** Of prompts.wasm; else beside `wasmUrl`, or where the package has it. */
  promptsBinary?: ArrayBuffer | Uint8Array | undefined;
  promptsUrl?: string | undefined;
}
export type FindPrompts = () => Promise<Source>;

const first = 'core.wasm';
const prompts = 'prompts.wasm';

let shared: Promise<Loaded> | undefined;
let started: CoreModule | undefined;

/** A core for one client. */
export async function openCore({ wasmBinary, wasmUrl, promptsBinary, promptsUrl }: CoreLocation): Promise<Core> {
  const findPrompts = async (): Promise<Source> => {
    if (promptsBinary !== undefined) return { code: promptsBinary, from: 'the given promptsBinary' };
    if (promptsUrl !== undefined) return fetchWasm(prompts, promptsUrl, 'promptsUrl');
    // Without its query: that was for the other file.
    if (wasmUrl !== undefined) {
      return fetchWasm(prompts, wasmUrl.replace(/[?#].*/, '').replace(/[^/]*$/, prompts), 'promptsUrl');
    }
    return findOwn(prompts);
  };
  if (wasmBinary !== undefined) {
    return open(await start(Promise.resolve({ code: wasmBinary, from: 'the given wasmBinary' })), findPrompts);
  }
  if (wasmUrl !== undefined) return open(await start(fetchWasm(first, wasmUrl, 'wasmUrl')), findPrompts);
  if (started?.trapped === true) shared = started = undefined;
  const loading = (shared ??= start(findOwn(first)));
  try {
    const loaded = await loading;
    const core = open(loaded, findPrompts);
    started = loaded.module;
    return core;
  } catch (error) {
    if (shared === loading) shared = undefined;
    throw error;
  }
}

function open({ module, from }: Loaded, findPrompts: FindPrompts): Core {
  const core = new Core(module, () => module.addPrompts?.(findPrompts));
  const version = core.version();
  if (version === __TIERWISE_VERSION__) return core;
  core.close();
  throw new LoadError(
    `core.wasm from ${from} is version ${version}, the package is ${__TIERWISE_VERSION__}: clear the cache or copy the file again.`,
  );
}

function findOwn(name: typeof first | typeof prompts): Promise<Source> {
  // Bundlers look for these very words.
  return name === first
    ? findOwnWasm(
        name,
        () => new URL('core.wasm', import.meta.url),
        () => import('#core-base64'),
      )
    : findOwnWasm(
        name,
        () => new URL('prompts.wasm', import.meta.url),
        () => import('#prompts-base64'),
      );
}

async function start(source: Promise<Source>): Promise<Loaded> {
  let from = '';
  let addPrompts: CoreModule['addPrompts'];
  const instantiate = async (imports: WebAssembly.Imports) => {
    const found = await source;
    ({ from } = found);
    const code = await compiled(found);
    // What the halves share; a core that was never split has none. Newer Binaryens write .deferred behind it here.
    const waiting = WebAssembly.Module.imports(code).find(({ module }) => /^[\da-f]{12}\b/.test(module))?.module;
    if (waiting !== undefined) imports[waiting] = notYet;
    const instance = await WebAssembly.instantiate(code, imports);
    if (waiting !== undefined) {
      const build = waiting.slice(0, 12);
      addPrompts = once((find) => instantiatePrompts(find(), { [build]: instance.exports }));
    }
    return { code, instance };
  };
  try {
    const module = await startModule(createCore, instantiate);
    module.addPrompts = addPrompts;
    return { module, from };
  } catch (cause) {
    throw loadError(first, from, cause);
  }
}

/** Stands where functions of prompts.wasm will; js/core.ts waits for them before it calls one. */
const notYet = new Proxy(
  {},
  {
    get: () => () => {
      throw new Error('prompts.wasm is not loaded.');
    },
  },
);

/** Done once; what failed is tried again by the next call, and by who waited for another's. */
function once(act: (find: FindPrompts) => Promise<void>): (find: FindPrompts) => Promise<void> {
  let running: Promise<void> | undefined;
  return async (find) => {
    try {
      if (running !== undefined) return await running;
    } catch {
      // Others may look for it elsewhere.
    }
    return (running ??= act(find).catch((error: unknown) => {
      running = undefined;
      throw error;
    }));
  };
}

async function instantiatePrompts(source: Promise<Source>, imports: WebAssembly.Imports): Promise<void> {
  const found = await source;
  try {
    const code = await compiled(found);
    // A half of another build asks for another name; what asks for nothing is no half at all.
    if (WebAssembly.Module.imports(code).length === 0) throw new Error('it takes nothing from core.wasm');
    await WebAssembly.instantiate(code, imports);
  } catch (cause) {
    throw loadError(prompts, found.from, cause);
  }
}
