/** The boundary: the declared methods are the real ones; loading in every way; versions; memory that stays. */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { createClient, LoadError } from '../../dist/index.js';
import { wellFormedJson } from '../../js/core.ts';
import { chat, closeAll, bench, failureOf } from './client-bench.ts';
import { loadModule, realCore } from './real-core.ts';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
afterEach(closeAll);

test('core-module.d.ts declares what the module has', async () => {
  const declaration = await readFile(at('js/core-module.d.ts'), 'utf8');
  const body = /interface CoreModule \{([^}]*)\}/.exec(declaration)![1]!;
  const declared = [...body.matchAll(/^\s*(\w+)\(([^)]*)\)/gm)].map(([, name, given]) => [
    name!,
    given!.split(',').filter((one) => one.trim() !== '').length,
  ]);
  const { default: create } = (await import(pathToFileURL(at('build/wasm/module/core.js')).href)) as {
    default: (options: object) => Promise<Record<string, (...all: unknown[]) => unknown>>;
  };
  const module = await create({ wasmBinary: await readFile(at('build/wasm/module/core.wasm')) });
  // Embind refuses a wrong number of arguments and names the right one; newer ones only in builds for debugging.
  const counts = /args|expected/.test(thrown(() => module['open']!(0)));
  for (const [name, count] of declared as [string, number][]) {
    expect(module[name]).toBeInstanceOf(Function);
    if (counts && !name.startsWith('stack')) {
      const wrong = Array.from({ length: count + 1 }, () => 0);
      expect(() => module[name]!(...wrong)).toThrow(new RegExp(`${String(count)} args!|expected ${String(count)}`));
    }
  }
  // And nothing is missing: each function takes a core but the one that makes it.
  const bound = await readFile(at('wasm/bindings.cpp'), 'utf8');
  const all = [...bound.matchAll(/^ {2}function\("(\w+)"/gm)].map(([, name]) => name!);
  expect([...all, 'stackSave', 'stackRestore'].sort()).toEqual(declared.map(([name]) => name).sort());
});

function thrown(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    return String(error);
  }
}

test('a trap is an error of the package, and the core goes on', async () => {
  const core = await realCore();
  const module = await loadModule();
  const before = module.stackSave();
  const real = module.partition;
  module.partition = () => {
    module.stackRestore(before - 4096);
    throw new WebAssembly.RuntimeError('unreachable');
  };
  try {
    expect(() => core.partition({ user: 'a' })).toThrow(/met a bug of its own/);
  } finally {
    module.partition = real;
  }
  expect(module.stackSave()).toBe(before);
  expect(core.partition({ user: 'a' }).id).toMatch(/./);
  core.close();
});

describe('loading', () => {
  let origin: string;
  let wasm: Buffer;
  const server = createServer((request, response) => {
    const answers: Record<string, () => void> = {
      '/core.wasm': () => response.writeHead(200, { 'content-type': 'application/wasm' }).end(wasm),
      '/as-text.wasm': () => response.writeHead(200, { 'content-type': 'text/plain' }).end(wasm),
      '/html.wasm': () =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>App</title>'),
      '/empty.wasm': () => response.writeHead(200).end(),
      '/half.wasm': () => response.writeHead(200).end(wasm.subarray(0, wasm.length / 2)),
      '/old.wasm': () => response.writeHead(200).end(oldVersion(wasm)),
    };
    (answers[request.url ?? ''] ?? (() => response.writeHead(404).end('no')))();
  });
  beforeAll(async () => {
    wasm = await readFile(at('dist/core.wasm'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${String((server.address() as { port: number }).port)}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  /** The same module, compiled for another version: the text in its data is changed in place. */
  function oldVersion(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    const place = copy.lastIndexOf('0.1.0');
    expect(place).toBeGreaterThan(0);
    for (let from = 0; (from = copy.indexOf('0.1.0', from)) !== -1; from += 5) copy.write('9.9.9', from);
    return copy;
  }
  const works = async (config: object) => {
    const { client } = bench(config);
    expect((await client.generate('Hi')).content).toBe('Hello.');
  };

  test('in Node with nothing said', () => works({}));
  test('from bytes', async () => {
    await works({ wasmBinary: new Uint8Array(wasm) });
    await works({ wasmBinary: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) });
  });
  test('from a URL', () => works({ wasmUrl: `${origin}/core.wasm` }));
  test('whatever its content type says', () => works({ wasmUrl: `${origin}/as-text.wasm` }));

  test.each<[string, () => object, RegExp]>([
    ['a page instead', () => ({ wasmUrl: `${origin}/html.wasm` }), /html\.wasm is an HTML page: copy core\.wasm/],
    ['nothing', () => ({ wasmUrl: `${origin}/empty.wasm` }), /not WebAssembly/],
    ['half of it', () => ({ wasmUrl: `${origin}/half.wasm` }), /could not be started/],
    ['not there', () => ({ wasmUrl: `${origin}/missing.wasm` }), /HTTP 404/],
    ['nobody answers', () => ({ wasmUrl: 'http://127.0.0.1:9/core.wasm' }), /could not be fetched/],
    ['bytes of something else', () => ({ wasmBinary: new Uint8Array([1, 2, 3]) }), /could not be started/],
    [
      'another module, without exports',
      () => ({ wasmBinary: new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) }),
      /is not the core\.wasm of this package, copy that/,
    ],
    [
      'another module, with other imports',
      // (import "x" "y" (func))
      () => ({
        wasmBinary: new Uint8Array([
          ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x78, 1, 0x79, 0, 0],
        ]),
      }),
      /is not the core\.wasm of this package, copy that/,
    ],
    ['another version', () => ({ wasmUrl: `${origin}/old.wasm` }), /is version 9\.9\.9, the package is 0\.1\.0/],
  ])('%s: a LoadError that says so, and not for ever', async (_, config, says) => {
    const { client, models } = bench(config());
    for (let i = 0; i < 2; i += 1) {
      const error = await failureOf(client.generate('Hi'));
      expect(error).toBeInstanceOf(LoadError);
      expect(error.code).toBe('load-failed');
      expect(error.message).toMatch(says);
    }
    expect(models.calls).toHaveLength(0);
    await works({});
  });

  test('one module for all clients, each with a core of its own', async () => {
    const one = bench();
    const two = bench();
    await one.client.generate('Hi');
    expect((await two.client.generate('Hi')).source).toBe('openai');
    one.client.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await two.client.generate('Hi')).source).toBe('cache');
  });
});

