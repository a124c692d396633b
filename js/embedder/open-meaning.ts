/**
 * The module without any file in it, as in load-meaning.ts. Its code and the program it starts are asked for side by side:
 * the one is compiled while the other arrives. Where that fails (in Node, or where servers give it no type) load-meaning.ts
 * finds the program itself.
 */
import type { Source } from '../find-wasm.js';
import type { Meaning } from './meaning.js';

let program: Promise<Source> | undefined;

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
