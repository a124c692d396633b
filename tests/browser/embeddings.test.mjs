/**
 * The built package's embeddings in a real page under the strict Content-Security-Policy: the real MiniLM in its worker,
 * equal to the float32 model; files fetched once, with progress, checked and kept for use without a network; threads;
 * a worker that dies, is forbidden, lost or rests; files that are not what they should be, or somewhere else.
 */
/* global embedder */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { startGradio } from '../servers/gradio-servers.mjs';
import { launch, root } from './harness.mjs';
import { modelFolder, openPackage, policy as csp } from './served-package.mjs';

const golden = JSON.parse(readFileSync(path.join(root, 'tests/fixtures/minilm.json'), 'utf8')).rows;
const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

let browser;
let opened;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
afterEach(() => opened?.close());

async function open(options) {
  opened = await openPackage(browser, options);
  return opened;
}

/** Files are kept when the first vectors are out, soon: with a page that is closed at once they may be lost. */
async function untilKept(page, count) {
  const keys = () =>
    page.evaluate(async () => (await (await caches.open('tierwise-models')).keys()).map(({ url }) => url));
  const late = Date.now() + 5_000;
  while ((await keys()).length < count) {
    if (Date.now() > late) assert.fail(`after five seconds only these are kept: ${await keys()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

test('embeds in a worker as the float32 model does, one text or several, cut at 256 tokens', async () => {
  const { run, page, problems } = await open();
  const { vectors, alone, cut } = await run(
    async ({ minilm }, texts) => {
      globalThis.embedder = minilm();
      let cut;
      const all = await embedder.embed(texts, { onCut: (numbers) => (cut = numbers) });
      const [first] = await embedder.embed(texts.slice(0, 1));
      return { vectors: all.map((vector) => [...vector]), alone: [...first], cut };
    },
    golden.map(({ text }) => text),
  );
  assert.deepEqual(cut, [5]);
  for (const [i, { text, vector }] of golden.entries()) {
    assert.equal(vectors[i].length, 384);
    assert.ok(Math.abs(dot(vectors[i], vectors[i]) - 1) < 1e-5);
    assert.ok(dot(vectors[i], vector) > 0.985, `${text.slice(0, 30)}: ${dot(vectors[i], vector)}`);
  }
  // Eight bits are scaled by the whole batch: beside others a text comes out a little differently.
  assert.ok(dot(alone, vectors[0]) > 0.99, String(dot(alone, vectors[0])));
  assert.equal(page.workers().length, 1);
  assert.deepEqual(problems, []);
});

test('the light embedding is there without the transformer, and works alone', async () => {
  const { run, asked } = await open();
  const found = await run(async ({ embed, cosine }) => {
    const [dog, puppy, car, none] = await embed(['a dog', 'a puppy', 'a car', ''], { model: 'light' });
    return { near: cosine(dog, puppy), far: cosine(dog, car), none: [...none].every((x) => x === 0), size: dog.length };
  });
  assert.ok(found.near > found.far + 0.2, JSON.stringify(found));
  assert.equal(found.size, 128);
  assert.ok(found.none);
  assert.deepEqual(
    asked.filter((name) => /onnx|ort-|minilm-worker/.test(name)),
    [],
  );
});

test('files are fetched once, with progress in bytes, and answer without a network afterwards', async () => {
  const { run, asked, changed, page } = await open();
  const progress = await run(async ({ minilm }) => {
    const told = [];
    await minilm({ onProgress: (step) => told.push(step) }).embed(['hello']);
    return told;
  });
  for (const name of ['model.onnx', 'vocab.txt', 'ort-wasm-simd-threaded.wasm']) {
    const steps = progress.filter(({ file }) => file === name);
    assert.equal(steps.at(-1).loaded, steps.at(-1).total, name);
    for (const [i, step] of steps.entries()) assert.ok(i === 0 || step.loaded >= steps[i - 1].loaded);
  }
  assert.ok(progress.filter(({ file }) => file === 'model.onnx').length > 3);
  assert.equal(asked.filter((name) => name === 'model.onnx').length, 1);
  await untilKept(page, 3);
  for (const name of ['model.onnx', 'vocab.txt', 'ort-wasm-simd-threaded.wasm']) changed[name] = 404;
  await page.reload();
  const size = await run(async ({ embed }) => (await embed(['hello again']))[0].length);
  assert.equal(size, 384);
  assert.equal(asked.filter((name) => name === 'model.onnx').length, 1);
});

test('a file that is another one is refused with what to do, not kept, and used once it is right', async () => {
  const real = readFileSync(path.join(root, modelFolder, 'model.onnx'));
  const flipped = Buffer.from(real);
  flipped[12_000_000] ^= 1;
  const cases = [
    [404, /model\.onnx could not be fetched from .*HTTP 404/],
    [
      { body: '<!doctype html><title>app</title>', type: 'text/html' },
      /is not the model\.onnx of this package: it is a page of HTML/,
    ],
    [{ body: real.subarray(0, 1_000_000) }, /it has 1000000 bytes instead of 23504084/],
    [{ body: Buffer.concat([real, Buffer.from('x')]) }, /is larger than model\.onnx/],
    [{ body: flipped }, /its SHA-256 is another one/],
  ];
  const { run, changed, page } = await open();
  await run(({ minilm }) => {
    globalThis.embedder = minilm();
  });
  for (const [wrong, message] of cases) {
    changed['model.onnx'] = wrong;
    const told = await run((_, __, tell) => embedder.embed(['hello']).catch(tell));
    assert.equal(told.error, 'LoadError load-failed');
    assert.match(told.message, message);
  }
  const kept = () => page.evaluate(async () => (await (await caches.open('tierwise-models')).keys()).length);
  await untilKept(page, 1);
  assert.equal(await kept(), 1, 'the vocabulary alone');
  delete changed['model.onnx'];
  assert.equal(await run(async () => (await embedder.embed(['hello']))[0].length), 384);
  await untilKept(page, 3);
});

test('a light table, or a runtime, that is another one is not used, and is once it is right', async () => {
  const { run, changed, page } = await open();
  const files = {
    'light.bin': `${modelFolder}/light.bin`,
    'ort-wasm-simd-threaded.wasm': 'dist/ort-wasm-simd-threaded.wasm',
  };
  await run(({ light, minilm }) => {
    globalThis.both = { 'light.bin': light(), 'ort-wasm-simd-threaded.wasm': minilm() };
  });
  for (const [name, file] of Object.entries(files)) {
    const flipped = readFileSync(path.join(root, file));
    flipped[flipped.length >> 1] ^= 1;
    changed[name] = { body: flipped };
    const told = await run((_, name, tell) => globalThis.both[name].embed(['hello']).catch(tell), name);
    assert.equal(told.error, 'LoadError load-failed');
    assert.ok(told.message.includes(`is not the ${name} of this package: its SHA-256 is another one`), told.message);
    assert.equal(page.workers().length, 0);
    delete changed[name];
    assert.ok((await run(async (_, name) => (await globalThis.both[name].embed(['hello']))[0].length, name)) > 0);
  }
});

test('a kept file that was damaged is fetched again', async () => {
  const { run, asked, page } = await open();
  await run(async ({ embed }) => void (await embed(['hello'])));
  await untilKept(page, 3);
  await page.evaluate(async () => {
    const store = await caches.open('tierwise-models');
    for (const request of await store.keys()) {
      const bytes = new Uint8Array(await (await store.match(request)).arrayBuffer());
      bytes[bytes.length >> 1] ^= 4;
      await store.put(request, new Response(bytes));
    }
  });
  await page.reload();
  assert.equal(await run(async ({ embed }) => (await embed(['hello']))[0].length), 384);
  assert.equal(asked.filter((name) => name === 'model.onnx').length, 2);
});

test('a worker that dies in the middle of its work fails that work alone', async () => {
  const { run } = await open();
  const { told, ms, next } = await run(async ({ minilm }, _, tell) => {
    let made;
    const Own = Worker;
    globalThis.Worker = class extends Own {
      constructor(...given) {
        super(...given);
        made = this;
      }
    };
    const embedder = minilm();
    await embedder.embed(['hello']);
    const long = Array.from({ length: 64 }, (_, i) => `${i} the weather of the day and of the night `.repeat(25));
    const work = embedder.embed(long).catch(tell);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const from = performance.now();
    made.terminate();
    const told = await work;
    return { told, ms: performance.now() - from, next: (await embedder.embed(['hello']))[0].length };
  });
  assert.equal(told.error, 'TierwiseError embedding-failed');
  assert.match(told.message, /its worker was ended/);
  assert.ok(ms < 5000, String(ms));
  assert.equal(next, 384);
});

test('without workers, or where a policy forbids them, the page itself computes', async () => {
  const policy = csp.replace("worker-src 'self'", "worker-src 'none'");
  const { run, page } = await open({ policy });
  assert.equal(await run(async ({ embed }) => (await embed(['hello']))[0].length), 384);
  assert.equal(page.workers().length, 0);
});

/** Copies of the package's files in one folder, as docs/TROUBLESHOOTING.md says. */
function copies(at, names) {
  return Object.fromEntries(
    names.map((name) => [
      `${at}/${name}`,
      (_, response) => {
        const folder = /\.(js|wasm)$/.test(name) ? 'dist' : modelFolder;
        const type = name.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
        response.writeHead(200, { 'content-type': type, 'content-security-policy': csp });
        response.end(readFileSync(path.join(root, folder, name)));
      },
    ]),
  );
}

test('from a folder with copies everything comes, the worker too where the package lost it', async () => {
  const names = ['model.onnx', 'vocab.txt', 'light.bin', 'ort-wasm-simd-threaded.wasm', 'minilm-worker.js'];
  const { run, page, asked } = await open({
    changed: Object.fromEntries(names.map((name) => [name, 404])),
    more: copies('/copies', names),
  });
  const sizes = await run(async ({ embed, light }) => {
    const modelUrl = 'copies';
    const [one] = await light({ modelUrl }).embed(['hello']);
    const [two] = await embed(['hello'], { modelUrl });
    return [one.length, two.length];
  });
  assert.deepEqual(sizes, [128, 384]);
  assert.deepEqual(
    page.workers().map((worker) => new URL(worker.url()).pathname),
    ['/copies/minilm-worker.js'],
  );
  assert.deepEqual(
    asked.filter((name) => /onnx|ort-|vocab\.txt|light\.bin/.test(name)),
    [],
  );
});

const noWorkers = {
  'a lost worker': { body: '<html>', type: 'text/html' },
  'a worker that never says that it started': { body: '0', type: 'text/javascript' },
};
for (const [what, file] of Object.entries(noWorkers)) {
  test(`${what} leaves the work to the page, and is not asked for again`, async () => {
    const { run, page, asked } = await open({ changed: { 'minilm-worker.js': file } });
    const sizes = await run(async ({ minilm }) => {
      // Half a minute is waited for it.
      const own = setTimeout;
      globalThis.setTimeout = (then, ms, ...given) => own(then, ms === 30_000 ? 300 : ms, ...given);
      const embedder = minilm({ idleMs: 50 });
      const sizes = [];
      for (let i = 0; i < 2; i++) {
        sizes.push((await embedder.embed(['hello']))[0].length);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return sizes;
    });
    assert.deepEqual(sizes, [384, 384]);
    assert.equal(page.workers().length, 0);
    // Where the bundler has it, and beside the runtime, which is the same place here.
    assert.equal(asked.filter((name) => name === 'minilm-worker.js').length, 2);
  });
}

test('a lost vocabulary is replaced by its copy, but not where a folder was named', async () => {
  const { run } = await open({ changed: { 'vocab.txt': 404, 'light.bin': 404 } });
  const found = await run(async ({ light, tokenize }, _, tell) => {
    // Who asks while another looks in a wrong folder is not failed by that.
    const named = light({ modelUrl: 'nowhere' }).embed(['hello']).catch(tell);
    const { ids, tokens } = await tokenize('Tokenisierung naïve 日本');
    const lost = await light().embed(['hello']).catch(tell);
    return { named: await named, ids: [...ids], tokens, lost };
  });
  const { origin } = new URL(opened.page.url());
  assert.match(found.named.message, /^(vocab\.txt|light\.bin) could not be fetched from .*\/nowhere\//);
  assert.deepEqual(found.tokens, ['[CLS]', 'token', '##isi', '##er', '##ung', 'naive', '日', '本', '[SEP]']);
  assert.equal(found.ids.length, found.tokens.length);
  assert.equal(
    found.lost.message,
    `light.bin could not be fetched from ${origin}/pkg/${modelFolder}/light.bin: HTTP 404. ` +
      `Copy node_modules/tierwise/${modelFolder}/light.bin there, or set \`modelUrl\` to the folder that has it.`,
  );
});

