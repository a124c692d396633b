/**
 * From `import` to the first request leaving, in a page that never saw the package, beside bare Embind modules of the
 * same size. All come from the same loopback server, uncompressed, into a fresh browser context each time.
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
  '-std=c++20 -Oz --bind -sMODULARIZE=1 -sEXPORT_ES6=1 -sENVIRONMENT=web -sDYNAMIC_EXECUTION=0 -sALLOW_MEMORY_GROWTH=1'.split(
    ' ',
  );

const bareSource = {
  /** As most modules of this size are made: of code, with the glue that code needs. */
  code: `class Bare {
 public:
  std::string echo(const std::string& text) const { return text; }
  std::string count(const std::string& text) const {
    std::map<std::string, int> words;
    std::istringstream in(text);
    for (std::string word; in >> word;) ++words[word];
    std::ostringstream out;
    for (const auto& [word, times] : words) out << word << ": " << times << '\\n';
    std::cout << out.str();
    return out.str();
  }
};`,
  /** Nothing but the boundary: the rest is data, which need neither compiling nor glue. */
  data: `class Bare {
 public:
  std::string echo(const std::string& text) const { return text; }
  std::string count(const std::string& text) const { return text; }
};`,
};

/** An Embind class of two methods, its wasm filled up with data to `size`, within 1 %. */
function bareModule(kind, size, say) {
  const js = path.join(folder, `bare-${kind}.js`);
  const wasm = path.join(folder, `bare-${kind}.wasm`);
  const fits = () => existsSync(wasm) && Math.abs(statSync(wasm).size - size) <= size / 100;
  if (!fits()) {
    say(`Building a bare Embind module of that size, made of ${kind} (half a minute) …`);
    mkdirSync(folder, { recursive: true });
    const source = path.join(folder, `bare-${kind}.cpp`);
    const compile = (padding) => {
      let state = 1;
      const bytes = Array.from(
        { length: padding },
        () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 24,
      );
      writeFileSync(
        source,
        `#include <emscripten/bind.h>
#include <string>
${kind === 'code' ? '#include <iostream>\n#include <map>\n#include <sstream>\n' : ''}namespace {
const unsigned char kPadding[] = {${bytes.join(',') || '0'}};
int at(int place) { return kPadding[static_cast<unsigned>(place) % sizeof(kPadding)]; }
${bareSource[kind]}
}  // namespace
EMSCRIPTEN_BINDINGS(bare) {
  emscripten::function("at", &at);
  emscripten::class_<Bare>("Bare").constructor<>().function("echo", &Bare::echo).function("count", &Bare::count);
}
`,
      );
      execFileSync('em++', [source, '-o', js, ...flags, ...(kind === 'data' ? ['-sFILESYSTEM=0'] : [])], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, NODE_PATH: '/usr/share/nodejs' },
      });
      return statSync(wasm).size;
    };
    compile(size - compile(1));
    rmSync(source);
    if (!fits()) throw new Error('The bare module did not come out at the right size.');
  }
  return { js: readFileSync(js), wasm: readFileSync(wasm) };
}

const kilobytes = (...files) => `${String(Math.round(files.reduce((sum, { length }) => sum + length, 0) / 1000))} KB`;

export async function run({ browser, quick, say }) {
  const rounds = quick ? 5 : 40;
  const own = packageRoutes();
  const core = own['/tierwise/core.wasm'];
  const code = bareModule('code', core.byteLength, say);
  const data = bareModule('data', core.byteLength, say);
  const glue = readFileSync(path.join(root, 'build/wasm/module/core.js'));
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>start</title>';
  const site = await serve(
    {
      '/': page,
      ...own,
      '/code/bare-code.js': code.js,
      '/code/bare-code.wasm': code.wasm,
      '/data/bare-data.js': data.js,
      '/data/bare-data.wasm': data.wasm,
      '/glue/core.js': glue,
      '/glue/core.wasm': core,
    },
    { headers: isolation },
  );

  // Each runs in the page, is given its name and gives the ms from before the import to the end.
  const bare = async (kind) => {
    const began = performance.now();
    const { default: create } = await import(`/${kind}/bare-${kind}.js`);
    const module = await create();
    if (new module.Bare().echo('Say hello.') !== 'Say hello.') throw new Error('no echo');
    return performance.now() - began;
  };
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
    code: bare,
    data: bare,
    glue: async () => {
      const began = performance.now();
      const { default: create } = await import('/glue/core.js');
      const placeholders = new Proxy({}, { get: () => () => undefined });
      const module = await create({
        instantiateWasm(imports, receive) {
          void WebAssembly.compileStreaming(fetch('/glue/core.wasm')).then(async (code) => {
            for (const { module: name } of WebAssembly.Module.imports(code)) imports[name] ??= placeholders;
            receive(await WebAssembly.instantiate(code, imports), code);
          });
          return {};
        },
      });
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
      const took = await tab.evaluate(rivals[name], name);
      if (round >= 0) samples[name].push(took);
      await context.close();
    }
  }
  await site.close();

  const ratio = median(samples.tierwise) / median(samples.code);
  const row = (label, name) => [
    label,
    millis(median(samples[name])),
    millis(p95(samples[name])),
    times(median(samples[name]) / median(samples.code)),
  ];
  return {
    measures:
      `${rounds} rounds of each, every one in a fresh browser context (nothing cached, nothing compiled), files from a loopback server. ` +
      'Tierwise: `import`, `createClient`, `generate`, until the request reaches `fetch`: `core.wasm` fetched and started, the request checked, ' +
      `planned, looked up; ${kilobytes(own['/tierwise/index.js'], core)} of JavaScript and WebAssembly, uncompressed. ` +
      'The bare modules: `import` of the glue, the module started, one call. The one the target is measured at is made as most of this size ' +
      `are, of code (\`std::string\`, \`std::map\`, streams), with the glue that it needs: ${kilobytes(code.js, code.wasm)}. The other has ` +
      `nothing but its boundary and data, which need neither compiling nor glue: ${kilobytes(data.js, data.wasm)}. The wasm of both is filled ` +
      `up to the ${core.byteLength} bytes of \`core.wasm\`. Beside them our own with nothing but its glue.`,
    table: table([
      ['import to the first request or call', 'p50', 'p95', 'to the module of code'],
      row('Tierwise, to its first routed request', 'tierwise'),
      row('bare Embind module of the same size, code', 'code'),
      row('the same, data', 'data'),
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
