/**
 * renderChatTemplate of the built package: real templates against what real Jinja2 gives, texts left in JavaScript
 * against texts sent, errors, wrong arguments, limits.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from '@jest/globals';

import { AbortedError, renderChatTemplate, RequestError, TemplateError } from '../../dist/index.js';
import { crossings } from './crossings.ts';
import { random } from './random.ts';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const read = <T>(path: string): T => JSON.parse(readFileSync(at(path), 'utf8')) as T;
type Variables = Record<string, unknown>;

const now = 1753531200000;
/** Speaks of all that a message is, so that every variable is read. */
const irregular = (template: string) => `{{ '' if true else messages }}${template}`;
/** A short text with a noncharacter of placeholders in it: then every text is sent. */
const sent = (variables: Variables): Variables => ({ ...variables, sent_: '\ufdd2' });
const long = 'A text that is long enough to be left in JavaScript, where it is put into the prompt.';

async function failure(run: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await run;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`It gave ${JSON.stringify(value).slice(0, 200)}`);
}

describe('what real Jinja2 gives', () => {
  const { conversations, families } = read<{
    conversations: Record<string, Variables>;
    families: Record<string, Record<string, string | { error: string }>>;
  }>('tests/jinja/families.golden.json');
  const ours = read<{ families: Record<string, { template: string; bos: string; eos: string }> }>(
    'models/templates.json',
  ).families;

  test.each(Object.keys(families))('our templates: %s', async (name) => {
    const { template, bos, eos } = ours[name]!;
    for (const [title, expected] of Object.entries(families[name]!)) {
      const variables = { bos_token: bos, eos_token: eos, ...conversations[title]! };
      for (const given of [variables, sent(variables)]) {
        const made = renderChatTemplate(template, given, { now });
        if (typeof expected === 'string') expect([title, await made]).toEqual([title, expected]);
        else expect(await failure(made)).toBeInstanceOf(TemplateError);
      }
    }
  });

  const folder = at('../shared/fixtures/chat-templates');
  const python = spawnSync(
    'python3',
    ['-c', 'import json, conversations; print(json.dumps(conversations.CONVERSATIONS))'],
    { cwd: at('tests/jinja'), encoding: 'utf8', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
  );
  if (!existsSync(folder)) console.log(`Skipped: there are no chat templates at ${folder}.`);
  else if (python.status !== 0)
    console.log('Skipped: real templates; python3, which has the conversations, is not here.');
  else {
    const all = JSON.parse(python.stdout) as Record<string, Variables>;
    const goldens = read<{
      now: number;
      templates: Record<
        string,
        { sha256: string; results: Record<string, string | { error: string } | { sha256: string; length: number }> }
      >;
    }>('tests/jinja/goldens.json');
    test.each(Object.keys(goldens.templates))('%s', async (file) => {
      const source = readFileSync(`${folder}/${file}`, 'utf8');
      for (const [title, expected] of Object.entries(goldens.templates[file]!.results)) {
        for (const variables of [all[title]!, sent(all[title]!)]) {
          const made = renderChatTemplate(source, variables, { now: goldens.now });
          if (typeof expected === 'string') expect([title, await made]).toEqual([title, expected]);
          else if ('error' in expected) expect(await failure(made)).toBeInstanceOf(TemplateError);
          else {
            const text = await made;
            expect([title, [...text].length, createHash('sha256').update(text).digest('hex')]).toEqual([
              title,
              expected.length,
              expected.sha256,
            ]);
          }
        }
      }
    });
  }
});

describe('texts left in JavaScript come out as texts that are sent', () => {
  const conversation = {
    first: { content: `\u3000\x1c ${long}\ufeff \x85\n` },
    messages: [
      { role: 'user', content: `  ${long}\n` },
      { role: 'assistant', content: `${long} ü 日本 🕒` },
      { role: 'user', content: `  ${long}\n` },
      { role: 'user', content: [{ type: 'text', text: `${long} In a part. ` }] },
    ],
  };
  test.each([
    "{% for m in messages %}{{ m.role ~ ': ' ~ m.content }}{% endfor %}",
    '{% for m in messages %}{% if m.content is string %}[{{ m.content | trim }}|{{ m.content.lstrip() }}|{{ m.content.rstrip() }}]{% endif %}{% endfor %}',
    '[{{ first.content | trim }}|{{ first.content.lstrip() }}|{{ first.content.rstrip() }}]',
    "{{ ('  ' ~ messages[0].content ~ messages[1].content ~ ' ') | trim }}",
    '{{ messages[3].content[0].text.strip() }}{{ messages[3].content[0].text | length }}',
    "{{ messages[0].content.startswith('  A') }}{{ messages[0].content.endswith('x') }}{{ 'long' in messages[0].content }}",
    '{% for m in messages %}{{ loop.previtem is defined and loop.previtem.content == m.content }},{% endfor %}',
    '{{ messages[0].content == messages[2].content }}{{ messages[0].content == messages[1].content }}',
    '{{ (messages[0].content | trim) == (messages[2].content | trim) }}{{ messages[0].content in [messages[1].content] }}',
    '{{ messages | tojson }}{{ messages[0].content | upper }}{{ messages[1].content[::-1] }}',
    "{{ messages[:3] | map(attribute='content') | unique | list | length }}",
    "{{ '\\ufdd0' ~ 0 ~ '\\ufdd9' }}{{ '\ufdd3x\ufdd4' }}{{ '\\ufdd1' }}7\ufdd4{{ messages[0].content }}\ufdd499\ufdd4",
    '{% set ns = namespace(all="") %}{% for m in messages[:3] %}{% set ns.all = ns.all + m.content %}{% endfor %}{{ ns.all | trim }}',
  ])('%s', async (template) => {
    const whole = await renderChatTemplate(irregular(template), sent(conversation));
    // The second time the template is known to look in, or not.
    for (let i = 0; i < 3; i++) expect(await renderChatTemplate(template, conversation)).toBe(whole);
  });

  test('stripped as Python strips', async () => {
    expect(await renderChatTemplate('[{{ first.content | trim }}]', conversation)).toBe(`[${long}\ufeff]`);
  });

  test('for random conversations and templates', async () => {
    const { below, pick } = random(7);
    const ends = ['', ' ', '\n', '\t ', '\u00a0', '\x1f', '\u2003\u3000', '\ufeff', '\ud800', '🕒'];
    const middles = [
      long,
      'short',
      '',
      'é'.repeat(40),
      'x'.repeat(31),
      ' '.repeat(100),
      `${long}\ufdd00\ufdd4`,
      '\udc00'.repeat(40),
      `${long}\0`,
    ];
    const text = () => pick(ends) + pick(middles) + pick(['', '', pick(middles)]) + pick(ends);
    const uses = [
      'm.content',
      'm.content|trim',
      'm.content.rstrip()',
      "m.content|default('x', true)",
      '(m.content ~ m.role)|trim',
      'm.content.lstrip() + m.content',
      "m.content if m.content == 'short' else m.role",
      "m.content if 'x' in m.content else ''",
      'm.content|length',
      'm.content|tojson',
      'm.content == messages[0].content',
    ];
    for (let round = 0; round < 1500; round++) {
      const messages = Array.from({ length: 1 + below(6) }, () => ({
        role: pick(['user', 'assistant']),
        content: text(),
      }));
      const template = `{% for m in messages %}<{{ ${pick(uses)} }}>{{ ${pick(uses)} }}{% endfor %}`;
      const [left, whole] = [
        await renderChatTemplate(template, { messages }),
        await renderChatTemplate(irregular(template), sent({ messages })),
      ];
      expect({ template, messages, text: left }).toEqual({ template, messages, text: whole });
      expect(left.isWellFormed()).toBe(true);
    }
  });

  test('a noncharacter in a short text cannot bring in another text', async () => {
    const messages = [{ content: long }, { content: '\ufdd00\ufdd4' }, { content: `${long}\ufdd01\ufdd4` }];
    const whole = `${long}|\ufdd00\ufdd4|${long}\ufdd01\ufdd4`;
    expect(await renderChatTemplate("{{ messages | join('|', attribute='content') }}", { messages })).toBe(whole);
    const named = { messages: [{ content: long }], '\ufdd00\ufdd4': 1 };
    expect(
      await renderChatTemplate('{{ messages[0].content }}{% for k in names %}{{ k }}{% endfor %}', {
        ...named,
        names: { '\ufdd00\ufdd4': 1 },
      }),
    ).toBe(`${long}\ufdd00\ufdd4`);
  });

  test('their sum is bounded as well', async () => {
    const messages = [{ content: 'é'.repeat(100) }];
    const render = (maxOutputBytes: number) =>
      renderChatTemplate('{{ messages[0].content }}\n{{ messages[0].content }}', { messages }, { maxOutputBytes });
    expect(await render(401)).toHaveLength(201);
    for (const most of [400, 150])
      expect(await failure(render(most))).toMatchObject({ name: 'TemplateError', line: most === 400 ? 2 : 1 });
    const endless = '{% for i in range(100000) %}{{ messages[0].content }}{% endfor %}';
    expect(await failure(renderChatTemplate(endless, { messages: [{ content: long.repeat(100) }] }))).toBeInstanceOf(
      TemplateError,
    );
  });

  test('1 MB contents', async () => {
    const content = `${'0123456789'.repeat(100_000)} `;
    const messages = [{ content }, { content }];
    expect(await renderChatTemplate('{% for m in messages %}{{ m.content | trim }}{% endfor %}', { messages })).toBe(
      content.trim().repeat(2),
    );
    expect(await renderChatTemplate('{% for m in messages %}{{ m.content | length }},{% endfor %}', { messages })).toBe(
      '1000001,1000001,',
    );
  });
});

describe('a render that differs from earlier ones in its left texts only', () => {
  // Not regular: those are in message-plans.test.ts.
  const template = "{% set all = messages %}{% for m in all %}{{ m.role ~ ': ' ~ m.content | trim }};{% endfor %}";
  const messages = (...texts: string[]) =>
    texts.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'model', content }));
  const crosses = async (run: () => Promise<unknown>) => {
    const before = crossings.count;
    await run();
    return crossings.count > before;
  };
  const learn = async (source: string, variables: Variables, options = {}) => {
    for (let i = 0; i < 2; i++) await renderChatTemplate(source, variables, options);
  };

  test('does not cross', async () => {
    await learn(template, { messages: messages(long, long) });
    const others = [` ${long}é\n`, `\ud800${long}\udc00`];
    let text = '';
    expect(
      await crosses(async () => (text = await renderChatTemplate(template, { messages: messages(...others) }))),
    ).toBe(false);
    expect(text).toBe(`user: ${long}é;model: \ufffd${long}\ufffd;`);
  });

  test.each<[string, Variables, object]>([
    ['a role', { messages: [{ role: 'me', content: long }] }, {}],
    ['another key', { messages: [{ role: 'user', content: long, id: 1 }] }, {}],
    ['another order of keys', { messages: [{ content: long, role: 'user' }] }, {}],
    ['a number instead of text', { messages: [{ role: 'user', content: long }], n: 7 }, {}],
    ['a list instead of members', { messages: [['role', 'user', 'content', long]], n: '7' }, {}],
    ['no text', { messages: [{ role: 'user', content: '' }], n: '7' }, {}],
    ['a long text of white space', { messages: [{ role: 'user', content: ' '.repeat(100) }], n: '7' }, {}],
    ['one message more', { messages: messages(long, long), n: '7' }, {}],
    ['steps', { messages: messages(long), n: '7' }, { maxSteps: 999 }],
    ['bytes', { messages: messages(long), n: '7' }, { maxOutputBytes: 999 }],
  ])('crosses for %s', async (_, variables, options) => {
    const same = { messages: messages(long), n: '7' };
    await learn(template, same);
    expect(await crosses(() => renderChatTemplate(template, same))).toBe(false);
    let text = '';
    expect(await crosses(async () => (text = await renderChatTemplate(template, variables, options)))).toBe(true);
    expect(text).toBe(await renderChatTemplate(template, sent(variables)));
  });

  test('is given the time it asks for', async () => {
    const timed = "{{ strftime_now('%H:%M') }} {{ messages[0].content }}";
    const variables = { messages: messages(long) };
    await learn(timed, variables, { now });
    expect(await crosses(() => renderChatTemplate(timed, variables, { now }))).toBe(false);
    expect(await renderChatTemplate(timed, variables, { now: now + 60_000 })).toBe(`12:01 ${long}`);
  });

  test('is no larger than maxOutputBytes', async () => {
    const most = { maxOutputBytes: 200 };
    await learn(template, { messages: messages(long) }, most);
    const error = await failure(renderChatTemplate(template, { messages: messages('é'.repeat(100)) }, most));
    expect(error).toMatchObject({ name: 'TemplateError', message: 'The rendered text is too large.' });
    expect(await renderChatTemplate(template, { messages: messages(long) }, most)).toBe(`user: ${long};`);
  });

  test('a member that is not the same twice', async () => {
    let count = 0;
    const changing = {
      messages: messages(long),
      get n() {
        return (count += 1);
      },
    };
    for (let i = 1; i < 6; i++)
      expect(await renderChatTemplate('{{ n }}{{ messages[0].content }}', changing)).toBe(`${String(i)}${long}`);
    expect(await renderChatTemplate('{{ n }}{{ messages[0].content }}', { messages: messages(long), n: 3 })).toBe(
      `3${long}`,
    );
  });

  test('of more shapes than are kept, and large ones', async () => {
    const render = async (size: number) => {
      const texts = Array.from({ length: size }, (_, i) => `${long}${String(i)}`);
      expect(await renderChatTemplate(template, { messages: messages(...texts) })).toBe(
        texts.map((text, i) => `${i % 2 === 0 ? 'user' : 'model'}: ${text};`).join(''),
      );
    };
    for (const size of [...Array(100).keys(), 3000, 20_000]) for (let i = 0; i < 3; i++) await render(size);
    expect(await crosses(() => render(20_000))).toBe(true);
    expect(await crosses(() => render(99))).toBe(false);
    expect(await crosses(() => render(10))).toBe(true);
  });

  test('gives the same as all texts sent, at random', async () => {
    const { below, pick } = random(11);
    const uses = [
      'm.content',
      'm.content|trim',
      'm.content.lstrip()',
      "(m.content ~ ' ' ~ m.role)|trim",
      "m.content == 'short' or m.content",
      "m.content|length if m.role == 'tool'",
      "raise_exception('no ' ~ m.role) if m.role == 'other' else m.name",
    ];
    const texts = [
      long,
      ` ${long}`,
      `${long}\n`,
      `\udc00${long} 🕒\ud83d`,
      'é'.repeat(64),
      ' '.repeat(80),
      `${long}\ufdd00\ufdd4`,
    ];
    const outcome = (run: Promise<string>) => run.catch((error: unknown) => String(error));
    let hits = 0;
    for (let round = 0; round < 300; round++) {
      const source = `{% for m in messages[0:] %}<{{ ${pick(uses)} }}>{{ ${pick(uses)} }}{% endfor %}`;
      const shape = Array.from({ length: 1 + below(4) }, () => ({
        role: pick(['user', 'user', 'assistant', 'tool', 'other']),
        isShort: below(5) === 0,
        name: pick([{}, {}, { name: 'Zoë' }, { name: '\ufdd1' }]),
      }));
      for (let i = 0; i < 5; i++) {
        const given = {
          messages: shape.map(({ role, isShort, name }) => ({
            role,
            content: isShort ? 'short' : pick(texts),
            ...name,
          })),
        };
        const before = crossings.count;
        const text = await outcome(renderChatTemplate(source, given));
        if (crossings.count === before) hits += 1;
        expect({ source, given, text }).toEqual({
          source,
          given,
          text: await outcome(renderChatTemplate(source, sent(given))),
        });
      }
    }
    expect(hits).toBeGreaterThan(100);
  });
});

