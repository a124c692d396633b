/** Embeddings in Node with the real model; a client's embedder; wrong input; the files as they were committed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { createClient, type Warning } from '../../dist/index.js';
import { cosine, embed, type Embedder, light, minilm, searchDocuments } from '../../dist/minilm.js';

const root = new URL('../../', import.meta.url);
const { rows } = JSON.parse(readFileSync(new URL('tests/fixtures/minilm.json', root), 'utf8')) as {
  rows: { text: string; vector: number[] }[];
};
const files = ['models/all-MiniLM-L6-v2/', 'models/guard/'].flatMap((from) => {
  const provenance = JSON.parse(readFileSync(new URL(`${from}provenance.json`, root), 'utf8')) as {
    files: Record<string, { bytes: number; sha256: string }>;
  };
  return Object.entries(provenance.files).map(([name, file]) => [name, from, file] as const);
});

test('every file has a provenance', () => {
  expect(files.map(([name]) => name).sort()).toEqual(
    'judge.bin light.bin model.onnx ort-wasm-simd-threaded.wasm vocab.txt words.bin'.split(' '),
  );
});

test.each(files)('%s of %s is the file that was committed', (name, from, { bytes, sha256 }) => {
  const runtime = name === 'ort-wasm-simd-threaded.wasm';
  const data = readFileSync(new URL(runtime ? `dist/${name}` : `${from}${name}`, root));
  expect(data.length).toBe(bytes);
  expect(createHash('sha256').update(data).digest('hex')).toBe(sha256);
  expect(bytes).toBeLessThan(25 << 20);
});

test('MiniLM gives what the float32 model gives, within what eight bits take', async () => {
  const embedder = minilm();
  for (const { text, vector } of rows) {
    const [found] = await embedder.embed([text]);
    expect(found!.length).toBe(384);
    expect(cosine(found!, Float32Array.from(vector))).toBeGreaterThan(0.985);
  }
  embedder.close();
  await expect(embedder.embed(['x'])).rejects.toMatchObject({ code: 'closed' });
}, 60_000);

test.each([
  ['nothing', ''],
  ['white space', '   \n'],
  ['emoji', '👩‍👩‍👧‍👦🇩🇪'],
  ['Arabic', 'مرحبا بالعالم'],
  ['a lone surrogate', '\ud800 lone'],
  ['a word of a million letters', 'x'.repeat(1 << 20)],
  ['NUL', '\0'],
])(
  'of %s both models make a vector of length 1 or 0, and no error',
  async (_, text) => {
    for (const model of ['light', 'minilm'] as const) {
      const cut: number[] = [];
      const [vector] = await embed([text], { model, onCut: (numbers) => cut.push(...numbers) });
      const length = Math.hypot(...vector!);
      expect(length === 0 || Math.abs(length - 1) < 1e-5).toBe(true);
      // The long word is one unknown token.
      expect(cut).toEqual([]);
    }
  },
  30_000,
);

test('of nothing nothing is made, and nothing is loaded for it', async () => {
  const nowhere = { fetch: () => Promise.reject(new Error('no network')), modelUrl: 'https://nowhere.example/' };
  await expect(minilm(nowhere).embed([])).resolves.toEqual([]);
});

test.each([
  [undefined, 'texts'],
  ['text', 'texts'],
  [['a', 7], 'texts[1]'],
  [[null], 'texts[0]'],
])('texts %j are refused by name', async (texts, field) => {
  for (const embedder of [light(), minilm()]) {
    await expect(embedder.embed(texts as string[])).rejects.toMatchObject({ name: 'RequestError', field });
  }
});

test('an unknown model is refused', async () => {
  await expect(embed(['a'], { model: 'other' as 'light' })).rejects.toMatchObject({ field: 'model' });
});

test('a modelUrl where nothing is says what to do', async () => {
  const fetch = () => Promise.resolve(new Response('<html>', { status: 404 }));
  const embedder = minilm({ modelUrl: 'https://example.com/models', fetch });
  await expect(embedder.embed(['a'])).rejects.toMatchObject({
    name: 'LoadError',
    message: expect.stringMatching(/could not be fetched from https:\/\/example\.com\/models\/\S+: HTTP 404/) as string,
  });
});

describe('a client', () => {
  const own: Embedder = {
    id: 'own/1',
    dimensions: 2,
    embed: (texts, { onCut } = {}) => {
      if (texts.length === 3) onCut?.([0, 2]);
      return Promise.resolve(texts.map((text) => Float32Array.of(text === 'x' ? 1 : 0.6, text === 'x' ? 0 : 0.8)));
    },
    close: () => undefined,
  };

  test('embeds with what it was given, and tells of texts that were cut', async () => {
    const client = createClient({ embedder: own });
    const warnings: Warning[] = [];
    client.on('warning', (warning) => warnings.push(warning));
    expect(await client.embed(['x'])).toEqual([Float32Array.of(1, 0)]);
    expect(await client.similarity('x', 'y')).toBeCloseTo(0.6);
    expect(warnings).toEqual([]);
    await client.embed(['a', 'b', 'c']);
    expect(warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'text-cut: 2 texts were longer than the embedding model reads: the rest was left out.',
    ]);
    client.close();
    await expect(client.embed(['x'])).rejects.toMatchObject({ code: 'closed' });
  });

  test('without an embedder says how to get one', async () => {
    await expect(createClient().embed(['x'])).rejects.toMatchObject({
      code: 'no-embedder',
      message: expect.stringContaining('minilm()') as string,
    });
  });

  test('refuses what is no embedder', () => {
    for (const embedder of [null, 'minilm', {}, { embed: () => undefined }]) {
      expect(() => createClient({ embedder: embedder as unknown as Embedder })).toThrow(/embedder/);
    }
  });

  test('finds documents by meaning, as they were given', async () => {
    const client = createClient({ embedder: minilm() });
    const documents = [
      { title: 'Shipping', text: 'Parcels arrive within three working days.' },
      { title: 'Refunds', text: 'Money is given back within two weeks after we received the goods.' },
      { title: 'Opening hours', text: 'The shop is open from nine to six on weekdays.' },
    ];
    const search = await client.search(documents);
    const [first, ...more] = await search.find('When do I get my money back?', { k: 2 });
    expect(first!.document).toBe(documents[1]);
    expect(first!.number).toBe(1);
    expect(more).toHaveLength(1);
    expect(first!.score).toBeGreaterThan(more[0]!.score);
    expect(await search.add([{ title: 'Vouchers', text: 'Gift vouchers never expire.' }])).toEqual([3]);
    expect((await search.find('how long can I use a gift card', { k: 1 }))[0]!.document.title).toBe('Vouchers');
    expect([search.remove(3), search.remove(3), search.size]).toEqual([true, false, 3]);
    expect(await search.find('how long can I use a gift card', { minScore: 0.9 })).toEqual([]);
    search.close();
    await expect(search.find('x')).rejects.toMatchObject({ code: 'closed' });
    client.close();
  }, 30_000);

  test.each([
    ['text', 'documents'],
    [[{ title: 'x' }], 'documents[0]'],
    [['x', null], 'documents[1]'],
  ])('documents %j are refused by name', async (documents, field) => {
    const client = createClient({ embedder: light() });
    await expect(client.search(documents as string[])).rejects.toMatchObject({ name: 'RequestError', field });
    client.close();
  });

  test('a search refuses what is no query, and finds nothing for no word', async () => {
    const search = await searchDocuments(light(), ['a dog', '', 'a car'], {});
    expect(search.size).toBe(2);
    expect((await search.find('a puppy')).map(({ number }) => number)).toEqual([0, 2]);
    expect(await search.find('')).toEqual([]);
    await expect(search.find(7 as unknown as string)).rejects.toMatchObject({ field: 'query' });
    await expect(search.find('x', { k: 0 })).rejects.toMatchObject({ field: 'k' });
    search.close();
  });

  test('has the real model', async () => {
    const client = createClient({ embedder: minilm() });
    expect(await client.similarity('Wie wird das Wetter?', 'Wie wird das Wetter?')).toBeCloseTo(1, 3);
    const near = await client.similarity('How do I reset my password?', 'I forgot my password, what now?');
    const far = await client.similarity('How do I reset my password?', 'A recipe for apple pie');
    expect(near).toBeGreaterThan(far + 0.3);
    client.close();
  });
});
