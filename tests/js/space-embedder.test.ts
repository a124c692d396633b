/** Embeddings of servers: what TEI and OpenAI-compatible ones are sent and answer; answers that are no vectors. */
import { spaceEmbedder } from '../../dist/space-embedder.js';

interface Call {
  url: string;
  body: unknown;
  authorization: string | null;
}

function server(answer: (call: Call) => unknown, status = 200) {
  const calls: Call[] = [];
  const fetch = (url: string | URL | Request, init?: RequestInit) => {
    if (init?.body === undefined) return Promise.resolve(new Response(''));
    const authorization = new Headers(init.headers).get('authorization');
    const call = { url: String(url as string), body: JSON.parse(init.body as string) as unknown, authorization };
    calls.push(call);
    const answered = answer(call);
    const body = typeof answered === 'string' ? answered : JSON.stringify(answered);
    return Promise.resolve(new Response(body, { status, headers: { 'content-type': 'application/json' } }));
  };
  return { fetch: fetch as typeof globalThis.fetch, calls };
}

const url = 'http://127.0.0.1:9';

test('TEI is asked in batches, its vectors are made to length 1', async () => {
  const { fetch, calls } = server(({ body }) => (body as { inputs: string[] }).inputs.map((text) => [text.length, 0]));
  const embedder = spaceEmbedder({ url, dimensions: 2, batch: 2, fetch, token: () => 'secret' });
  expect(await embedder.embed(['a', 'bb', 'ccc'])).toEqual([1, 1, 1].map((x) => Float32Array.of(x, 0)));
  expect(calls).toEqual([
    {
      url: `${url}/embed`,
      body: { inputs: ['a', 'bb'], truncate: true, normalize: true },
      authorization: 'Bearer secret',
    },
    { url: `${url}/embed`, body: { inputs: ['ccc'], truncate: true, normalize: true }, authorization: 'Bearer secret' },
  ]);
  expect(embedder.dimensions).toBe(2);
});

test('an OpenAI-compatible server may answer in any order', async () => {
  const data = [
    { index: 1, embedding: [0, 2] },
    { index: 0, embedding: [3, 4] },
  ];
  const { fetch, calls } = server(() => ({ object: 'list', data }));
  const embedder = spaceEmbedder({ url, protocol: 'openai', model: 'small', dimensions: 2, fetch });
  expect(await embedder.embed(['x', 'y'])).toEqual([Float32Array.of(0.6, 0.8), Float32Array.of(0, 1)]);
  expect(calls[0]).toMatchObject({
    url: `${url}/v1/embeddings`,
    body: { input: ['x', 'y'], model: 'small', encoding_format: 'float' },
  });
});

test.each([
  ['too few vectors', [[1, 0]], 200, /2 texts with something else/],
  ['no list', { error: 'x' }, 200, /something else than as many vectors/],
  ['another size', [[1], [2]], 200, /gave 1 numbers where `dimensions` says 2/],
  [
    'no numbers',
    [
      ['a', 'b'],
      [1, 0],
    ],
    200,
    /what is no number/,
  ],
  ['no JSON', '<html>', 200, /did not answer with JSON/],
  ['an error', { error: 'Model is overloaded', error_type: 'Overloaded' }, 429, /HTTP 429/],
])('%s is an error that says so', async (_, answer, status, message) => {
  const { fetch } = server(() => answer, status);
  const embedding = spaceEmbedder({ url, dimensions: 2, fetch }).embed(['a', 'b']);
  await expect(embedding).rejects.toMatchObject({
    code: 'embedding-failed',
    message: expect.stringMatching(message) as string,
  });
});

test('the token is in no error', async () => {
  const token = 'hf_abcdefghijklmnopqrstuvwxyz012345';
  const { fetch } = server(() => ({ error: `Bad token ${token}` }), 401);
  const failure = (await spaceEmbedder({ url, dimensions: 2, fetch, token })
    .embed(['a'])
    .catch((error: unknown) => error)) as Error;
  expect(JSON.stringify([failure, failure.message, failure.cause, failure.stack])).not.toContain(token);
});

test('a caller may leave, and what was closed is refused', async () => {
  const never = (_: unknown, init?: RequestInit) =>
    new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal!.reason as Error));
    });
  const embedder = spaceEmbedder({ url, dimensions: 2, fetch: never as typeof fetch });
  const controller = new AbortController();
  const left = embedder.embed(['a'], { signal: controller.signal });
  controller.abort();
  await expect(left).rejects.toMatchObject({ name: 'AbortError' });
  const open = embedder.embed(['b']);
  embedder.close();
  await expect(open).rejects.toMatchObject({ code: 'closed' });
  await expect(embedder.embed(['c'])).rejects.toMatchObject({ code: 'closed' });
});

test('a server that does not answer in time is left', async () => {
  const never = (_: unknown, init?: RequestInit) =>
    new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal!.reason as Error));
    });
  const embedder = spaceEmbedder({ url, dimensions: 2, timeout: 50, fetch: never as typeof fetch });
  await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'embedding-failed' });
});

test.each([
  [{ url: 'ftp://x', dimensions: 2 }, /url/],
  [{ url, dimensions: 0 }, /dimensions/],
  [{ url }, /dimensions/],
  [{ url, dimensions: 2, protocol: 'grpc' }, /protocol/],
  [{ url, dimensions: 2, batch: 0 }, /batch/],
  [{ url, dimensions: 2, tokens: 1 }, /tokens/],
])('%j is refused by name', (options, message) => {
  expect(() => spaceEmbedder(options as Parameters<typeof spaceEmbedder>[0])).toThrow(message);
});

test('documents are found by its vectors', async () => {
  const { fetch } = server(({ body }) =>
    (body as { inputs: string[] }).inputs.map((text) => [text.length, text.startsWith('x') ? 9 : 0]),
  );
  const search = await spaceEmbedder({ url, dimensions: 2, fetch }).search!(['ab', 'xy']);
  expect((await search.find('x', { k: 1 }))[0]).toMatchObject({ document: 'xy', number: 1 });
  search.close();
});
