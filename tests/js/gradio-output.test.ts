import { describe, expect, test } from '@jest/globals';

import type { GradioComponent } from '../../js/transports/gradio-config.js';
import { unquoted } from '../../js/transports/gradio-failure.js';
import { finalText, outputFiles, outputText, textOutput } from '../../js/transports/gradio-output.js';
import { GradioReply } from '../../js/transports/gradio-reply.js';
import { queueStatus } from '../../js/transports/gradio-status.js';
import { parsePythonJson } from '../../js/transports/json.js';
import type { TransportPart } from '../../js/transports/transport.js';
import type { Json, JsonObject } from '../../js/types.js';

const output = (type: string): GradioComponent => ({ id: 0, type, hidden: type === 'state', props: {} });
const base = 'https://a-b.hf.space/gradio_api';
const file = (more: JsonObject = {}): JsonObject => ({
  path: '/tmp/g/a b#1.png',
  meta: { _type: 'gradio.FileData' },
  ...more,
});
const user = (content: Json): JsonObject => ({ role: 'user', content });
const bot = (content: Json, more: JsonObject = {}): JsonObject => ({ role: 'assistant', content, ...more });

describe('text of an output', () => {
  test.each<[string, string, Json, string | undefined]>([
    ['text', 'textbox', 'hi', 'hi'],
    ['nothing', 'textbox', null, ''],
    ['Markdown', 'markdown', '# hi', '# hi'],
    ['a number', 'number', 5, '5'],
    ['true', 'checkbox', true, 'true'],
    ['a label', 'label', { label: 'good', confidences: [{ label: 'good', confidence: 0.9 }] }, 'good'],
    ['a label that is a number', 'label', { label: 7 }, '7'],
    ['marked text', 'highlightedtext', [{ token: 'a ', class_or_confidence: null }, ['b', 'x']], 'a b'],
    [
      'a table',
      'dataframe',
      {
        headers: ['a', 'b'],
        data: [
          [1, 'x|y'],
          [null, 'two\nlines'],
        ],
      },
      '| a | b |\n| --- | --- |\n| 1 | x\\|y |\n|  | two lines |',
    ],
    ['an update', 'textbox', { __type__: 'update', value: 'new' }, 'new'],
    ['an update of something else', 'textbox', { __type__: 'update', visible: false }, undefined],
    ['generated_text', 'json', { generated_text: 'hi', n: 1 }, 'hi'],
    ['a list of one generated_text', 'json', [{ generated_text: 'hi' }], 'hi'],
    ['generated messages', 'json', [{ generated_text: [user('q'), bot('hi')] }], 'hi'],
    ['an OpenAI reply', 'json', { id: 'x', choices: [{ index: 0, message: bot('hi') }] }, 'hi'],
    ['a nested reply', 'json', { output: { text: 'hi' } }, 'hi'],
    ['other JSON', 'json', { a: [1] }, '{"a":[1]}'],
    ['messages in JSON', 'json', [user('q'), bot('hi')], 'hi'],
    ['text in JSON', 'json', 'hi', 'hi'],
    [
      'pairs',
      'chatbot',
      [
        ['q', 'a'],
        ['r', 'b'],
      ],
      'b',
    ],
    [
      'a pair without answer',
      'chatbot',
      [
        ['q', 'a'],
        ['r', null],
      ],
      '',
    ],
    ['a pair with a file', 'chatbot', [['q', file()]], ''],
    ['messages', 'chatbot', [user('q'), bot('a'), user('r'), bot('b')], 'b'],
    [
      'messages of parts',
      'chatbot',
      [
        user('q'),
        bot([
          { type: 'text', text: 'a' },
          { type: 'file', file: file() },
          { type: 'text', text: 'b' },
        ]),
      ],
      'a\nb',
    ],
    ['the user spoke last', 'chatbot', [bot('a'), user('q')], ''],
    ['several answers', 'chatbot', [user('q'), bot('a'), bot('b')], 'a\n\nb'],
    [
      'thoughts aside',
      'chatbot',
      [user('q'), bot('thinking', { metadata: { title: 'Thought' } }), bot('b', { metadata: { title: null } })],
      'b',
    ],
    ['only thoughts', 'chatbot', [user('q'), bot('thinking', { metadata: { title: 'Thought' } })], 'thinking'],
    ['an empty chat', 'chatbot', [], ''],
    ['a component', 'chatbot', [user('q'), bot({ component: 'label', value: 'x' })], 'x'],
  ])('%s', (_, type, value, expected) => {
    expect(outputText(output(type), value)).toBe(expected);
  });

  test('nested deeper than anyone means', () => {
    let value: Json = 'end';
    for (let depth = 0; depth < 50; depth += 1) value = { output: value };
    expect(typeof outputText(output('json'), value)).toBe('string');
  });
});