describe('errors', () => {
  test.each([
    ['{% if %}', 1, 7, 'Expected an expression, found %}.'],
    ['{{ messages[0].role.name.first }}', 1, 25, 'name is undefined: it has no first.'],
    ['line\n  {{ text|nosuch }}', 2, 11, 'There is no filter named nosuch.'],
    ["é🕒{{ 'a' + 1 }}", 1, 10, 'A str and a int cannot be added.'],
    ["{% include 'head' %}", 1, 4, 'The tag include is not known or not supported here.'],
    ["{{ raise_exception('Roles must alternate') }}", 1, 19, 'Roles must alternate'],
    ['{{ messages[0].content + raise_exception(messages[0].content) }}', 1, 41, long],
  ])('%s', async (template, line, column, message) => {
    const error = await failure(renderChatTemplate(template, { messages: [{ role: 'user', content: long }] }));
    expect(error).toBeInstanceOf(TemplateError);
    expect(error).toMatchObject({
      code: expect.stringMatching(/^template-(error|refused)$/),
      line,
      column,
      message,
      details: { line, column },
    });
  });

  const circle: Variables = { a: 1 };
  circle['self'] = { deep: [circle] };
  const deep: Variables = {};
  for (let i = 0, inner = deep; i < 200; i++) inner = inner['x'] = {};
  const whole = [{ content: 'x' }];
  test.each<[string, unknown, unknown, unknown, string | undefined]>([
    ['no template', undefined, {}, {}, 'template'],
    ['a template of another type', 7, {}, {}, 'template'],
    ['no variables', 'x', undefined, {}, 'variables'],
    ['variables null', 'x', null, {}, 'variables'],
    ['variables in a list', 'x', [], {}, 'variables'],
    ['a text as variables', 'x', 'x', {}, 'variables'],
    ['a function', 'x', { messages: [{ content: 'x' }, { content: () => 1 }] }, {}, 'variables.messages[1].content'],
    ['a symbol', 'x', { a: { b: Symbol('x') } }, {}, 'variables.a.b'],
    ['a BigInt', 'x', { a: [[1n]] }, {}, 'variables.a[0][0]'],
    ['NaN', 'x', { a: NaN }, {}, 'variables.a'],
    ['infinity', 'x', { messages: whole, a: [1, -Infinity] }, {}, 'variables.a[1]'],
    ['a circle', 'x', { circle }, {}, 'variables.circle'],
    ['too deep', 'x', deep, {}, 'variables'],
    ['too many values', 'x', { a: Array(1_000_001).fill(1) }, {}, 'variables'],
    ['options that are null', 'x', {}, null, 'options'],
    ['time of another type', 'x', {}, { now: 'today' }, 'now'],
    ['time that is none', 'x', {}, { now: new Date(NaN) }, 'now'],
    ['no steps', 'x', {}, { maxSteps: 0 }, 'maxSteps'],
    ['half a step', 'x', {}, { maxSteps: 1.5 }, 'maxSteps'],
    ['steps without end', 'x', {}, { maxSteps: Infinity }, 'maxSteps'],
    ['steps as text', 'x', {}, { maxSteps: '5' }, 'maxSteps'],
    ['bytes below 0', 'x', {}, { maxOutputBytes: -1 }, 'maxOutputBytes'],
    ['variables of 9 MiB', 'x', { a: 'x'.repeat(9 << 20) }, {}, 'variables'],
  ])('%s', async (_, template, variables, options, field) => {
    const error = await failure(renderChatTemplate(template as string, variables as Variables, options as object));
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ field });
    if ((error as RequestError).code === 'invalid-input') expect(error.message).toContain(field);
  });

  test("a getter's own error comes out as it is, and the next call works", async () => {
    const mine = new Error('mine');
    const throwing = {
      get a(): never {
        throw mine;
      },
    };
    expect(await failure(renderChatTemplate('x', throwing))).toBe(mine);
    expect(await renderChatTemplate('{{ a }}', { a: 1 })).toBe('1');
  });
});