test.each([
  ['{"a":"\\ud800"}', '{"a":"\ufffd"}'],
  ['{"a":"\\\\ud800"}', '{"a":"\\\\ud800"}'],
  ['{"a":"\\\\\\ud800"}', '{"a":"\\\\\ufffd"}'],
  ['{"a":"\\n\\udc00\\udbff"}', '{"a":"\\n\ufffd\ufffd"}'],
  ['{"a":"\u{1f600}"}', '{"a":"\u{1f600}"}'],
])('wellFormedJson(%j)', (text, expected) => {
  expect(wellFormedJson(text)).toBe(expected);
  expect(() => JSON.parse(wellFormedJson(text)) as unknown).not.toThrow();
});

describe('memory', () => {
  test('text of any size crosses and comes back, and memory that grew is found again', async () => {
    const core = await realCore();
    for (const size of [0, 1, 5000, 16_384, 100_000, 1_000_000, 3_000_000, 10, 500_000]) {
      const text = '\u8336'.repeat(size);
      const frame = JSON.stringify({ choices: [{ index: 0, delta: { content: `${text}.` }, finish_reason: null }] });
      expect(core.frame('openai', frame).text).toBe(`${text}.`);
    }
    core.close();
  });

  test('10,000 requests leave the memory of the core as it was', async () => {
    const memories: WebAssembly.Memory[] = [];
    const before = WebAssembly.instantiate;
    Object.assign(WebAssembly, {
      instantiate: async (...given: Parameters<typeof WebAssembly.instantiate>) => {
        const result = (await (before as (...all: unknown[]) => Promise<unknown>)(
          ...given,
        )) as WebAssembly.WebAssemblyInstantiatedSource;
        for (const value of Object.values((result.instance ?? result).exports))
          if (value instanceof WebAssembly.Memory) memories.push(value);
        return result;
      },
    });
    try {
      let fails = 0;
      const { client } = bench({ wasmBinary: await readFile(at('dist/core.wasm')), cache: { maxEntries: 500 } }, () =>
        ++fails % 10 === 0 ? new Response('', { status: 400 }) : chat('x'.repeat(1000)),
      );
      const round = async (from: number, to: number) => {
        for (let i = from; i < to; i += 1)
          await client.generate(`${String(i)} ${'p'.repeat(1000)}`).catch(() => undefined);
      };
      await round(0, 2000);
      expect(memories).toHaveLength(1);
      const size = memories[0]!.buffer.byteLength;
      await round(2000, 12_000);
      expect(memories[0]!.buffer.byteLength).toBe(size);
    } finally {
      Object.assign(WebAssembly, { instantiate: before });
    }
  }, 60_000);

  test('a client that was closed gives its core back: 200 clients need no more than a few', async () => {
    const wasmBinary = await readFile(at('dist/core.wasm'));
    const first = createClient({ wasmBinary, providers: { mock: { delayMs: 0 } } });
    await first.health();
    first.close();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 200; i += 1) {
      const client = createClient({ providers: { mock: { delayMs: 0 } }, cache: { maxEntries: 10_000 } });
      await client.generate('Hi');
      client.close();
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});