describe('which output', () => {
  test.each<[string, string[], Json[], string | undefined]>([
    ['the chatbot before the cleared box', ['textbox', 'chatbot'], ['', [['q', 'a']]], 'a'],
    ['the first text', ['image', 'textbox', 'markdown'], [null, 'a', 'b'], 'a'],
    ['the next that has any', ['textbox', 'markdown'], ['', 'b'], 'b'],
    ['State is nobody’s', ['state', 'textbox'], ['x', 'a'], 'a'],
    ['a label after text', ['label', 'textbox'], [{ label: 'l' }, 'a'], 'a'],
    ['none', ['image'], [file()], undefined],
  ])('%s', (_, types, values, expected) => {
    expect(finalText(types.map(output), values)).toBe(expected);
  });
  test('while it streams, one is followed', () => {
    expect(textOutput(['textbox', 'chatbot'].map(output))).toBe(1);
    expect(textOutput([output('image')])).toBeUndefined();
  });
});

describe('files', () => {
  const path = '/tmp/g/a%20b%231.png';
  test.each<[string, Json, string[]]>([
    ['a path', file(), [`${base}/file=${path}`]],
    ['an address elsewhere, as it is', file({ url: 'https://cdn.example/x.png?y' }), ['https://cdn.example/x.png?y']],
    [
      'an address of the server',
      file({ url: `https://a-b.hf.space/gradio_api/file=/tmp/g/a b%231.png` }),
      [`${base}/file=${path}`],
    ],
    [
      '4.44’s wrong address of its own file',
      file({ url: `https://a-b.hf.space/c/file=/tmp/g/a b%231.png` }),
      [`${base}/file=${path}`],
    ],
    [
      'a relative address',
      { path: 'x', url: '/gradio_api/file=y', meta: null },
      ['https://a-b.hf.space/gradio_api/file=y'],
    ],
    ['a remote path', { path: 'https://cdn.example/x.png', url: null }, ['https://cdn.example/x.png']],
    ['a picture inside', file({ url: 'data:image/svg+xml,%3Csvg/%3E' }), ['data:image/svg+xml,%3Csvg/%3E']],
    ['a page inside is none', file({ url: 'data:text/html,<script>' }), []],
    ['a script is none', file({ url: 'javascript:alert(1)' }), []],
    ['Gradio 3', { name: '/tmp/a.png', is_file: true, data: null }, [`${base}/file=/tmp/a.png`]],
    [
      'a gallery',
      [
        { image: file(), caption: null },
        { image: file({ path: '/tmp/2.png' }), caption: 'x' },
      ],
      [`${base}/file=${path}`, `${base}/file=/tmp/2.png`],
    ],
    ['a video', { video: file(), subtitles: null }, [`${base}/file=${path}`]],
    ['in a chat', [user('q'), bot([{ type: 'file', file: file(), alt_text: null }])], [`${base}/file=${path}`]],
    ['the same twice', [file(), file()], [`${base}/file=${path}`]],
    ['in an update', { __type__: 'update', value: file() }, [`${base}/file=${path}`]],
    ['no file', { path: 'x' }, []],
    ['empty', { path: '', url: '', meta: { _type: 'gradio.FileData' } }, []],
  ])('%s', (_, value, expected) => {
    expect(outputFiles([output('image')], [value], base).map(({ url }) => url)).toEqual(expected);
  });
  test('name, type and size', () => {
    const value = file({ orig_name: 'b.png', mime_type: 'image/png', size: 7 });
    expect(outputFiles([output('image')], [value], base)).toEqual([
      { url: `${base}/file=${path}`, name: 'b.png', mimeType: 'image/png', size: 7 },
    ]);
    expect(outputFiles([output('state')], [value], base)).toEqual([]);
  });
});

describe('a reply that grows', () => {
  type Step = ['whole' | 'edits' | 'finish', Json[]];
  test.each<[string, string[], Step[], TransportPart[]]>([
    [
      'appends',
      ['textbox'],
      [
        ['whole', ['a']],
        ['edits', [[['append', [], 'b']]]],
        ['finish', ['ab']],
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    ],
    [
      'is rewritten',
      ['textbox'],
      [
        ['whole', ['a']],
        ['edits', [[['replace', [], 'x']]]],
        ['finish', ['xy']],
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'replace', text: 'x' },
        { type: 'text', text: 'y' },
      ],
    ],
    [
      'grows inside a chat',
      ['chatbot'],
      [
        ['whole', [[['q', 'a']]]],
        ['edits', [[['append', [0, 1], 'b']]]],
        ['finish', [[['q', 'ab']]]],
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    ],
    [
      'no change',
      ['textbox'],
      [
        ['whole', ['a']],
        ['edits', [[]]],
        ['edits', [[['append', [], '']]]],
        ['finish', ['a']],
      ],
      [{ type: 'text', text: 'a' }],
    ],
    [
      'the final word wins',
      ['textbox'],
      [
        ['whole', ['a']],
        ['finish', ['b']],
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'replace', text: 'b' },
      ],
    ],
    [
      'a wrong diff waits for the final word',
      ['textbox'],
      [
        ['whole', ['a']],
        ['edits', [[['delete', [3], null]]]],
        ['edits', [[['append', [], 'b']]]],
        ['finish', ['abc']],
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'bc' },
      ],
    ],
    [
      'edits of another output',
      ['textbox', 'json'],
      [
        ['whole', ['a', {}]],
        ['edits', [[], [['add', ['k'], 1]]]],
        ['finish', ['a', { k: 1 }]],
      ],
      [{ type: 'text', text: 'a' }],
    ],
    [
      'an output first told later',
      ['textbox'],
      [
        ['whole', [null]],
        ['edits', [[['replace', [], 'a']]]],
        ['finish', ['a']],
      ],
      [{ type: 'text', text: 'a' }],
    ],
    [
      'edits without a beginning count as whole',
      ['textbox'],
      [
        ['edits', ['a']],
        ['finish', ['a']],
      ],
      [{ type: 'text', text: 'a' }],
    ],
    [
      'skipped at the end keeps what is shown',
      ['textbox'],
      [
        ['whole', ['a']],
        ['finish', [{ __type__: 'update' }]],
      ],
      [{ type: 'text', text: 'a' }],
    ],
    [
      'grows inside an update',
      ['textbox'],
      [
        ['whole', [{ __type__: 'update', value: 'a' }]],
        ['edits', [[['append', ['value'], 'b']]]],
        ['finish', [{ __type__: 'update', value: 'ab' }]],
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    ],
  ])('%s', (_, types, steps, expected) => {
    const parts: TransportPart[] = [];
    const reply = new GradioReply(types.map(output), (part) => parts.push(part));
    let final = '';
    for (const [step, values] of structuredClone(steps)) {
      if (step === 'finish') final = reply.finish(values, base).text;
      else reply[step](values);
    }
    expect(parts).toEqual(expected);
    expect(parts.reduce((text, part) => (part.type === 'text' ? text + part.text : part.text), '')).toBe(final);
  });
});

