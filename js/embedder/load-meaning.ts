/**
 * Finds and starts `meaning.wasm`, in a file of its own (dist/meaning.js) that is loaded when a text is first embedded or
 * tokenised. Found as core.wasm is (js/find-wasm.ts). The module is shared by all of a page; a failed load is forgotten,
 * so that it can be tried again.
 */
import createMeaning from '#meaning-module';

import { LoadError } from '../errors.js';
import { compiled, findOwnWasm, loadError, type Source, startModule } from '../find-wasm.js';
import { Meaning } from './meaning.js';
import type { MeaningModule } from './meaning-module.js';

const name = 'meaning.wasm';
let shared: Promise<MeaningModule> | undefined;
let started: MeaningModule | undefined;

/**
 * A new one, with nothing loaded into it; in another module after a bug of the last. `program`: one that was begun
 * (model.ts); where it fails, it is found here. Errors: LoadError.
 */
export async function openMeaning(program?: Promise<Source>): Promise<Meaning> {
  if (started?.trapped === true) shared = started = undefined;
  const loading = (shared ??= load(program));
  try {
    return new Meaning((started = await loading));
  } catch (error) {
    if (shared === loading) shared = undefined;
    throw error;
  }
}

async function load(program: Promise<Source> | undefined): Promise<MeaningModule> {
  const find = () =>
    findOwnWasm(
      name,
      () => new URL('meaning.wasm', import.meta.url),
      () => import('#meaning-base64'),
    );
  const source = program?.catch(find) ?? find();
  let from = '';
  try {
    const module = await startModule(createMeaning, async (imports) => {
      const found = await source;
      ({ from } = found);
      const code = await compiled(found);
      return { code, instance: await WebAssembly.instantiate(code, imports) };
    });
    const meaning = new Meaning(module);
    const version = meaning.version();
    meaning.close();
    if (version === __TIERWISE_VERSION__) return module;
    throw new LoadError(
      `${name} from ${from} is version ${version}, the package is ${__TIERWISE_VERSION__}: clear the cache or copy the file again.`,
    );
  } catch (cause) {
    throw loadError(name, from, cause);
  }
}
