/**
 * From `import` to the first request leaving, in a page that never saw the package, beside a bare Embind module of the
 * same size. Both come from the same loopback server, uncompressed, into a fresh browser context each time.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { root, serve } from '../browser/harness.mjs';
import { isolation, packageRoutes } from './page.mjs';
import { median, millis, p95, table, times } from './statistics.mjs';

export const title = 'From import to the first routed request';

const folder = path.join(root, 'build/bench');
const flags =
  '--bind -sMODULARIZE=1 -sEXPORT_ES6=1 -sENVIRONMENT=web -sDYNAMIC_EXECUTION=0 -sFILESYSTEM=0 -sALLOW_MEMORY_GROWTH=1';

/** A small Embind class and as many bytes of data as make its wasm as large as `size`, within 1 %. */
function bareModule(size, say) {
  const js = path.join(folder, 'bare.js');
  const wasm = path.join(folder, 'bare.wasm');
  const fits = () => existsSync(wasm) && Math.abs(statSync(wasm).size - size) <= size / 100;
  if (!fits()) {
    say('Building a bare Embind module of that size (half a minute) …');
    mkdirSync(folder, { recursive: true });
    const compile = (padding) => {
      let state = 1;
      const bytes = Array.from(
        { length: padding },
        () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 24,
      );
      const source = path.join(folder, 'bare.cpp');
      writeFileSync(
        source,
        `#include <emscripten/bind.h>
#include <string>
namespace {
const unsigned char kPadding[] = {${bytes.join(',') || '0'}};
class Bare {
 public:
  std::string echo(const std::string& text) const { return text; }
  int at(int place) const { return kPadding[static_cast<unsigned>(place) % sizeof(kPadding)]; }
};
}  // namespace
EMSCRIPTEN_BINDINGS(bare) {
  emscripten::class_<Bare>("Bare").constructor<>().function("echo", &Bare::echo).function("at", &Bare::at);
}
`,
      );
      execFileSync('em++', ['-std=c++20', '-O3', source, '-o', js, ...flags.split(' ')], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, NODE_PATH: '/usr/share/nodejs' },
      });
      return statSync(wasm).size;
    };
    compile(size - compile(1));
    rmSync(path.join(folder, 'bare.cpp'));
    if (!fits()) throw new Error('The bare module did not come out at the right size.');
  }
  return { js: readFileSync(js), wasm: readFileSync(wasm) };
}

export async function run({ browser, quick, say }) {
  const rounds = quick ? 5 : 40;
  const own = packageRoutes();
  const core = own['/tierwise/core.wasm'];
  const bare = bareModule(core.byteLength, say);
  const glue = readFileSync(path.join(root, 'build/wasm/module/core.js'));
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>start</title>';
  const site = await serve(
    {
      '/': page,
      ...own,
      '/bare/bare.js': bare.js,
      '/bare/bare.wasm': bare.wasm,
      '/glue/core.js': glue,
      '/glue/core.wasm': core,
    },
    { headers: isolation },
  );

  // Each runs in the page and gives the ms from before the import to the end.
  const rivals = {
    tierwise: async () => {
      const began = performance.now();
      const { createClient } = await import('/tierwise/index.js');
      return new Promise((resolve, reject) => {
        const client = createClient({
          providers: { openai: { baseUrl: `${location.origin}/v1`, model: 'small-model' } },
          fetch: async () => {
            resolve(performance.now() - began);
            return new Response('{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}', {
              headers: { 'content-type': 'application/json' },
            });
          },
        });
        client.generate('Say hello.').catch(reject);
      });
    },
    bare: async () => {
      const began = performance.now();
      const { default: create } = await import('/bare/bare.js');
      const module = await create();
      if (new module.Bare().echo('Say hello.') !== 'Say hello.') throw new Error('no echo');
      return performance.now() - began;
    },
    glue: async () => {
      const began = performance.now();
      const { default: create } = await import('/glue/core.js');
      const module = await create();
      if (module.version(module.open()) === 0) throw new Error('no version');
      return performance.now() - began;
    },
  };
  const names = Object.keys(rivals);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    const turn = Math.abs(round) % names.length;
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const context = await browser.newContext();
      const tab = await context.newPage();
      await tab.goto(`${site.origin}/`);
      // Whatever a new page still does is over.
      await tab.waitForTimeout(50);
      const took = await tab.evaluate(rivals[name]);
      if (round >= 0) samples[name].push(took);
      await context.close();
    }
  }
  await site.close();

  const ratio = median(samples.tierwise) / median(samples.bare);
  const row = (label, name) => [
    label,
    millis(median(samples[name])),
    millis(p95(samples[name])),
    times(median(samples[name]) / median(samples.bare)),
  ];
  return {
    measures:
      `${rounds} rounds of each, every one in a fresh browser context (nothing cached, nothing compiled), files from a loopback server. ` +
      'Tierwise: `import`, `createClient`, `generate`, until the request reaches `fetch`: `core.wasm` fetched and started, the request checked, ' +
      'planned, looked up. The bare module: `import` of its glue, the module started, one call; it is a class with two methods, its wasm filled ' +
      `up with data to the ${core.byteLength} bytes of \`core.wasm\` (data need no compiling). Beside them our own \`core.wasm\` with nothing ` +
      'but its glue: the floor for what is in it.',
    table: table([
      ['import to the first request or call', 'p50', 'p95', 'to the bare module'],
      row('Tierwise, to its first routed request', 'tierwise'),
      row('bare Embind module of the same size', 'bare'),
      row('`core.wasm` and its glue alone', 'glue'),
    ]),
    targets: [
      {
        what: 'beside a bare Embind module of the same size',
        target: '≤ 1.3x',
        value: times(ratio),
        met: ratio <= 1.3,
      },
    ],
  };
}
