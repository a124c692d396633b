/**
 * Plans of messages (js/prompt/message-plans.ts) of the built package: what is joined from them is what a whole render
 * gives, for real templates, ours, and templates at the border of what is regular (wasm/prompt/regular.h); and when a
 * render crosses into WebAssembly.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from '@jest/globals';

import { renderChatTemplate, type RequestError, TemplateError } from '../../dist/index.js';
import { crossings } from './crossings.ts';
import { random } from './random.ts';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

type Variables = Record<string, unknown>;
type Message = Record<string, unknown>;

const now = 1753531200000;
const long = 'A text that is long enough to be left in JavaScript, where it is put into the prompt.';

/** Speaks of a whole list, so it is not regular, and of a noncharacter, so all texts are sent: no plan has a part in it. */
const withoutPlans = (template: string) => `{{ '' if not sent_ is undefined else messages }}${template}`;
const sent = (variables: Variables): Variables => ({ ...variables, sent_: '\ufdd2' });
/** A block that opens a line takes the white space before it: nothing can be put before that. */
const canStandBehind = (template: string) => !/^[ \t]+\{[%#]/.test(template);

async function outcome(template: string, variables: Variables, options: object = { now }): Promise<string> {
  try {
    return `= ${await renderChatTemplate(template, variables, options)}`;
  } catch (error) {
    // Where it stands moved.
    if (error instanceof TemplateError) return `${error.code} ${error.message}`;
    throw error;
  }
}

/** A setting is learnt when it comes again. */
async function learn(template: string, variables: Variables, options: object = { now }): Promise<void> {
  for (let i = 0; i < 2; i++) await renderChatTemplate(template, variables, options);
}

async function crosses(template: string, variables: Variables, options: object = { now }): Promise<boolean> {
  const before = crossings.count;
  await renderChatTemplate(template, variables, options);
  return crossings.count > before;
}

const texts = [
  long,
  ` ${long}\n`,
  `\udc00${long} 🕒\ud83d`,
  'short',
  ' x ',
  'é',
  '7',
  'user',
  '',
  ' \n ',
  '\u3000\u2003',
  ' '.repeat(80),
  '\ufdd00\ufdd4',
  `${long}\ufdd5`,
  '\ufdd512\ufdd4',
  '\ufdd5',
  '</think> after it',
  'é'.repeat(70),
];

/** Messages as people write them, and as they should not. */
function message({ below, pick }: ReturnType<typeof random>, odd: boolean): Message {
  const made: Message = {
    role: pick(['user', 'user', 'assistant', 'assistant', 'system', 'tool']),
    content: pick(texts),
  };
  if (below(4) === 0) made['content'] = `${String(below(1000))} ${pick(texts)}`;
  if (below(6) === 0) made['name'] = pick(['Zoë', 'Ann', `n${String(below(50))}`]);
  if (below(8) === 0) made['id'] = below(1000);
  if (below(10) === 0) {
    const args = pick<unknown>([{ a: 1, text: long }, {}, { q: 'x', n: [1, 2.5, null, true] }]);
    made['tool_calls'] = Array.from({ length: below(3) }, () => ({
      id: `call_${String(below(9))}`,
      type: 'function',
      function: { name: pick(['f', 'g']), arguments: args },
    }));
    if (below(2) === 0) made['content'] = null;
  }
  if (!odd) return made;
  switch (below(12)) {
    case 0:
      delete made['content'];
      break;
    case 1:
      delete made['role'];
      break;
    case 2:
      made['content'] = [{ type: 'text', text: pick(texts) }, { type: 'image' }];
      break;
    case 3:
      made['content'] = pick<unknown>([7, -0, 1.5, true, { text: long }, undefined]);
      break;
    case 4:
      made['role'] = pick<unknown>([7, null, '', long, '\ufdd1', 'x'.repeat(5000)]);
      break;
    case 5:
      made['content'] = { toJSON: (key: string) => `${key} ${long}` };
      break;
    case 6:
      return new (class {
        role = 'user';
        content = new String(long);
        get name() {
          return 'not its own';
        }
      })() as unknown as Message;
    case 7:
      return Object.assign(Object.create({ content: 'of the prototype' }) as Message, { role: 'user' });
    case 8:
      return { toJSON: (key: string) => ({ role: 'user', content: `at ${key}` }) };
    case 9:
      return pick<unknown>([null, 'text', 7, [1, 2], undefined]) as Message;
    default:
      break;
  }
  return made;
}

interface Tried {
  renders: number;
  joined: number;
}

/** Chats that grow, are edited, put in another order and repeated: with plans as without them. */
async function compare(template: string, given: Variables, seed: number, rounds: number, odd: boolean): Promise<Tried> {
  const source = random(seed);
  const { below, pick } = source;
  const tried = { renders: 0, joined: 0 };
  let messages: Message[] = [];
  let others: Variables = given;
  const whole = withoutPlans(template);
  for (let round = 0; round < rounds; round++) {
    switch (below(8)) {
      case 0:
        messages = [];
        break;
      case 1:
        messages = [...messages].reverse();
        break;
      case 2:
        messages = messages.slice(below(messages.length + 1));
        break;
      case 3:
        others = { ...given, add_generation_prompt: pick<unknown>([true, false, undefined, 1]), extra: below(5) };
        break;
      case 4:
        others = { ...others, tools: pick<unknown>([undefined, null, [], [{ function: { name: 'f', text: long } }]]) };
        break;
      default:
        break;
    }
    messages = [...messages, message(source, odd && below(5) === 0), message(source, false)].slice(-12);
    const variables = { ...others, messages };
    const before = crossings.count;
    const text = await outcome(template, variables);
    tried.renders += 1;
    if (crossings.count === before) tried.joined += 1;
    const expected = await outcome(whole, sent(variables));
    if (text !== expected) expect({ template, variables, text }).toEqual({ template, variables, text: expected });
  }
  return tried;
}

const families = (
  JSON.parse(readFileSync(at('models/templates.json'), 'utf8')) as {
    families: Record<string, { template: string; bos: string; eos: string }>;
  }
).families;
const folder = at('../shared/fixtures/chat-templates');
const real = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jinja')) : [];
if (real.length === 0) console.log(`Skipped: there are no chat templates at ${folder}.`);

const chatml =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const llama3 =
  "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";

describe('what is joined from plans is what a whole render gives', () => {
  test.each(Object.keys(families))('our templates: %s', async (name) => {
    const { template, bos, eos } = families[name]!;
    const given = { bos_token: bos, eos_token: eos, add_generation_prompt: true };
    for (const odd of [false, true]) {
      const { renders, joined } = await compare(template, given, name.length * 7 + (odd ? 1 : 0), 80, odd);
      if (['gemma', 'vicuna', 'alpaca', 'zephyr'].includes(name)) expect(joined).toBeGreaterThan(renders / 10);
    }
  });

  if (real.length > 0) {
    test.each(real)('%s', async (name) => {
      const template = readFileSync(`${folder}/${name}`, 'utf8');
      expect(canStandBehind(template)).toBe(true);
      for (const odd of [false, true])
        await compare(
          template,
          { bos_token: '<s>', eos_token: '</s>', datetime: 'today', functions: '' },
          name.length,
          60,
          odd,
        );
    });
  }

  test.each(
    [
      chatml,
      llama3,
      '{{ content }}|{{ title }}{% for m in messages %}{{ m.content ~ content }}{% endfor %}{{ content|trim }}',
      '{% for m in messages %}{{ messages[0].content }}>{{ m.role }}{{ m.content|trim }}<{{ messages[-1].content }};{% endfor %}{{ messages[-1].role }}',
      "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}{% for m in messages %}{% if not (loop.first and m.role == 'system') %}{{ m.role }}:{{ m.content }}{% endif %}{% endfor %}",
      "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('no ' ~ m.role) }}{% endif %}{{ m.content }}{% endfor %}",
      '{% for m in messages %}{{ m.content }}{{ "," if not loop.last }}{{ "first" if loop.index == 1 }}{% endfor %}',
      "{% for m in messages %}{{ m.content == 'short' }}{{ m.content }}{% endfor %}",
      '{% for m in messages %}{{ m.content == messages[0].content }}{% endfor %}',
      '{% for m in messages %}{{ m.content|length if m.role == "tool" else m.content }}{% endfor %}',
      "{% for m in messages %}{{ '' if '</think>' in (m.content or '') else m.content }}{% endfor %}",
      '{% for m in messages %}{{ (m.content ~ " " ~ m.name)|trim }}{{ m.name or m.content }}{% endfor %}',
      '{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments }}{{ loop.index }}{% if loop.index > 1 %}{% break %}{% endif %}{% endfor %}{{ m.content }}{% endfor %}',
      '{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.type }}{{ p.text }}{% endfor %}{% endif %}{% endfor %}',
      '{% if tools %}{% for m in messages %}{{ m.content }}{% endfor %}{% endif %}{{ extra }}',
      '{% set head = "[" if tools else "(" %}{% for m in messages %}{{ head }}{{ m.content }}{% endfor %}',
      "{% for m in messages %}{{ strftime_now('%H:%M') }}{{ m.role }}{% endfor %}",
      '{% for m in messages %}{{ m.nothing.at_all if m.role == "tool" }}{{ m.id }}{% endfor %}',
      '{% for m in messages %}{{ m }}{% endfor %}',
      '{% for m in messages %}{{ m.role }}{{ loop.previtem.role }}{{ loop.index }}{% endfor %}',
      '{% for m in messages %}{{ m.get("role") }}{{ m.items()|list|length }}{% endfor %}',
      '{% set ns = namespace(n=0) %}{% for m in messages %}{{ ns.n }}{% set ns.n = ns.n + 1 %}{{ m.role }}{% endfor %}',
      '{% for m in messages if m.role != "tool" %}{{ loop.first }}{{ m.content }}{% endfor %}',
      '{% for m in messages %}{% if m.role == "tool" %}{% break %}{% endif %}{{ m.content }}{% endfor %}',
      '{% for m in messages %}{{ m.content }}{% else %}none{% endfor %}{{ messages|length }}',
      "{% for m in messages %}{{ '%c' % 64981 if m.role == 'tool' }}{{ m.content }}{% endfor %}",
      "{% for m in messages %}{{ 'a\\ufdd51\\ufdd4b' }}{{ m.content }}{% endfor %}",
      '{% for m in messages %}{{ m.role|safe + "<" }}{{ m.content|safe + m.role }}{% endfor %}',
      '{% set x %}{{ tools }}{% endset %}{% for m in messages %}{{ x }}{{ m.role }}{% endfor %}',
      '{% for m in messages %}{{ m.__proto__ }}{{ m.constructor }}{{ m.toString }}{{ m.role }}{% endfor %}',
    ].map((template, i) => [template, i] as const),
  )('%s', async (template, i) => {
    for (const odd of [false, true])
      await compare(template, { content: long, title: 'short', add_generation_prompt: true }, i, 120, odd);
  });
});

describe('a conversation of a regular template', () => {
  const chat = (...roles: string[]) => roles.map((role, i) => ({ role, content: `${String(i)} ${long}` }));

  test('does not cross when it grows, is cut, edited or put in another order', async () => {
    const template = `${chatml}{# grows #}`;
    const messages: Message[] = chat('system', 'user', 'assistant', 'user');
    await learn(template, { messages });
    for (let i = 0; i < 50; i++) {
      messages.push(...chat('assistant', 'user'), { role: 'user', content: i.toString(), id: i });
      expect(await crosses(template, { messages })).toBe(false);
      expect(await crosses(template, { messages: messages.slice(i % 7) })).toBe(false);
    }
  });

  test('crosses once for what was not seen, with one message of each kind', async () => {
    const template = `${chatml}{# once #}`;
    await learn(template, { messages: chat('user') });
    const before = crossings.count;
    const messages = [...chat('a', 'user', 'b', 'a'), { role: 'user', content: '' }, { role: 'user', content: '' }];
    const text = await renderChatTemplate(template, { messages });
    // A call, and where its answer is.
    expect(crossings.count - before).toBe(2);
    expect(text).toBe(messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join(''));
    expect(await crosses(template, { messages: messages.reverse() })).toBe(false);
  });

  test.each<[string, Variables, object]>([
    ['a role', { messages: chat('me') }, {}],
    ['blank contents', { messages: [{ role: 'user', content: ' '.repeat(100) }] }, {}],
    ['no content', { messages: [{ role: 'user' }] }, {}],
    ['a list as content', { messages: [{ role: 'user', content: [] }] }, {}],
    ['another variable that is read', { messages: chat('user'), bos_token: '<s>' }, {}],
    ['the last place, where it is asked for', { messages: chat('user', 'user', 'user') }, {}],
    ['steps', { messages: chat('user') }, { maxSteps: 10_000 }],
    ['a message that is no object', { messages: ['user'] }, {}],
    ['no messages', { messages: [] }, {}],
  ])('crosses for %s', async (name, variables, options) => {
    const template = `{{ bos_token }}{% for m in messages %}{{ m.role }}{{ m.content }}{{ loop.last }}{% endfor %}{# ${name} #}`;
    const same = { messages: chat('user') };
    await learn(template, same);
    expect(await crosses(template, same)).toBe(false);
    // Few steps are as good as many where the sum says that they are enough.
    expect(await crosses(template, variables, options)).toBe(name !== 'steps');
    expect(await outcome(template, variables)).toBe(await outcome(withoutPlans(template), sent(variables)));
  });

  test('meets maxSteps as a whole render does, or sooner crosses', async () => {
    const template = `${llama3}{# steps #}`;
    const variables = { messages: chat('user', 'assistant', 'user', 'assistant'), bos_token: '<s>' };
    await learn(template, variables);
    let met = 0;
    for (let maxSteps = 1; maxSteps < 300; maxSteps++) {
      const text = await outcome(template, variables, { maxSteps });
      if (text.startsWith('=')) continue;
      met += 1;
      expect(text).toContain('too many steps');
      // What fails with plans fails without.
      const irregular = `{{ '' if true else messages }}${template}`;
      expect(await outcome(irregular, variables, { maxSteps })).toBe(text);
    }
    expect(met).toBeGreaterThan(20);
  });

  test('meets maxOutputBytes', async () => {
    const template = `${chatml}{# bytes #}`;
    const messages = [{ role: 'user', content: 'é'.repeat(100) }];
    const size = Buffer.byteLength(await renderChatTemplate(template, { messages }));
    await learn(template, { messages });
    expect(await crosses(template, { messages }, { maxOutputBytes: size })).toBe(false);
    expect(await outcome(template, { messages }, { maxOutputBytes: size - 1 })).toContain('too large');
    // Placeholders are longer than these texts.
    const few = { messages: Array.from({ length: 20 }, () => ({ role: 'u', content: 'x' })) };
    const source = "{% for m in messages %}{{ m.content }}{{ '' if m.role }}{% endfor %}";
    for (let i = 0; i < 3; i++)
      expect(await renderChatTemplate(source, few, { maxOutputBytes: 20 })).toBe('x'.repeat(20));
    expect(await outcome(source, few, { maxOutputBytes: 19 })).toContain('too large');
  });

  test('keeps what recurs beside texts that come once', async () => {
    const template = '{% for m in messages %}{{ m.role }}{{ m.name }}: {{ m.content }};{% endfor %}{# recurs #}';
    const recurring = { messages: chat('user', 'assistant', 'system') };
    await learn(template, recurring);
    for (let i = 0; i < 3000; i++) {
      const once = { role: 'user', name: `${String(i)} ${'name'.repeat(10)}`, content: long };
      expect(await renderChatTemplate(template, { messages: [once] })).toBe(`user${once.name}: ${long};`);
      if (i % 50 === 0) expect(await crosses(template, recurring)).toBe(false);
    }
    expect(
      await crosses(template, { messages: [{ role: 'user', name: `0 ${'name'.repeat(10)}`, content: long }] }),
    ).toBe(true);
  });

  test('of more settings than are kept, and of large ones', async () => {
    const template = '{{ a }}{% for m in messages %}{{ m.role }}{{ m.content }}{{ m.more }}{% endfor %}';
    const messages = chat('user', 'assistant');
    const render = (a: unknown, more: Variables = {}) =>
      renderChatTemplate(template, { a, messages: messages.map((one) => ({ ...one, ...more })) });
    const written = (more = '') => messages.map(({ role, content }) => role + content + more).join('');
    for (let i = 0; i < 40; i++) expect(await render(i % 20)).toBe(`${String(i % 20)}${written()}`);
    for (const length of [5000, 100_000, 1_000_000]) {
      const text = 'x'.repeat(length);
      for (let i = 0; i < 3; i++) {
        expect(await render(text)).toBe(text + written());
        expect(await render(1, { more: text })).toBe(`1${written(text)}`);
      }
    }
    const many = {
      messages: Array.from({ length: 20_000 }, (_, i) => ({ role: 'r', content: `${long}${String(i)}` })),
    };
    const expected = many.messages.map(({ content }) => `r${content}`).join('');
    for (let i = 0; i < 2; i++) expect(await renderChatTemplate(template, many)).toBe(expected);
    const giant = { messages: [{ role: 'r', content: Array.from({ length: 300_000 }, (_, i) => i) }] };
    const aboutFirst =
      '{% for m in messages %}{{ m.role ~ m.content[-1] ~ messages[0].role ~ messages[-1].role }}{% endfor %}';
    for (let i = 0; i < 2; i++) expect(await renderChatTemplate(aboutFirst, giant)).toBe('r299999rr');
    const values = Array.from({ length: 1000 }, (_, i) => i);
    for (let i = 0; i < 2; i++) expect(await render(1, { more: values })).toBe(`1${written(`[${values.join(', ')}]`)}`);
  });

  test('is read by the names that the template speaks of, whether it is known or not', async () => {
    const template = `${chatml}{# names #}`;
    let looked = 0;
    const strange = {
      role: 'user',
      content: long,
      bigint: 1n,
      run: () => 1,
      get other() {
        looked += 1;
        return NaN;
      },
    };
    const circle: Variables = { messages: [strange], symbol: Symbol('x') };
    circle['circle'] = circle;
    for (let i = 0; i < 3; i++)
      expect(await renderChatTemplate(template, circle)).toBe(`<|im_start|>user\n${long}<|im_end|>\n`);
    // Also where nothing can be left behind.
    const text = await renderChatTemplate(template, {
      ...circle,
      messages: [strange, { role: '\ufdd0', content: 'x' }],
    });
    expect(text).toBe(`<|im_start|>user\n${long}<|im_end|>\n<|im_start|>\ufdd0\nx<|im_end|>\n`);
    expect(looked).toBe(0);
    for (const [variables, field] of [
      [{ messages: [{ role: 'user', content: () => 1 }] }, 'variables.messages[0].content'],
      [{ messages: [{ role: 'user', content: 'x' }, { role: [1, NaN] }] }, 'variables.messages[1].role[1]'],
      [{ messages: [], add_generation_prompt: 1n }, 'variables.add_generation_prompt'],
      [{ messages: [{ role: 'user', content: circle }] }, 'variables'],
    ] as const) {
      const error = await renderChatTemplate(template, variables).catch((reason: unknown) => reason as RequestError);
      expect(error).toMatchObject({ name: 'RequestError', field: expect.stringContaining(field) as string });
    }
  });

  test('whose members are not the same twice', async () => {
    const template = '{% for m in messages %}{{ m.n }}{{ m.content }},{% endfor %}{# twice #}';
    let count = 0;
    const messages = [
      {
        content: long,
        get n() {
          return (count += 1);
        },
      },
    ];
    for (let i = 1; i < 6; i++) expect(await renderChatTemplate(template, { messages })).toBe(`${String(i)}${long},`);
  });

  test('sees the time', async () => {
    const template = "{% for m in messages %}{{ m.role }}{{ strftime_now('%H:%M') }}{% endfor %}";
    const messages = chat('user', 'user');
    for (const minutes of [0, 1, 0, 1]) {
      const text = `user12:0${String(minutes)}`;
      expect(await renderChatTemplate(template, { messages }, { now: now + minutes * 60_000 })).toBe(text + text);
    }
    expect(await crosses(template, { messages })).toBe(false);
  });
});
