/** The tokenizer of all-MiniLM-L6-v2: its vocabulary, fetched once, in a module of its own. */
import { LoadError, TierwiseError } from '../errors.js';
import { fetchFile, readFromDisk } from '../find-wasm.js';
import type { Meaning } from './meaning.js';

const name = 'vocab.txt';
const lines = 30_522;

let shared: Promise<Meaning> | undefined;
let ready: Meaning | undefined;

/** With the vocabulary in it. A failed load is forgotten, so that it can be tried again. Errors: LoadError. */
export async function tokenizer(): Promise<Meaning> {
  if (ready?.usable === true) return ready;
  if (ready !== undefined) ready = shared = undefined;
  const loading = (shared ??= load());
  try {
    return (ready = await loading);
  } catch (error) {
    if (shared === loading) shared = undefined;
    throw error;
  }
}

async function load(): Promise<Meaning> {
  const url = new URL('../models/all-MiniLM-L6-v2/vocab.txt', import.meta.url);
  const [bytes, meaning] = await Promise.all([
    read(url),
    import('./load-meaning.js').then(({ openMeaning }) => openMeaning()),
  ]);
  try {
    meaning.loadVocabulary(bytes, lines);
  } catch (cause) {
    if (!TierwiseError.isInstance(cause) || cause.code !== 'invalid-vocabulary') throw cause;
    throw new LoadError(`${name} from ${url.href} is not that of the package, copy it again. ${cause.message}`, cause);
  }
  return meaning;
}

async function read(url: URL): Promise<Uint8Array> {
  try {
    const bytes = readFromDisk(url);
    if (bytes !== undefined) return bytes;
  } catch (cause) {
    throw new LoadError(`${name} could not be read from ${url.href}.`, cause);
  }
  const response = await fetchFile(name, url.href);
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new LoadError(`${name} from ${url.href} broke off.`, cause);
  }
}
