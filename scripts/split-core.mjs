/**
 * Splits a whole core into what every page loads and what only prompts need:
 * `node scripts/split-core.mjs WASM_OPT WASM_SPLIT core.wasm FOLDER` writes FOLDER/core.wasm and FOLDER/prompts.wasm.
 * Binaryen's wasm-split puts trampolines in the place of what moves; js/load-core.ts instantiates the second file into
 * the memory and the table of the first.
 *
 * To prompts.wasm goes what nothing but templates, chats, token counts and marks call: whatever cannot be reached from
 * an export or a function pointer without one of them. The whole core has the names of its functions, for this alone.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const [wasmOpt, wasmSplit, whole, folder] = process.argv.slice(2);
/** Mangled names: the namespaces prompt and safety, and their functions in bindings.cpp and core.cpp. */
const ofPrompts = /6prompt|6safety|(9BoundCore|4Core)\d+(add_template|render|format_chat|count_tokens|phrases|mark)/;
const features = ['simd', 'bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals'].map(
  (name) => `--enable-${name}`,
);
const run = (tool, ...args) => execFileSync(tool, args, { maxBuffer: 1 << 28, encoding: 'utf8', stdio: 'pipe' });

/** The names of all functions, and of those that are exported or stand in the table. */
function functionsOf(file) {
  const bytes = readFileSync(file);
  let at = 8;
  const number = () => {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const names = new Map();
  const entries = new Set();
  while (at < bytes.length) {
    const section = bytes[at++];
    const end = number() + at;
    if (section === 7) {
      for (let count = number(); count > 0; count--) {
        text();
        const isFunction = bytes[at++] === 0;
        const index = number();
        if (isFunction) entries.add(index);
      }
    } else if (section === 8) {
      entries.add(number());
    } else if (section === 9) {
      for (let count = number(); count > 0; count--) {
        // i32.const OFFSET end, then the functions.
        if (number() !== 0 || bytes[at++] !== 0x41)
          throw new Error(`${file} has a kind of table that is not known here.`);
        while (bytes[at++] !== 0x0b);
        for (let n = number(); n > 0; n--) entries.add(number());
      }
    } else if (section === 0 && text() === 'name') {
      while (at < end) {
        const kind = bytes[at++];
        const next = number() + at;
        if (kind === 1) for (let count = number(); count > 0; count--) names.set(number(), text());
        at = next;
      }
    }
    at = end;
  }
  return { names: [...names.values()], entries: [...entries].map((index) => names.get(index)) };
}

/** name -> the names it calls. */
function callsOf(file) {
  const calls = new Map();
  for (const [, from, to] of run(wasmOpt, file, ...features, '--print-call-graph').matchAll(
    /^ {2}"(.*?)" -> "(.*?)";/gm,
  )) {
    if (!calls.has(from)) calls.set(from, []);
    calls.get(from).push(to);
  }
  return calls;
}

mkdirSync(folder, { recursive: true });
const named = path.join(folder, 'named.wasm');
const first = path.join(folder, 'core.wasm');
const second = path.join(folder, 'prompts.wasm');
// What Emscripten's one round of wasm-opt leaves, others shorten.
run(wasmOpt, whole, '-g', '-Oz', '--converge', ...features, '-o', named);

const { names, entries } = functionsOf(named);
const calls = callsOf(named);
const kept = new Set();
const found = entries.filter((name) => !ofPrompts.test(name));
while (found.length > 0) {
  const name = found.pop();
  if (kept.has(name)) continue;
  kept.add(name);
  found.push(...(calls.get(name) ?? []));
}
const moved = names.filter((name) => !kept.has(name) && /^[\w.$]+$/.test(name));
// Each half names the other by what both were made of: halves of different builds do not fit together.
const build = createHash('sha256').update(readFileSync(named)).digest('hex').slice(0, 12);
run(
  wasmSplit,
  named,
  ...features,
  `--split-funcs=${moved.join(',')}`,
  `--placeholder-namespace=${build}`,
  `--import-namespace=${build}`,
  '--export-prefix=%',
  `-o1=${first}`,
  `-o2=${second}`,
);
for (const file of [first, second]) run(wasmOpt, file, '-Oz', '--converge', ...features, '-o', file);
rmSync(named);
