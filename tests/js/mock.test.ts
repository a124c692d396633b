/** The mock: says what it is, streams by the clock it is given, stops when told. */
import { expect, test } from '@jest/globals';

import { mock } from '../../js/transports/mock.ts';
import { FakeClock } from './fake-clock.ts';
import { ask, call } from './transport-bench.ts';

const run = async (config: Parameters<typeof mock>[0], text = 'What is up?') => {
  const clock = new FakeClock();
  const outcome = call(mock(config, clock), ask(text));
  await clock.advance(60_000);
  return outcome;
};

test('says that it is one, and repeats the question', async () => {
  const { result, shown } = await run({});
  expect(result).toMatchObject({ finish: 'stop', via: 'mock', model: 'mock' });
  expect(result?.text).toMatch(/mock.*What is up\?/);
  expect(shown).toBe(result?.text);
});

test.each([
  ['a text', 'One two  three\n', 'One two  three\n'],
  ['nothing', '', ''],
  ['a function', (prompt: string) => prompt.toUpperCase(), 'WHAT IS UP?'],
  ['characters of several units', '\u{1F600} caf\u00e9 \u65e5\u672c', '\u{1F600} caf\u00e9 \u65e5\u672c'],
])('replies with %s', async (_name, reply, expected) => {
  const { result, shown } = await run({ reply });
  expect([result?.text, shown]).toEqual([expected, expected]);
});

test('a function that fails is a failure', async () => {
  const { failure } = await run({
    reply: () => {
      throw new Error('no idea');
    },
  });
  expect(failure?.facts).toMatchObject({ kind: 'app', message: expect.stringContaining('no idea') });
});

test('one word each delay, and none after an abort', async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const words: string[] = [];
  const running = mock({ reply: 'a b c d', delayMs: 100 }, clock).call(ask(), {
    signal: controller.signal,
    onPart: ({ text }) => words.push(text),
    onStatus: () => undefined,
    onPrompt: () => undefined,
  });
  const ended = running.catch((error: unknown) => error);
  await clock.advance(250);
  expect(words).toEqual(['a', ' b']);
  controller.abort();
  expect(await ended).toMatchObject({ facts: { kind: 'abort' } });
  await clock.advance(1000);
  expect(words).toEqual(['a', ' b']);
  expect(clock.pending).toBe(0);
});
