import { describe, expect, test } from '@jest/globals';

import { appendedText, applyDiff, DiffError } from '../../js/transports/gradio-diff.js';
import type { Json } from '../../js/types.js';

// The first eight are those of gradio/client/js/src/test/apply_diff.test.ts and the table in its stream.ts.
const golden: [string, Json, Json, Json][] = [
  [
    'replace and two deletes',
    ['a', 'b', 'c'],
    [
      ['replace', [0], 'd'],
      ['delete', [1], null],
      ['delete', [1], null],
    ],
    ['d'],
  ],
  [
    'delete all',
    [1, 2],
    [
      ['delete', [0], null],
      ['delete', [0], null],
    ],
    [],
  ],
  ['replace the root', 'old', [['replace', [], 'new']], 'new'],
  ['replace the root of null', null, [['replace', [], ['x']]], ['x']],
  ['append to the root', 'Hel', [['append', [], 'lo']], 'Hello'],
  ['append at an index', ['a', 'b'], [['append', [1], 'c']], ['a', 'bc']],
  ['append at a key', { text: 'a' }, [['append', ['text'], 'b']], { text: 'ab' }],
  ['add inserts', ['a', 'c'], [['add', [1], 'b']], ['a', 'b', 'c']],
  ['add at the end', ['a'], [['add', [1], 'b']], ['a', 'b']],
  ['add a key', { a: 1 }, [['add', ['b'], 2]], { a: 1, b: 2 }],
  ['replace at a key', { a: 1 }, [['replace', ['a'], null]], { a: null }],
  ['delete a key', { a: 1, b: 2 }, [['delete', ['a'], null]], { b: 2 }],
  ['no change', 'same', [], 'same'],
  ['an edit without value', ['a', 'b'], [['delete', [0]]], ['b']],
  ['nested', [['q', 'an']], [['append', [0, 1], 'swer']], [['q', 'answer']]],
  [
    'messages',
    [{ role: 'assistant', content: [{ type: 'text', text: 'a' }] }],
    [['append', [0, 'content', 0, 'text'], '😀']],
    [{ role: 'assistant', content: [{ type: 'text', text: 'a😀' }] }],
  ],
  [
    'a list of edits in order',
    { list: [] },
    [
      ['add', ['list', 0], { n: 'x' }],
      ['append', ['list', 0, 'n'], 'y'],
    ],
    { list: [{ n: 'xy' }] },
  ],
  ['a number as key of an object', { '1': 'a' }, [['append', [1], 'b']], { '1': 'ab' }],
];

test.each(golden)('%s', (_, target, edits, expected) => {
  expect(applyDiff(structuredClone(target), edits)).toEqual(expected);
});

const refused: [string, Json, Json][] = [
  ['edits that are no list', 'a', 'b'],
  ['an edit that is no list', 'a', ['append']],
  ['no path', 'a', [['append', 'x', 'b']]],
  ['add to the root', 'a', [['add', [], 'b']]],
  ['delete the root', 'a', [['delete', [], null]]],
  ['append to a list', ['a'], [['append', [], ['b']]]],
  ['append to null', null, [['append', [], 'b']]],
  ['an index past the end', ['a'], [['replace', [1], 'b']]],
  ['delete past the end (4.44 sends such)', ['a'], [['delete', [1], null]]],
  ['a negative index', ['a'], [['delete', [-1], null]]],
  ['a fractional index', ['a'], [['replace', [0.5], 'b']]],
  ['a key of a list', ['a'], [['replace', ['length'], 0]]],
  ['a path through text', 'abc', [['replace', [0], 'b']]],
  ['a missing step', { a: {} }, [['replace', ['b', 'c'], 1]]],
  ['an inherited step', {}, [['replace', ['constructor', 'prototype'], 1]]],
  ['a prototype', {}, [['replace', ['__proto__', 'polluted'], 1]]],
  ['a prototype as key', {}, [['replace', ['__proto__'], { polluted: 1 }]]],
  ['an unknown action', ['a'], [['swap', [0], 'b']]],
];

test.each(refused)('refused: %s', (_, target, edits) => {
  expect(() => applyDiff(structuredClone(target), edits)).toThrow(DiffError);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

describe('appendedText', () => {
  test.each<[Json, string | undefined]>([
    [[['append', [], 'x']], 'x'],
    [[['append', [], '']], ''],
    [[['append', [0], 'x']], undefined],
    [[['replace', [], 'x']], undefined],
    [
      [
        ['append', [], 'x'],
        ['append', [], 'y'],
      ],
      undefined,
    ],
    [[], undefined],
    ['append', undefined],
  ])('%j -> %j', (edits, expected) => {
    expect(appendedText(edits)).toBe(expected);
  });
});