describe('variables as JSON has them', () => {
  const every = Array.from({ length: 0x900 }, (_, i) => String.fromCharCode(i));
  test.each<[string, Variables, string, string]>([
    [
      'undefined is left out, in a list it is none',
      { a: undefined, b: [undefined] },
      '{{ a is defined }}{{ b }}',
      'False[None]',
    ],
    [
      'dates and toJSON',
      { d: new Date(0), t: { toJSON: (key: string) => `as ${key}` }, u: { toJSON: () => undefined } },
      '{{ d }} {{ t }} {{ u is defined }}',
      '1970-01-01T00:00:00.000Z as t False',
    ],
    ['boxed values', { a: Object('x'), b: Object(1), c: Object(false) }, '{{ a }}{{ b }}{{ c }}', 'x1False'],
    ['numbers', { a: [0, -0, 1, 1.5, 1e21, -1e-7, 1e19] }, '{{ a }}', '[0, 0, 1, 1.5, 1e+21, -1e-07, 1e+19]'],
    ['order of keys', { a: { b: 1, a: 2, 10: 3, 2: 4 } }, "{{ a.keys() | join(',') }}", '2,10,b,a'],
    ['escapes', { a: '"\\\n\0é🕒\u2028', '"k\\': 1 }, '{{ a }}', '"\\\n\0é🕒\u2028'],
    ['letters one by one', { a: every }, '{{ a | join }}', every.join('')],
    [
      'lone surrogates',
      { a: 'x\ud800y', b: [{ content: `\udc00${long}\ud83d` }, { content: `\udd52${long}` }] },
      '{{ a }}{{ b[0].content ~ b[1].content }}',
      `x\ufffdy\ufffd${long}\ufffd\ufffd${long}`,
    ],
    ['NUL', { a: '\0', content: `${long}\0` }, '{{ a }}{{ content }}', `\0${long}\0`],
    ['no prototype', { a: Object.assign(Object.create(null) as object, { b: 1 }) }, '{{ a.b }}', '1'],
    ['only own members', { a: Object.create({ b: 1 }) as object }, '{{ a }}', '{}'],
    [
      'wrong roles, no content',
      { messages: [{ role: 7 }, {}] },
      '{% for m in messages %}{{ m.role }}{{ m.content }};{% endfor %}',
      '7;;',
    ],
  ])('%s', async (_, variables, template, expected) => {
    for (const given of [variables, sent(variables)]) expect(await renderChatTemplate(template, given)).toBe(expected);
  });

  test('a NUL and a lone surrogate in the template', async () => {
    expect(await renderChatTemplate('a\0b\ud800{{ 1 }}', {})).toBe('a\0b\ufffd1');
  });

  test('the time is given, or the present', async () => {
    const template = "{{ strftime_now('%Y-%m-%d %H:%M') }}";
    for (const time of [now, new Date(now)])
      expect(await renderChatTemplate(template, {}, { now: time })).toBe('2025-07-26 12:00');
    expect(await renderChatTemplate("{{ strftime_now('%Y') }}", {})).toBe(String(new Date().getUTCFullYear()));
  });
});

