/** TGI 2 and 3: chat where the model has a template, else its own streams; its CORS rules; its errors. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { tgi } from '../../js/transports/tgi.ts';
import { reply, startModelServer } from '../servers/model-servers.mjs';
import { ask, benchContext, call } from './transport-bench.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});
const start = async (kind: 'tgi2' | 'tgi3', options: object = {}) => {
  const server = await startModelServer(kind, options);
  open.push(server);
  return server;
};
/** As a page of another origin sees a server that allows `content-type` alone: other headers fail before they are sent. */
const pageFetch = (async (url: string, init: RequestInit) => {
  const headers = new Headers(init.headers);
  for (const name of headers.keys())
    if (!['accept', 'content-type'].includes(name)) throw new TypeError('Failed to fetch');
  return fetch(url, init);
}) as typeof fetch;

test.each([
  ['tgi3', {}, undefined, 'chat completions', ['/v1/chat/completions']],
  ['tgi2', {}, undefined, 'chat completions', ['/v1/chat/completions']],
  ['tgi3', { template: false }, undefined, '/generate_stream', ['/v1/chat/completions', '/generate_stream']],
  ['tgi2', { template: false }, undefined, '/generate_stream', ['/v1/chat/completions', '/generate_stream']],
  ['tgi2', { chat: false }, undefined, '/generate_stream', ['/v1/chat/completions', '/generate_stream']],
  [
    'tgi2',
    { chat: false, stream: false },
    undefined,
    '/generate',
    ['/v1/chat/completions', '/generate_stream', '/generate'],
  ],
  ['tgi3', {}, '/generate_stream', '/generate_stream', ['/generate_stream']],
  ['tgi3', {}, '/generate', '/generate', ['/generate']],
] as const)('%s %j, endpoint %s: over %s', async (kind, options, endpoint, via, paths) => {
  const { origin, requests } = await start(kind, options);
  const connection = tgi(await benchContext({ base: origin, ...(endpoint && { endpoint }) }));
  const first = await call(connection);
  expect(first.failure).toBeUndefined();
  expect(first.shown).toBe(reply);
  expect(first.result).toMatchObject({ text: reply, finish: 'stop', via });
  const second = await call(connection);
  expect(second.result?.text).toBe(reply);
  expect(requests.map(({ path }) => path)).toEqual([...paths, paths.at(-1)]);
});

test('what /generate_stream is sent', async () => {
  const { origin, requests } = await start('tgi3');
  const connection = tgi(await benchContext({ base: origin, endpoint: '/generate_stream' }));
  const { result } = await call(
    connection,
    ask('Hi', { system: 'Be brief.', temperature: 0, topP: 1, seed: 3, stop: ['X'], extra: { top_k: 5 } }),
  );
  expect(result).toMatchObject({ text: reply, usage: { input: 7, output: 8 } });
  expect(requests[0].json).toEqual({
    inputs: 'Be brief.\n\nUser: Hi\n\nAssistant:',
    parameters: { max_new_tokens: 64, seed: 3, stop: ['X'], return_full_text: false, details: true, top_k: 5 },
  });
});

describe('in a page, where only content-type passes', () => {
  test('calls without a token go through', async () => {
    const { origin } = await start('tgi3');
    expect((await call(tgi(await benchContext({ base: origin, fetch: pageFetch })))).result?.text).toBe(reply);
  });

  test('a token that is refused by CORS is left away once the server is seen to be there', async () => {
    const { origin, requests } = await start('tgi3');
    const connection = tgi(await benchContext({ base: origin, fetch: pageFetch, token: 'hf_abcdefgh' }));
    expect((await call(connection)).result?.text).toBe(reply);
    expect((await call(connection)).result?.text).toBe(reply);
    expect(requests.map(({ path }) => path)).toEqual(['/info', '/v1/chat/completions', '/v1/chat/completions']);
  });

  test('a build without chat whose 404 cannot be read', async () => {
    const { origin, requests } = await start('tgi2', { chat: false });
    const unreadable = (async (url: string, init: RequestInit) => {
      const response = await fetch(url, init);
      if (response.status === 404) throw new TypeError('Failed to fetch');
      return response;
    }) as typeof fetch;
    expect((await call(tgi(await benchContext({ base: origin, fetch: unreadable })))).result?.text).toBe(reply);
    expect(requests.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/info', '/generate_stream']);
  });

  test('a server that is gone is a network failure, not tried in every way', async () => {
    const { origin, close } = await startModelServer('tgi3');
    await close();
    expect((await call(tgi(await benchContext({ base: origin, token: 'hf_abcdefgh' })))).failure?.facts.kind).toBe(
      'network',
    );
  });
});

test.each([
  ['chat', {}, undefined],
  ['/generate_stream', { template: false }, undefined],
])('an error inside the %s stream', async (_way, options) => {
  const { origin } = await start('tgi3', { ...options, failAfter: 2 });
  const { failure, shown } = await call(tgi(await benchContext({ base: origin })));
  expect(failure?.facts.kind).toBe('app');
  expect(reply.startsWith(shown)).toBe(true);
});

test.each([
  [401, '', {}],
  [
    424,
    '{"error":"Request failed during generation: out of memory","error_type":"generation"}',
    { 'content-type': 'application/json' },
  ],
  [429, '{"error":"Model is overloaded","error_type":"overloaded"}', { 'content-type': 'application/json' }],
  [
    422,
    'Failed to deserialize the JSON body into the target type: missing field `messages` at line 1 column 144',
    { 'content-type': 'text/plain' },
  ],
])('HTTP %i passes as facts after one call', async (status, body, headers) => {
  let calls = 0;
  const given = (async () => (
    (calls += 1),
    new Response(body, { status, headers: headers as HeadersInit })
  )) as typeof fetch;
  const { failure } = await call(tgi(await benchContext({ base: 'https://tgi.test', fetch: given })));
  expect(failure?.facts).toMatchObject({ kind: 'http', status, body });
  expect(calls).toBe(1);
});