describe('statuses', () => {
  test.each<[JsonObject, string | undefined]>([
    [{ msg: 'estimation', rank: 0, queue_size: 1, rank_eta: null }, 'Next in the Space’s queue.'],
    [{ msg: 'estimation', rank: 1, rank_eta: 12.4 }, '1 request ahead in the Space’s queue, about 12 s.'],
    [{ msg: 'estimation', rank: 4, rank_eta: 600 }, '4 requests ahead in the Space’s queue, about 10 min.'],
    [{ msg: 'estimation' }, 'Waiting in the Space’s queue.'],
    [{ msg: 'process_starts', eta: 3.2 }, 'The Space is working on it, about 3 s.'],
    [{ msg: 'process_starts', eta: null }, 'The Space is working on it.'],
    [
      { msg: 'progress', progress_data: [{ index: 3, length: 20, unit: 'steps', progress: null, desc: 'denoise' }] },
      'denoise: 3 of 20 steps.',
    ],
    [
      { msg: 'progress', progress_data: [{ index: null, length: null, unit: 'steps', progress: 0.456, desc: null }] },
      '46 %.',
    ],
    [
      {
        msg: 'progress',
        progress_data: [
          { index: 1, length: 2, unit: 'files' },
          { index: 5, length: null, unit: 'steps' },
          { desc: 'x' },
        ],
      },
      '5 steps.',
    ],
    [{ msg: 'progress', progress_data: [{ index: null, progress: null, desc: 'Loading' }] }, 'Loading.'],
    [{ msg: 'progress', progress_data: [] }, undefined],
    [{ msg: 'progress' }, undefined],
    [{ msg: 'log', log: 'careful', level: 'warning' }, 'The Space warns: careful'],
    [{ msg: 'log', log: 'done', level: 'info' }, 'The Space says: done'],
    [{ msg: 'log', log: '' }, undefined],
    [{ msg: 'heartbeat' }, undefined],
  ])('%j', (message, expected) => {
    expect(queueStatus(message)?.message).toBe(expected);
  });
});

describe('text of Python', () => {
  test.each([
    ["'Nope: bad input'", 'Nope: bad input'],
    [`"it's"`, "it's"],
    [String.raw`'it\'s "x"\nnext \\ \x41 \u00e9 \U0001f600'`, 'it\'s "x"\nnext \\ A é 😀'],
    ["'a' and 'b'", "'a' and 'b'"],
    ['plain', 'plain'],
    ["'", "'"],
    ["''", ''],
    [String.raw`'ends with a backslash \\'`, 'ends with a backslash \\'],
    [String.raw`'\U00ffffff'`, String.raw`\U00ffffff`],
  ])('%s', (quoted, expected) => {
    expect(unquoted(quoted)).toBe(expected);
  });

  test.each<[string, Json]>([
    ['[NaN, Infinity, -Infinity, 1]', [null, null, null, 1]],
    ['{"a": NaN, "b": "NaN and \\"Infinity"}', { a: null, b: 'NaN and "Infinity' }],
    ['["NaN"]', ['NaN']],
    ['-Infinity', null],
  ])('JSON %s', (text, expected) => {
    expect(parsePythonJson(text)).toEqual(expected);
  });
  test('other broken JSON stays broken', () => {
    expect(() => parsePythonJson('[1,')).toThrow(SyntaxError);
    expect(() => parsePythonJson('[NaN,')).toThrow(SyntaxError);
    expect(() => parsePythonJson('NaNny')).toThrow(SyntaxError);
  });
});