describe('limits', () => {
  test.each([
    ['an endless loop', '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}'],
    ['a giant text', "{{ 'a' * 10**9 }}"],
    ['100,000 brackets', `{{ ${'('.repeat(100_000)} }}`],
    ['recursion', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
    [
      'a text that doubles',
      "{% set ns = namespace(a='aaaaaaaa') %}{% for i in range(99) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
    ],
  ])('%s', async (_, template) => {
    const error = await failure(renderChatTemplate(template, {}));
    expect(error).toBeInstanceOf(TemplateError);
    expect(await renderChatTemplate('{{ 1 + 1 }}', {})).toBe('2');
  });

  test.each([
    ['letters', 'x'.repeat(40 << 20)],
    ['bytes', 'é'.repeat(1 << 20)],
  ])('a template of too many %s', async (_, template) => {
    const error = await failure(renderChatTemplate(template, {}));
    expect(error).toMatchObject({ name: 'RequestError', code: 'too-large', field: 'template' });
  });

  test('maxSteps and maxOutputBytes', async () => {
    const template = '{% for i in range(1000) %}x{% endfor %}';
    expect(await renderChatTemplate(template, {}, { maxOutputBytes: 1000 })).toHaveLength(1000);
    expect(await failure(renderChatTemplate(template, {}, { maxOutputBytes: 999 }))).toBeInstanceOf(TemplateError);
    expect(await failure(renderChatTemplate(template, {}, { maxSteps: 500 }))).toBeInstanceOf(TemplateError);
  });
});

test('many at once, of more templates than the core keeps', async () => {
  const all = await Promise.all(
    Array.from({ length: 400 }, async (_, i) => {
      await Promise.resolve();
      return renderChatTemplate(`{{ n }}: template ${String(i % 40)} {{ m.content }}`, {
        n: i,
        m: { content: `${long}${String(i)}` },
      });
    }),
  );
  expect(all).toEqual(all.map((_, i) => `${String(i)}: template ${String(i % 40)} ${long}${String(i)}`));
});

test('a bug of the core ends one call and no other', async () => {
  let n = 0;
  const render = () => renderChatTemplate('{{ m.content }}', { m: { content: long }, n: (n += 1) });
  expect(await render()).toBe(long);
  crossings.trap = true;
  expect(await failure(render())).toMatchObject({ code: 'internal' });
  crossings.trap = false;
  expect(await Promise.all([render(), render()])).toEqual([long, long]);
});

test('a value that renders a template itself', async () => {
  const inner: Promise<string>[] = [];
  const value = { toJSON: () => (inner.push(renderChatTemplate('in {{ a }}', { a: long })), 'x') };
  expect(await renderChatTemplate('{{ m.content }}{{ v }}', { m: { content: long }, v: value })).toBe(`${long}x`);
  expect(await Promise.all(inner)).toEqual(inner.map(() => `in ${long}`));
});

test('a signal that fired', async () => {
  const error = await failure(renderChatTemplate('x', {}, { signal: AbortSignal.abort('why') }));
  expect(error).toBeInstanceOf(AbortedError);
  expect(await renderChatTemplate('x', {}, { signal: new AbortController().signal })).toBe('x');
});
