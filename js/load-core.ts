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
import { LoadError, TierwiseError } from './errors.js';

interface Source {
  code: ArrayBuffer | Uint8Array | WebAssembly.Module;
  /** Where it is from, for messages. */
  from: string;
}
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
    if (promptsUrl !== undefined) return fetchCode(prompts, promptsUrl);
    // Without its query: that was for the other file.
    if (wasmUrl !== undefined) return fetchCode(prompts, wasmUrl.replace(/[?#].*/, '').replace(/[^/]*$/, prompts));
    return findOwn(prompts);
  };
  if (wasmBinary !== undefined) {
    return open(await start(Promise.resolve({ code: wasmBinary, from: 'the given wasmBinary' })), findPrompts);
  }
  if (wasmUrl !== undefined) return open(await start(fetchCode(first, wasmUrl)), findPrompts);
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

async function findOwn(name: typeof first | typeof prompts): Promise<Source> {
  try {
    // Throws in a classic script made by a bundler: it has no import.meta. Bundlers look for these very words.
    const url = name === first ? new URL('core.wasm', import.meta.url) : new URL('prompts.wasm', import.meta.url);
    const code = readFromDisk(url);
    return code === undefined ? await fetchCode(name, url.href) : { code, from: url.href };
  } catch {
    const { default: base64 } = name === first ? await import('#core-base64') : await import('#prompts-base64');
    return { code: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), from: 'the copy inside the package' };
  }
}

/** Node gives its file system without an import that bundlers would trip over. */
function readFromDisk(url: URL): Uint8Array | undefined {
  if (url.protocol !== 'file:') return undefined;
  const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const fs = node?.getBuiltinModule?.('node:fs') as { readFileSync(path: URL): Uint8Array } | undefined;
  return fs?.readFileSync(url);
}

/** Compiled while it arrives, where the server says it is WebAssembly; else, or to say what is wrong with it, as bytes. */
async function fetchCode(name: string, url: string, streaming = true): Promise<Source> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw new LoadError(`${name} could not be fetched from ${url}.`, cause);
  }
  if (!response.ok) throw new LoadError(`${name} could not be fetched from ${url}: HTTP ${String(response.status)}.`);
  if (streaming && response.headers.get('content-type') === 'application/wasm') {
    return WebAssembly.compileStreaming(response).then(
      (code) => ({ code, from: url }),
      () => fetchCode(name, url, false),
    );
  }
  const bytes = await response.arrayBuffer();
  const head = new Uint8Array(bytes.slice(0, 4));
  if (head[0] !== 0x00 || head[1] !== 0x61 || head[2] !== 0x73 || head[3] !== 0x6d) {
    const what = head[0] === 0x3c ? 'an HTML page' : 'something that is not WebAssembly';
    throw new LoadError(
      `${url} is ${what}: copy ${name} from the package there, or set ${name === first ? 'wasmUrl' : 'promptsUrl'}.`,
    );
  }
  return { code: bytes, from: url };
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
    const module = await new Promise<CoreModule>((resolve, reject) => {
      // The glue prepares itself while the file is on its way.
      createCore({
        instantiateWasm: (imports, receive) => {
          instantiate(imports)
            .then(({ code, instance }) => receive(instance, code))
            .catch(reject);
          return {};
        },
        print: () => undefined,
        printErr: () => undefined,
      }).then(resolve, reject);
    });
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

function compiled({ code }: Source): WebAssembly.Module | Promise<WebAssembly.Module> {
  return code instanceof WebAssembly.Module ? code : WebAssembly.compile(code as BufferSource);
}

function loadError(name: string, from: string, cause: unknown): unknown {
  if (TierwiseError.isInstance(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const why = /Content Security Policy|unsafe-eval/i.test(text)
    ? "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src"
    : /simd|v128/i.test(text)
      ? 'this browser is too old for it (WebAssembly SIMD is needed)'
      : cause instanceof WebAssembly.CompileError
        ? text
        : `it is not the ${name} of this package, copy that (${text})`;
  return new LoadError(`The WebAssembly ${name} from ${from} could not be started: ${why}.`, cause);
}
