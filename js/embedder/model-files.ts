/**
 * The files of a model: read from disk in Node, else from the browser's Cache API or over the network, with progress;
 * never more bytes than the file has, and never used unless its SHA-256 is the one the package knows.
 *
 * Without a secure context a browser has neither the Cache API nor a digest: then the length alone is checked, and the
 * file is fetched anew by each page.
 */
import { LoadError, TierwiseError } from '../errors.js';
import { readFromDisk } from '../find-wasm.js';

export interface ModelFile {
  /** How messages call it. */
  readonly name: string;
  readonly url: string;
  /** Where the package has it. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}
export interface ModelProgress {
  /** The file's name. */
  readonly file: string;
  readonly loaded: number;
  /** Bytes, of this file. */
  readonly total: number;
}
export interface ReadOptions {
  fetch: typeof fetch;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
}

const cacheName = 'tierwise-models';
/** Reports of progress come after so many bytes, and at the end. */
const reportEvery = 1 << 18;

/** Errors: LoadError; the signal's reason. */
export async function readModelFile(file: ModelFile, options: ReadOptions): Promise<Uint8Array> {
  const done = (): void => options.onProgress?.({ file: file.name, loaded: file.bytes, total: file.bytes });
  const disk = fromDisk(file);
  if (disk !== undefined) {
    await requireSame(file, disk, file.url);
    done();
    return disk;
  }
  const store = await openCache();
  const kept = await fromCache(store, file);
  if (kept !== undefined) {
    done();
    return kept;
  }
  const bytes = await fetched(file, options);
  await requireSame(file, bytes, file.url);
  // Nobody waits for it, and a full disk keeps nobody from using what was fetched.
  const copy = new Response(bytes.slice() as BufferSource, { headers: { 'content-type': 'application/octet-stream' } });
  void store?.put(cacheKey(file), copy).catch(() => undefined);
  return bytes;
}

function fromDisk(file: ModelFile): Uint8Array | undefined {
  const { name, url } = file;
  try {
    return readFromDisk(new URL(url));
  } catch (cause) {
    throw new LoadError(`${name} could not be read from ${url}. ${copyIt(file)}`, cause);
  }
}

async function openCache(): Promise<Cache | undefined> {
  // Undefined without a secure context; forbidden in some private windows.
  return (globalThis as { caches?: CacheStorage }).caches?.open(cacheName).catch(() => undefined);
}

/** By its content: another version of a file is another entry. */
function cacheKey({ sha256, name }: ModelFile): string {
  return `https://models.tierwise.invalid/${sha256}/${encodeURIComponent(name)}`;
}

async function fromCache(store: Cache | undefined, file: ModelFile): Promise<Uint8Array | undefined> {
  if (store === undefined) return undefined;
  try {
    const response = await store.match(cacheKey(file));
    if (response === undefined) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    if ((await difference(file, bytes)) === undefined) return bytes;
    await store.delete(cacheKey(file));
  } catch {
    // A cache that cannot be read is done without.
  }
  return undefined;
}

async function fetched(file: ModelFile, { fetch, signal, onProgress }: ReadOptions): Promise<Uint8Array> {
  const { name, url, bytes: total } = file;
  const unreachable = (cause: unknown): Error => {
    if (signal?.aborted === true) return signal.reason as Error;
    return new LoadError(
      `${name} could not be fetched from ${url}. It is needed once; afterwards it is kept for use without a network.`,
      cause,
    );
  };
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', signal: signal ?? null });
  } catch (cause) {
    throw unreachable(cause);
  }
  if (!response.ok) {
    throw new LoadError(`${name} could not be fetched from ${url}: HTTP ${String(response.status)}. ${copyIt(file)}`);
  }
  const reader = response.body?.getReader();
  if (reader === undefined) throw new LoadError(`${url} is empty, not ${name}.`);
  const bytes = new Uint8Array(total);
  let loaded = 0;
  let reported = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (loaded + value.length > total) {
        await reader.cancel();
        throw new LoadError(`${url} is larger than ${name} (${String(total)} bytes). ${copyIt(file)}`);
      }
      bytes.set(value, loaded);
      loaded += value.length;
      if (loaded - reported >= reportEvery || loaded === total) {
        reported = loaded;
        onProgress?.({ file: name, loaded, total });
      }
    }
  } catch (cause) {
    throw TierwiseError.isInstance(cause) ? cause : unreachable(cause);
  }
  return loaded === total ? bytes : bytes.subarray(0, loaded);
}

function copyIt({ path }: ModelFile): string {
  return `Copy node_modules/tierwise/${path} there, or set \`modelUrl\` to the folder that has it.`;
}

async function requireSame(file: ModelFile, bytes: Uint8Array, from: string): Promise<void> {
  const why = await difference(file, bytes);
  if (why !== undefined)
    throw new LoadError(`${from} is not the ${file.name} of this package: ${why}. ${copyIt(file)}`);
}

async function difference(file: ModelFile, bytes: Uint8Array): Promise<string | undefined> {
  if (bytes.length !== file.bytes) {
    if (bytes[0] === 0x3c) return 'it is a page of HTML';
    return `it has ${String(bytes.length)} bytes instead of ${String(file.bytes)}`;
  }
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
  if (subtle === undefined) return undefined;
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as BufferSource));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex === file.sha256 ? undefined : 'its SHA-256 is another one';
}
