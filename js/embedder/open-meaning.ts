/** Asks for dist/meaning.js and for the program it starts side by side: the one is compiled while the other arrives. */
import type { Source } from '../find-wasm.js';
import type { Meaning } from './meaning.js';

let program: Promise<Source> | undefined;

/** As in load-meaning.ts, which finds the program itself where this way leads nowhere: in Node, or where servers give it no type. */
export async function openMeaning(): Promise<Meaning> {
  program ??= compiling();
  program.catch(() => undefined);
  const { openMeaning: open } = await import('./load-meaning.js');
  return open(program);
}

async function compiling(): Promise<Source> {
  const { href } = new URL('meaning.wasm', import.meta.url);
  return { code: await WebAssembly.compileStreaming(fetch(href, { credentials: 'same-origin' })), from: href };
}
