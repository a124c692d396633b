/**
 * The files of all-MiniLM-L6-v2 and of the guard, and the module that holds them once they were read. One for the whole
 * page; a failed load is forgotten, so that it can be tried again.
 */
import { files as modelFiles } from '../../models/all-MiniLM-L6-v2/provenance.json';
import { files as guardFiles } from '../../models/guard/provenance.json';
import { Link } from '../semantic/link.js';
import type { Semantics } from '../semantic/semantics.js';
import { keepSoon } from './kept-files.js';
import type { Meaning } from './meaning.js';
import { type ModelFile, type ReadModelFile, readModelFile } from './model-files.js';
import type { ModelLocation } from './model-location.js';
import { openMeaning } from './open-meaning.js';
import type { Transformer } from './transformer.js';

export const mostTokens = 256;
export const modelFolder = 'models/all-MiniLM-L6-v2/';
const guardFolder = 'models/guard/';
const vocabularyLines = 30_522;
const files = { ...modelFiles, ...guardFiles };

/** `path` in the package; `beside`: where bundlers and browsers find that. */
export function modelFile(
  name: keyof typeof files,
  path: string,
  beside: () => URL,
  { modelUrl }: ModelLocation,
): ModelFile {
  const url = modelUrl === undefined ? ownAddress(path, beside) : new URL(name, folder(modelUrl)).href;
  return { name, url, path, ...files[name] };
}

/**
 * Vite's dev server moves the JavaScript of packages into `.vite`, up to version 7 without what lies beside it, but has the
 * package itself where it was. Next gives an address without an origin. A classic script does not know where it is from:
 * its page's folder then counts.
 */
function ownAddress(path: string, beside: () => URL): string {
  let found = path;
  try {
    found = beside().href;
  } catch {
    // No import.meta.
  }
  const [root, rest] = found.split('/node_modules/.vite/');
  return fromPage(root === undefined || rest === undefined ? found : `${root}/node_modules/tierwise/${path}`);
}

/** Vectors of two versions of a file never meet. */
export function versionOf(name: keyof typeof files): string {
  return files[name].sha256.slice(0, 12);
}

/** `after`: what is needed sooner. */
export function readFile(file: ModelFile, location: ModelLocation, after?: Promise<unknown>): Promise<ReadModelFile> {
  const { fetch: given = platformFetch, onProgress } = location;
  return readModelFile(file, { fetch: given, after, onProgress });
}

async function checkedBytes({ content, checked }: ReadModelFile): Promise<Uint8Array> {
  await checked;
  keepSoon([content]);
  return content.bytes;
}

const platformFetch: typeof fetch = (input, init) => fetch(input, init);

/** With the vocabulary in it. Errors: LoadError. */
export const tokenizer = shared(async (location) => {
  const beside = () => new URL('../models/all-MiniLM-L6-v2/vocab.txt', import.meta.url);
  const file = modelFile('vocab.txt', `${modelFolder}vocab.txt`, beside, location);
  const [bytes, meaning] = await Promise.all([
    readFile(file, location)
      .then(checkedBytes)
      .catch((error: unknown) => vocabularyCopy(error, location)),
    openMeaning(),
  ]);
  meaning.loadVocabulary(bytes, vocabularyLines);
  return meaning;
});

/** With the light table in it as well. Errors: LoadError. */
export const lightModel = shared(async (location) => {
  const beside = () => new URL('../models/all-MiniLM-L6-v2/light.bin', import.meta.url);
  const [file, meaning] = await Promise.all([
    readFile(modelFile('light.bin', `${modelFolder}light.bin`, beside, location), location),
    tokenizer(location),
  ]);
  try {
    // While its bytes are checked.
    meaning.loadLight(file.content.bytes);
    return meaning;
  } finally {
    await checkedBytes(file);
  }
});

/** With what the guard reads prompts by in it as well (wasm/cache/guard). Errors: LoadError. */
export const guardModel = shared(async (location) => {
  // What a text needs is asked for first.
  const light = lightModel(location);
  const file = (name: 'words.bin' | 'judge.bin', beside: () => URL) =>
    readFile(modelFile(name, `${guardFolder}${name}`, beside, location), location).then(checkedBytes);
  const both = Promise.all([
    file('words.bin', () => new URL('../models/guard/words.bin', import.meta.url)),
    file('judge.bin', () => new URL('../models/guard/judge.bin', import.meta.url)),
  ]);
  // Where those of the light model are missing too, they are told of.
  both.catch(() => undefined);
  const meaning = await light;
  const [words, judge] = await both;
  meaning.loadWords(words);
  meaning.loadJudge(judge);
  return meaning;
});

export function semanticsOf(id: string, location: ModelLocation, transformer?: Transformer): Semantics {
  return {
    id,
    open: async (deps) => {
      const [{ openQuestions }, meaning] = await Promise.all([
        import('../semantic/semantic-cache.js'),
        guardModel(location),
      ]);
      return openQuestions(meaning, id, transformer, deps);
    },
    link(deps) {
      return new Link(this, deps);
    },
  };
}

/** Some bundlers lose the file and keep its copy. In a folder that was named it has to be. */
async function vocabularyCopy(lost: unknown, { modelUrl }: ModelLocation): Promise<Uint8Array> {
  if (modelUrl !== undefined) throw lost;
  const { default: text } = await import('#vocabulary').catch(() => {
    throw lost;
  });
  return new TextEncoder().encode(text);
}

/**
 * One for all who ask, wherever they would have looked: the files are the same. Who waited in vain for one who looked
 * elsewhere looks where it was told to. A module that met a bug is left behind.
 */
function shared(load: (location: ModelLocation) => Promise<Meaning>): (location: ModelLocation) => Promise<Meaning> {
  let loading: { from: string | undefined; meaning: Promise<Meaning> } | undefined;
  let ready: Meaning | undefined;
  return async (location) => {
    if (ready?.usable === true) return ready;
    if (ready !== undefined) ready = loading = undefined;
    const from = location.modelUrl;
    for (;;) {
      const asked = (loading ??= { from, meaning: load(location) });
      try {
        return (ready = await asked.meaning);
      } catch (error) {
        if (loading === asked) loading = undefined;
        if (asked.from === from) throw error;
      }
    }
  };
}

/** With a slash at its end. */
function folder(url: string): string {
  return fromPage(url.endsWith('/') ? url : `${url}/`);
}

/** A relative one counts from the page. */
function fromPage(url: string): string {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  return page === undefined ? url : new URL(url, page).href;
}
