/**
 * The files of all-MiniLM-L6-v2, and the module that holds its vocabulary and light table once they were read. One for
 * the whole page; a failed load is forgotten, so that it can be tried again.
 */
import { files } from '../../models/all-MiniLM-L6-v2/provenance.json';
import { LoadError, TierwiseError } from '../errors.js';
import type { Meaning } from './meaning.js';
import { type ModelFile, type ModelProgress, readModelFile } from './model-files.js';

export interface ModelLocation {
  /** A folder with copies of the model's files. Default: the package's own. */
  modelUrl?: string | undefined;
  /** Default: the platform's. */
  fetch?: typeof fetch | undefined;
  /** Told of the files while they are fetched. */
  onProgress?: ((progress: ModelProgress) => void) | undefined;
}

export const mostTokens = 256;
const vocabularyLines = 30_522;

/** `own`: where the package has it. */
export function modelFile(name: keyof typeof files, own: string, { modelUrl }: ModelLocation): ModelFile {
  return { name, url: modelUrl === undefined ? own : new URL(name, folder(modelUrl)).href, ...files[name] };
}

/** Vectors of two versions of a file never meet. */
export function versionOf(name: keyof typeof files): string {
  return files[name].sha256.slice(0, 12);
}

export function readFile(file: ModelFile, location: ModelLocation): Promise<Uint8Array> {
  const { fetch: given = platformFetch, onProgress } = location;
  return readModelFile(file, { fetch: given, onProgress });
}

const platformFetch: typeof fetch = (input, init) => fetch(input, init);

/** With the vocabulary in it. Errors: LoadError. */
export const tokenizer = shared(async (location) => {
  const vocabulary = new URL('../models/all-MiniLM-L6-v2/vocab.txt', import.meta.url).href;
  const [bytes, meaning] = await Promise.all([
    readFile(modelFile('vocab.txt', vocabulary, location), location),
    import('./load-meaning.js').then(({ openMeaning }) => openMeaning()),
  ]);
  return loaded(meaning, 'vocab.txt', () => meaning.loadVocabulary(bytes, vocabularyLines));
});

/** With the light table in it as well. Errors: LoadError. */
export const lightModel = shared(async (location) => {
  const table = new URL('../models/all-MiniLM-L6-v2/light.bin', import.meta.url).href;
  const [bytes, meaning] = await Promise.all([
    readFile(modelFile('light.bin', table, location), location),
    tokenizer(location),
  ]);
  return loaded(meaning, 'light.bin', () => meaning.loadLight(bytes));
});

/** One for all who ask, wherever they would have looked: the files are the same. A module that met a bug is left behind. */
function shared(load: (location: ModelLocation) => Promise<Meaning>): (location: ModelLocation) => Promise<Meaning> {
  let loading: Promise<Meaning> | undefined;
  let ready: Meaning | undefined;
  return async (location) => {
    if (ready?.usable === true) return ready;
    if (ready !== undefined) ready = loading = undefined;
    const mine = (loading ??= load(location));
    try {
      return (ready = await mine);
    } catch (error) {
      if (loading === mine) loading = undefined;
      throw error;
    }
  };
}

function loaded(meaning: Meaning, name: string, load: () => void): Meaning {
  try {
    load();
    return meaning;
  } catch (cause) {
    if (!TierwiseError.isInstance(cause) || !/^invalid-/.test(cause.code)) throw cause;
    throw new LoadError(`${name} is not that of the package, copy it again. ${cause.message}`, cause);
  }
}

/** With a slash at its end; a relative one counts from the page. */
function folder(url: string): string {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  return new URL(url.endsWith('/') ? url : `${url}/`, base).href;
}