test('a worker rests after a while without work, and comes back', async () => {
  const { run, page } = await open();
  await run(async ({ minilm }) => {
    globalThis.embedder = minilm({ idleMs: 50 });
    await embedder.embed(['hello']);
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  assert.equal(page.workers().length, 0);
  assert.equal(await run(async () => (await embedder.embed(['hello']))[0].length), 384);
});

test('what waits in the queue can be left, what is asked after the end is refused', async () => {
  const { run } = await open();
  const found = await run(async ({ minilm }, _, tell) => {
    const embedder = minilm();
    const controller = new AbortController();
    const first = embedder.embed(['first']);
    const second = embedder.embed(['second'], { signal: controller.signal }).catch(tell);
    controller.abort();
    const left = await second;
    const size = (await first)[0].length;
    const last = embedder.embed(['third']).catch(tell);
    embedder.close();
    return { left, size, closed: [await last, await embedder.embed(['fourth']).catch(tell)] };
  });
  assert.equal(found.left.error, 'AbortError aborted');
  assert.equal(found.size, 384);
  for (const { error } of found.closed) assert.match(error, /TierwiseError closed|AbortError/);
});

test('who waits for a batch when the embedder is closed is told at once', async () => {
  const { run } = await open();
  const { told, ms } = await run(async ({ minilm }, _, tell) => {
    const embedder = minilm();
    await embedder.embed(['hello']);
    const work = embedder.embed(['the weather of the day and of the night '.repeat(60)]).catch(tell);
    await new Promise((resolve) => setTimeout(resolve, 10));
    const from = performance.now();
    embedder.close();
    return { told: await work, ms: performance.now() - from };
  });
  assert.equal(told.error, 'TierwiseError closed');
  assert.ok(ms < 1000, String(ms));
});

test('a cross-origin isolated page may use threads', async () => {
  const { run, page } = await open({ headers: isolated });
  const [first] = await run(async ({ minilm }, text) => {
    const vectors = await minilm({ threads: 2 }).embed([text]);
    return vectors.map((vector) => [...vector]);
  }, golden[0].text);
  assert.ok(dot(first, golden[0].vector) > 0.985);
  assert.ok(page.workers().length >= 1);
});

test('a real Gradio function that gives a list of numbers is an embedder', { timeout: 120_000 }, async () => {
  const gradio = await startGradio('gradio6');
  try {
    const url = `${gradio.origin}/suite`;
    const { run } = await open({ policy: csp.replace("connect-src 'self'", `connect-src 'self' ${gradio.origin}`) });
    const found = await run(
      async (_, options, tell) => {
        const { spaceEmbedder } = await import('/pkg/dist/space-embedder.js');
        const vectors = await spaceEmbedder(options).embed(['banana', 'xy']);
        const wrong = await spaceEmbedder({ ...options, endpoint: '/echo' })
          .embed(['x'])
          .catch(tell);
        return { vectors: vectors.map((vector) => [...vector]), wrong };
      },
      { url, protocol: 'gradio', endpoint: '/vector', dimensions: 3 },
    );
    for (const [i, raw] of [
      [6, 3, 0.5],
      [2, 0, 0.5],
    ].entries()) {
      const length = Math.hypot(...raw);
      for (const [k, x] of found.vectors[i].entries()) assert.ok(Math.abs(x - raw[k] / length) < 1e-6);
    }
    assert.match(found.wrong.message, /must give a list of numbers/);
  } finally {
    await gradio.stop();
  }
});
