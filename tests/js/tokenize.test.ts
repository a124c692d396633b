/** `tokenize` of tierwise/light as shipped. That its tokens are those of BERT's tokenizer: tests/wordpiece. */
import { readFileSync } from 'node:fs';

import { afterEach, expect, jest, test } from '@jest/globals';

import { RequestError } from '../../dist/index.js';
import { tokenize } from '../../dist/light.js';

/** What the function must refuse is not what its type allows. */
const given = (...args: unknown[]) => tokenize(...(args as Parameters<typeof tokenize>));

afterEach(() => {
  jest.restoreAllMocks();
});

test('gives ids, tokens and where they stand', async () => {
  const { ids, tokens, offsets, cut } = await tokenize('Unaffable cafés 👍🏽 in 東京!');
  expect(tokens).toEqual('[CLS] una ##ffa ##ble cafes [UNK] in 東 京 ! [SEP]'.split(' '));
  expect(ids).toBeInstanceOf(Int32Array);
  const vocabulary = readFileSync(new URL('../../models/all-MiniLM-L6-v2/vocab.txt', import.meta.url), 'utf8').split(
    '\n',
  );
  expect([...ids].map((id) => vocabulary[id])).toEqual(tokens);
  expect(offsets.map(([begin, end]) => 'Unaffable cafés 👍🏽 in 東京!'.slice(begin, end))).toEqual([
    '',
    'Una',
    'ffa',
    'ble',
    'cafés',
    '👍🏽',
    'in',
    '東',
    '京',
    '!',
    '',
  ]);
  expect(cut).toBe(false);
});

test.each([
  ['', {}, '[CLS] [SEP]', false],
  ['', { special: false }, '', false],
  [' \n\t\u200b\u0301', {}, '[CLS] [SEP]', false],
  ['one two three', { special: false }, 'one two three', false],
  ['one two three', { maxTokens: 4 }, '[CLS] one two [SEP]', true],
  ['one two', { maxTokens: 4 }, '[CLS] one two [SEP]', false],
  ['one two three', { maxTokens: 2, special: false }, 'one two', true],
  ['שלום', { special: false }, 'ש ##ל ##ו ##ם', false],
])('%j with %j', async (text, options, tokens, cut) => {
  const answer = await tokenize(text, options);
  expect(answer.tokens).toEqual(tokens === '' ? [] : tokens.split(' '));
  expect(answer.ids).toHaveLength(answer.tokens.length);
  expect(answer.offsets).toHaveLength(answer.tokens.length);
  expect(answer.cut).toBe(cut);
});

test('lone surrogates are U+FFFD, which falls away, and move no place', async () => {
  for (const lone of ['\ud800', '\udc00', '\udfff\ud800']) {
    const text = `one${lone}two ${lone} three`;
    const { tokens, offsets } = await tokenize(text, { special: false });
    const same = await tokenize(text.replaceAll(/[\ud800-\udfff]/g, '\ufffd'), { special: false });
    expect({ tokens, offsets }).toEqual({ tokens: same.tokens, offsets: same.offsets });
    expect(offsets.at(-1)).toEqual([text.length - 5, text.length]);
  }
});

test('a megabyte, of words, of one word, of wide characters', async () => {
  const words = await tokenize('seventeen words '.repeat(65_536));
  expect(words.ids).toHaveLength(2 * 65_536 + 2);
  expect(words.offsets.at(-2)).toEqual([1_048_570, 1_048_575]);
  const one = await tokenize('a'.repeat(1 << 20));
  expect(one.tokens).toEqual(['[CLS]', '[UNK]', '[SEP]']);
  const wide = await tokenize('漢👍 '.repeat(1 << 18), { maxTokens: 256 });
  expect(wide.ids).toHaveLength(256);
  expect(wide.cut).toBe(true);
  const after = await tokenize('still here');
  expect(after.tokens).toEqual(['[CLS]', 'still', 'here', '[SEP]']);
});

test('answers are the caller’s: another call changes none', async () => {
  const [first, second] = await Promise.all([tokenize('one two'), tokenize('three four five')]);
  const kept = [...first.ids];
  await tokenize('x '.repeat(200_000));
  expect([...first.ids]).toEqual(kept);
  expect(second.tokens).toEqual(['[CLS]', 'three', 'four', 'five', '[SEP]']);
});

test.each([
  [[undefined], 'text'],
  [[null], 'text'],
  [[42], 'text'],
  [[['a']], 'text'],
  [[{ text: 'a' }], 'text'],
  [['a', null], 'options'],
  [['a', { maxTokens: 1 }], 'maxTokens'],
  [['a', { maxTokens: 2.5 }], 'maxTokens'],
  [['a', { maxTokens: '8' }], 'maxTokens'],
  [['a', { special: 1 }], 'special'],
  [['a', { maximum: 8 }], 'maximum'],
])('%j is refused, naming %s', async (args, field) => {
  const error: unknown = await given(...args).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RequestError);
  expect(error).toMatchObject({ code: 'invalid-input', field });
});

test('a text beyond 4 million units is too large', async () => {
  await expect(tokenize('a'.repeat((4 << 20) + 1))).rejects.toMatchObject({ code: 'too-large', field: 'text' });
});

test('a vocabulary that is damaged or lost is replaced by its copy', async () => {
  const fs = process.getBuiltinModule('node:fs');
  const whole = fs.readFileSync;
  const seen: string[] = [];
  for (const answer of [
    () => new TextEncoder().encode('<!doctype html>\n'),
    () => {
      throw new Error('ENOENT');
    },
  ]) {
    jest.spyOn(fs, 'readFileSync').mockImplementation(((file: unknown, ...more: unknown[]) => {
      if (!String(file).endsWith('vocab.txt')) return (whole as (...all: unknown[]) => unknown)(file, ...more);
      seen.push(String(file));
      return answer();
    }) as typeof whole);
    jest.resetModules();
    const fresh = (await import('../../dist/light.js')) as { tokenize: typeof tokenize };
    expect((await fresh.tokenize('a')).tokens).toEqual(['[CLS]', 'a', '[SEP]']);
    jest.restoreAllMocks();
  }
  expect(seen).toHaveLength(2);
});
