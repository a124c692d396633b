/**
 * Finds and starts `core.wasm`. In this order: bytes the caller gave; a URL the caller gave; the file beside this
 * module (`new URL('core.wasm', import.meta.url)`, which bundlers follow; read from disk in Node); and when that
 * file cannot be had or is something else (esbuild does not copy it, some dev servers move this module), a base64
 * copy in a chunk of its own, loaded only then. A compile or Content-Security-Policy error is never worked around.
 * The module is shared by all clients of a page; a failed load is forgotten, so that it can be tried again.
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
}

let shared: Promise<Loaded> | undefined;
let started: CoreModule | undefined;

/** A core for one client. */
export async function openCore({ wasmBinary, wasmUrl }: CoreLocation): Promise<Core> {
  if (wasmBinary !== undefined) {
    return open(await start(Promise.resolve({ code: wasmBinary, from: 'the given wasmBinary' })));
  }
  if (wasmUrl !== undefined) return open(await start(fetchCode(wasmUrl)));
  if (started?.trapped === true) shared = started = undefined;
  const loading = (shared ??= start(findCode()));
  try {
    const loaded = await loading;
    const core = open(loaded);
    started = loaded.module;
    return core;
  } catch (error) {
    if (shared === loading) shared = undefined;
    throw error;
  }
}

function open({ module, from }: Loaded): Core {
  const core = new Core(module);
  const version = core.version();
  if (version === __TIERWISE_VERSION__) return core;
  core.close();
  throw new LoadError(
    `core.wasm from ${from} is version ${version}, the package is ${__TIERWISE_VERSION__}: clear the cache or copy the file again.`,
  );
}

async function findCode(): Promise<Source> {
  try {
    // Throws in a classic script made by a bundler: it has no import.meta.
    const url = new URL('core.wasm', import.meta.url);
    const code = readFromDisk(url);
    return code === undefined ? await fetchCode(url.href) : { code, from: url.href };
  } catch {
    const { default: base64 } = await import('#core-base64');
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

/** Compiled while it arrives, where the server says that it is WebAssembly; else, or to say what is wrong with it, as bytes. */
async function fetchCode(url: string, streaming = true): Promise<Source> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw new LoadError(`core.wasm could not be fetched from ${url}.`, cause);
  }
  if (!response.ok) throw new LoadError(`core.wasm could not be fetched from ${url}: HTTP ${String(response.status)}.`);
  if (streaming && response.headers.get('content-type') === 'application/wasm') {
    return WebAssembly.compileStreaming(response).then(
      (code) => ({ code, from: url }),
      () => fetchCode(url, false),
    );
  }
  const bytes = await response.arrayBuffer();
  const head = new Uint8Array(bytes.slice(0, 4));
  if (head[0] !== 0x00 || head[1] !== 0x61 || head[2] !== 0x73 || head[3] !== 0x6d) {
    const what = head[0] === 0x3c ? 'an HTML page' : 'something that is not WebAssembly';
    throw new LoadError(`${url} is ${what}: copy core.wasm from the package there, or set wasmUrl.`);
  }
  return { code: bytes, from: url };
}

async function start(source: Promise<Source>): Promise<Loaded> {
  let from = '';
  const instantiate = async (imports: WebAssembly.Imports) => {
    const found = await source;
    ({ from } = found);
    const code =
      found.code instanceof WebAssembly.Module ? found.code : await WebAssembly.compile(found.code as BufferSource);
    return { code, instance: await WebAssembly.instantiate(code, imports) };
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
    return { module, from };
  } catch (cause) {
    if (TierwiseError.isInstance(cause)) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    const why = /Content Security Policy|unsafe-eval/i.test(text)
      ? "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src"
      : /simd|v128/i.test(text)
        ? 'this browser is too old for it (WebAssembly SIMD is needed)'
        : cause instanceof WebAssembly.CompileError
          ? text
          : `it is not the core.wasm of this package, copy that (${text})`;
    throw new LoadError(`The WebAssembly core from ${from} could not be started: ${why}.`, cause);
  }
}
