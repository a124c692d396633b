/** The plain contract of the user guide: what is sent to the letter, and every way it may be answered. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { plain } from '../../js/transports/plain.ts';
import { transcript } from '../../js/transports/transcript.ts';
import type { Message } from '../../js/types.ts';
import { reply, startModelServer } from '../servers/model-servers.mjs';
import { ask, benchContext, call } from './transport-bench.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});
const start = async (options: object) => {
  const server = await startModelServer('plain', options);
  open.push(server);
  return server;
};

test.each([
  ['{generated_text}', { format: 'json' }],
  ['a list of it', { format: 'array' }],
  ['a stream of tokens', { format: 'sse' }],
  ['a stream of bare texts', { format: 'sse-text' }],
  ['lines of JSON', { format: 'ndjson' }],
  ['lines that repeat the text so far', { format: 'ndjson-cumulative' }],
  ['the prompt in front of the answer', { format: 'json', echo: true }],
])('answered by %s', async (_name, options) => {
  const { origin } = await start(options);
  const { result, failure, shown } = await call(plain(await benchContext({ base: origin })));
  expect(failure).toBeUndefined();
  expect(shown).toBe(reply);
  expect(result).toMatchObject({ text: reply, via: '/api/generate' });
});

test('streams word by word where the server streams', async () => {
  const { origin } = await start({ format: 'sse' });
  const { parts } = await call(plain(await benchContext({ base: origin })));
  expect(parts.length).toBeGreaterThan(5);
});

test('a short prompt at the beginning of a reply stays', async () => {
  const { origin } = await start({ format: 'json', echo: true });
  expect((await call(plain(await benchContext({ base: origin })), ask('Hello'))).result?.text).toBe(`Hello${reply}`);
});

test.each([
  [undefined, '/api/generate'],
  ['/v1/generate', '/v1/generate'],
  ['v1/generate', '/v1/generate'],
])('endpoint %s is %s, and the body is the contract', async (endpoint, path) => {
  const { origin, requests } = await start({ path });
  await call(
    plain(await benchContext({ base: origin, ...(endpoint && { endpoint }) })),
    ask('Your prompt text here', { maxTokens: 100, temperature: 0.7 }),
  );
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({
    method: 'POST',
    path,
    json: { inputs: 'Your prompt text here', parameters: { max_new_tokens: 100, temperature: 0.7 } },
  });
  expect(Object.keys(requests[0].json)).toEqual(['inputs', 'parameters']);
  expect(Object.keys(requests[0].json.parameters)).toEqual(['max_new_tokens', 'temperature']);
});

test('further parameters are sent beside them', async () => {
  const { origin, requests } = await start({});
  await call(
    plain(await benchContext({ base: origin })),
    ask('Hi', { topP: 0.5, seed: 1, stop: ['x'], extra: { top_k: 3 } }),
  );
  expect(requests[0].json.parameters).toEqual({
    max_new_tokens: 64,
    temperature: 0.7,
    top_p: 0.5,
    seed: 1,
    stop: ['x'],
    top_k: 3,
  });
});

test.each([
  ['an error in HTTP 200', { format: 'error' }, { kind: 'app', message: 'The model is not loaded.' }],
  ['no such route', { path: '/elsewhere' }, { kind: 'http', status: 404 }],
])('%s is a failure', async (_name, options, facts) => {
  const { origin } = await start(options);
  expect((await call(plain(await benchContext({ base: origin })))).failure?.facts).toMatchObject(facts);
});

describe('transcript', () => {
  const user = (content: string): Message => ({ role: 'user', content });
  test.each<[string, Message[], string]>([
    ['one question as it is', [user('Hi')], 'Hi'],
    [
      'with a system text',
      [{ role: 'system', content: 'Be brief.' }, user('Hi')],
      'Be brief.\n\nUser: Hi\n\nAssistant:',
    ],
    [
      'with history',
      [user('Hi'), { role: 'assistant', content: 'Hello.' }, user('Who?')],
      'User: Hi\n\nAssistant: Hello.\n\nUser: Who?\n\nAssistant:',
    ],
    [
      'a later system text',
      [user('Hi'), { role: 'system', content: 'Now in French.' }],
      'User: Hi\n\nSystem: Now in French.\n\nAssistant:',
    ],
    ['nothing', [], '\n\nAssistant:'],
  ])('%s', (_name, messages, expected) => {
    expect(transcript(messages)).toBe(expected);
  });
});
