/**
 * Finds a WebAssembly file of the package: at a URL that was given, or beside the module (read from disk in Node), or,
 * where that file cannot be had or is something else, its base64 copy in a chunk of its own. Errors: LoadError.
 */
import { LoadError, TierwiseError } from './errors.js';

export interface Source {
  code: ArrayBuffer | Uint8Array | WebAssembly.Module;
  /** Where it is from, for messages. */
  from: string;
}

/** `beside` may throw: a classic script has no import.meta. */
export async function findOwnWasm(
  name: string,
  beside: () => URL,
  copy: () => Promise<{ default: string }>,
): Promise<Source> {
  try {
    const url = beside();
    const code = readFromDisk(url);
    return code === undefined ? await fetchWasm(name, url.href) : { code, from: url.href };
  } catch {
    const { default: base64 } = await copy();
    return { code: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), from: 'the copy inside the package' };
  }
}

/** Undefined where the URL is no file. Node gives its file system without an import that bundlers would trip over. */
export function readFromDisk(url: URL): Uint8Array | undefined {
  if (url.protocol !== 'file:') return undefined;
  const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const fs = node?.getBuiltinModule?.('node:fs') as { readFileSync(path: URL): Uint8Array } | undefined;
  return fs?.readFileSync(url);
}

/**
 * `setting` is what to set when the file is somewhere else. Compiled while it arrives, where the server says that it is WebAssembly; else, or to
 * say what is wrong with it, as bytes.
 */
export async function fetchWasm(name: string, url: string, setting?: string, streaming = true): Promise<Source> {
  const response = await fetchFile(name, url);
  if (streaming && response.headers.get('content-type') === 'application/wasm') {
    return WebAssembly.compileStreaming(response).then(
      (code) => ({ code, from: url }),
      () => fetchWasm(name, url, setting, false),
    );
  }
  const bytes = await response.arrayBuffer();
  const head = new Uint8Array(bytes.slice(0, 4));
  if (head[0] !== 0x00 || head[1] !== 0x61 || head[2] !== 0x73 || head[3] !== 0x6d) {
    const what = head[0] === 0x3c ? 'an HTML page' : 'something that is not WebAssembly';
    const or = setting === undefined ? '' : `, or set ${setting}`;
    throw new LoadError(`${url} is ${what}: copy ${name} from the package there${or}.`);
  }
  return { code: bytes, from: url };
}

/** What the server answered well. */
export async function fetchFile(name: string, url: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw new LoadError(`${name} could not be fetched from ${url}.`, cause);
  }
  if (!response.ok) throw new LoadError(`${name} could not be fetched from ${url}: HTTP ${String(response.status)}.`);
  return response;
}

export function compiled({ code }: Source): WebAssembly.Module | Promise<WebAssembly.Module> {
  return code instanceof WebAssembly.Module ? code : WebAssembly.compile(code as BufferSource);
}

/** What the factory of Emscripten's glue is given. */
export interface GlueOptions {
  wasmBinary?: ArrayBuffer | Uint8Array;
  instantiateWasm?: (
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => object;
  print?: (text: string) => void;
  printErr?: (text: string) => void;
}

/** Runs the glue, which prepares itself while the file is on its way. */
export function startModule<M>(
  create: (options: GlueOptions) => Promise<M>,
  instantiate: (imports: WebAssembly.Imports) => Promise<{ code: WebAssembly.Module; instance: WebAssembly.Instance }>,
): Promise<M> {
  return new Promise<M>((resolve, reject) => {
    create({
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
}

/** What to tell about a module that did not start. */
export function loadError(name: string, from: string, cause: unknown): unknown {
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
