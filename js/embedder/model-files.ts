/**
 * The files of a model: read from disk in Node, else from what the browser keeps (kept-files.ts) or over the network,
 * with progress; never more bytes than the file has, and their SHA-256 must be the one the package knows.
 *
 * Without a secure context a browser neither keeps files nor has a digest: then the length alone is checked, and the file
 * is fetched anew by each page.
 */
import { LoadError } from '../errors.js';
import { readFromDisk } from '../find-wasm.js';
import { keptFile, type KeepableFile } from './kept-files.js';

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
export interface ReadModelFile {
  readonly content: KeepableFile;
  /** Until it resolves nothing that was made of the bytes is given out, and they are not kept. Errors: LoadError. */
  readonly checked?: Promise<void>;
}
export interface ReadOptions {
  fetch: typeof fetch;
  /** What is needed sooner: the server is asked at once, but the line left to that. */
  after?: Promise<unknown> | undefined;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
}

/** Reports of progress come after so many bytes, and at the end. */
const reportEvery = 1 << 18;
/**
 * Up to so many bytes a file of which nobody wants to hear is taken whole, which is three times as fast as piece by piece,
 * and is fetched also when the browser takes longer than `patience` ms to say whether it keeps it: in a new page that can
 * take ten times as long, more than fetching.
 */
const smallBytes = 1 << 22;
const patience = 10;

/** Errors: LoadError. */
export async function readModelFile(file: ModelFile, options: ReadOptions): Promise<ReadModelFile> {
  const found = (bytes: Uint8Array): ReadModelFile => {
    options.onProgress?.({ file: file.name, loaded: file.bytes, total: file.bytes });
    return { content: { bytes, key: undefined } };
  };
  const disk = fromDisk(file);
  if (disk !== undefined) {
    await requireSame(file, disk);
    return found(disk);
  }
  // By its content: another version of a file is another entry.
  const key = `https://models.tierwise.invalid/${file.sha256}/${file.name}`;
  const unwanted = new AbortController();
  const keeping = keptFile(key).then(async (bytes) => {
    if (bytes === undefined || (await difference(file, bytes)) !== undefined) return undefined;
    unwanted.abort();
    return found(bytes);
  });
  const whole = options.onProgress === undefined && file.bytes <= smallBytes;
  const late = new Promise<undefined>((resolve) => whole && setTimeout(resolve, patience));
  const fetching = Promise.race([keeping, late]).then(async (kept) => {
    if (kept !== undefined) return kept;
    const bytes = await fetched(file, options, whole, unwanted.signal);
    const checked = requireSame(file, bytes);
    checked.catch(() => undefined);
    if (bytes.length !== file.bytes) await checked;
    return { content: { bytes, key }, checked };
  });
  const either = () => keeping.then((kept) => kept ?? fetching);
  return Promise.race([either(), fetching.catch(either)]);
}

function fromDisk(file: ModelFile): Uint8Array | undefined {
  const { name, url } = file;
  try {
    return readFromDisk(new URL(url));
  } catch (cause) {
    throw new LoadError(`${name} could not be read from ${url}. ${copyIt(file)}`, cause);
  }
}

async function fetched(
  file: ModelFile,
  { fetch, after, onProgress }: ReadOptions,
  whole: boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { name, url, bytes: total } = file;
  const unreachable = (cause: unknown): never => {
    throw new LoadError(
      `${name} could not be fetched from ${url}. It is needed once; afterwards it is kept for use without a network.`,
      cause,
    );
  };
  const response = await fetch(url, { credentials: 'same-origin', signal }).catch(unreachable);
  if (!response.ok) {
    throw new LoadError(`${name} could not be fetched from ${url}: HTTP ${String(response.status)}. ${copyIt(file)}`);
  }
  await after?.catch(() => undefined);
  if (whole) {
    const blob = await response.blob().catch(unreachable);
    return new Uint8Array(await blob.slice(0, total + 1).arrayBuffer());
  }
  const reader = readerOf(response.body ?? new Blob().stream());
  // One more than there are, so that the end is seen.
  let bytes = new Uint8Array(total + 1);
  let loaded = 0;
  let reported = 0;
  for (;;) {
    const { done, value } = await reader.read(bytes.subarray(loaded)).catch(unreachable);
    const filled = bytes.length === 0;
    if (filled) bytes = new Uint8Array(value!.buffer);
    if (done) return bytes.subarray(0, loaded);
    if (loaded + value!.length > total) {
      await reader.cancel();
      throw new LoadError(`${url} is larger than ${name} (${String(total)} bytes). ${copyIt(file)}`);
    }
    if (!filled) bytes.set(value!, loaded);
    loaded += value!.length;
    if (loaded - reported >= reportEvery || loaded === total) {
      reported = loaded;
      onProgress?.({ file: name, loaded, total });
    }
  }
}

interface Reader {
  /** Into that memory, which is the value's from then on; where the platform cannot, the value is another. */
  read(into: Uint8Array<ArrayBuffer>): Promise<{ done: boolean; value?: Uint8Array<ArrayBuffer> | undefined }>;
  cancel(): Promise<void>;
}

function readerOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): Reader {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return body.getReader();
  }
}

function copyIt({ path }: ModelFile): string {
  return `Copy node_modules/tierwise/${path} there, or set \`modelUrl\` to the folder that has it.`;
}

async function requireSame(file: ModelFile, bytes: Uint8Array): Promise<void> {
  const why = await difference(file, bytes);
  if (why !== undefined)
    throw new LoadError(`${file.url} is not the ${file.name} of this package: ${why}. ${copyIt(file)}`);
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
