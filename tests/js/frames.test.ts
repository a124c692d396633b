/** Server-sent events and lines of JSON: the rules of the standard, and the same frames however the text is cut. */
import { describe, expect, test } from '@jest/globals';

import { events, type Frame, jsonLines } from '../../js/frames.ts';

function framesOf(make: typeof events, parts: readonly string[]): Frame[] {
  const heard: Frame[] = [];
  const feed = make((frame) => heard.push(frame));
  for (const part of parts) feed.push(part);
  feed.end();
  return heard;
}
const one = (data: string, event?: string): Frame => ({ event, data });

const cases: [string, string, Frame[]][] = [
  ['data', 'data: a\n\n', [one('a')]],
  ['no space after the colon', 'data:a\n\n', [one('a')]],
  ['one space is dropped, the others stay', 'data:  a \n\n', [one(' a ')]],
  ['several lines of data', 'data: a\ndata\ndata: b\n\n', [one('a\n\nb')]],
  ['an empty line of data', 'data\n\n', [one('')]],
  ['a name', 'event: done\ndata: a\n\n', [one('a', 'done')]],
  ['a name holds for one event', 'event: x\ndata: a\n\ndata: b\n\n', [one('a', 'x'), one('b')]],
  ['the last name counts', 'event: x\nevent\ndata: a\n\n', [one('a')]],
  ['a name without data is nothing', 'event: ping\n\n', []],
  ['an error without data is one', 'event: error\n\n', [one('', 'error')]],
  ['a field named error', 'error: {"code":1}\n\n', [one('{"code":1}', 'error')]],
  ['comments, ids, times and unknown fields', ': hi\nid: 1\nretry: 10\nfoo: bar\nx\ndata: a\n\n', [one('a')]],
  ['blank lines', '\n\n\ndata: a\n\n\n\ndata: b\n\n', [one('a'), one('b')]],
  ['no blank line at the end', 'data: a\n\ndata: b', [one('a'), one('b')]],
  ['CR', 'event: x\rdata: a\r\rdata: b\r\r', [one('a', 'x'), one('b')]],
  ['CR LF', 'event: x\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', [one('a\nb', 'x'), one('c')]],
  ['all of them', 'data: a\r\n\ndata: b\r\r\ndata: c\n\r\n', [one('a'), one('b'), one('c')]],
  ['other line separators are text', 'data: a\u2028b\u0085c\u000b\n\n', [one('a\u2028b\u0085c\u000b')]],
  ['a colon in the value', 'data: a: b\n\n', [one('a: b')]],
  ['a field is not its beginning', 'dat: a\ndatas: b\nDATA: c\n\n', []],
  ['nothing', '', []],
];

describe('server-sent events', () => {
  test.each(cases)('%s', (_, text, expected) => {
    expect(framesOf(events, [text])).toEqual(expected);
  });

  test.each(cases)('%s: the same cut anywhere', (_, text, expected) => {
    expect(framesOf(events, [...text])).toEqual(expected);
    for (let a = 0; a <= text.length; a++)
      for (let b = a; b <= text.length; b++)
        expect(framesOf(events, [text.slice(0, a), text.slice(a, b), '', text.slice(b)])).toEqual(expected);
  });
});

test('lines of JSON', () => {
  const text = '{"a":1}\n\n \r\n{"b":2}\r{"c":3}';
  const expected = [one('{"a":1}'), one('{"b":2}'), one('{"c":3}')];
  expect(framesOf(jsonLines, [text])).toEqual(expected);
  expect(framesOf(jsonLines, [...text])).toEqual(expected);
});
