import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { CallFailure } from '../../js/transports/call-failure.js';
import { parseGradioConfig, type GradioConfig } from '../../js/transports/gradio-config.js';
import { findEndpoint } from '../../js/transports/gradio-endpoint.js';
import {
  fillInputs,
  findRoles,
  parameterNames,
  visibleInputs,
  type InputMapping,
} from '../../js/transports/gradio-inputs.js';
import { transcript } from '../../js/transports/transcript.js';
import type { ModelRequest } from '../../js/transports/transport.js';
import type { Json, JsonObject, Message } from '../../js/types.js';

const versions = ['4.44.1', '5.50.0', '6.31.0'] as const;
const recorded = new Map(
  versions.map((version) => [
    version,
    JSON.parse(readFileSync(new URL(`../fixtures/gradio/${version}.json`, import.meta.url), 'utf8')) as {
      apps: Record<string, { config: unknown; info: unknown }>;
    },
  ]),
);
const app = (version: string, name: string) => {
  const { config, info } = recorded.get(version as (typeof versions)[number])!.apps[name]!;
  return { config: parseGradioConfig(config)!, info };
};
const roleNames = (config: GradioConfig, info: unknown, endpoint?: string, mapping?: InputMapping) => {
  const dependency = findEndpoint(config, endpoint, mapping);
  const inputs = visibleInputs(dependency, parameterNames(info, dependency.apiName ?? ''));
  const roles = findRoles(inputs, mapping);
  return Object.fromEntries(Object.entries(roles).map(([role, input]) => [role, input.parameter]));
};

describe('real configurations', () => {
  test.each([
    ['4.44.1', 4, '', 'chat', 'predict'],
    ['5.50.0', 5, '/gradio_api', 'chat', 'predict'],
    ['6.31.0', 6, '/gradio_api', 'answer', 'complete'],
  ])('%s', (version, major, apiPrefix, chat, predict) => {
    expect(app(version, 'suite').config).toMatchObject({
      version,
      major,
      apiPrefix,
      protocol: 'sse_v3',
      authRequired: false,
    });
    expect(findEndpoint(app(version, 'suite').config, undefined).apiName).toBe('generate');
    expect(findEndpoint(app(version, 'chat').config, undefined).apiName).toBe(chat);
    expect(findEndpoint(app(version, 'interface').config, undefined).apiName).toBe(predict);
    // Only the functions meant to be called.
    const listed = app(version, 'chat').config.dependencies.filter((dependency) => dependency.listed);
    expect(listed.map(({ apiName }) => apiName)).toEqual([chat]);
  });

  test.each(versions)('roles on %s', (version) => {
    const { config, info } = app(version, 'suite');
    expect(roleNames(config, info)).toEqual({
      prompt: 'prompt',
      system: 'system',
      history: 'history',
      maxTokens: 'max_new_tokens',
      temperature: 'temperature',
    });
    expect(roleNames(config, info, 'converse')).toEqual({
      prompt: 'message',
      system: 'system_prompt',
      history: 'history',
      maxTokens: 'max_new_tokens',
      temperature: 'temperature',
    });
    expect(roleNames(config, info, 'many')).toEqual({ prompt: 'text' });
    expect(roleNames(config, info, 'count')).toEqual({ prompt: 'prompt' });
    const chat = app(version, 'chat');
    expect(roleNames(chat.config, chat.info)).toEqual({
      prompt: 'message',
      system: 'system_message',
      maxTokens: 'max_tokens',
      temperature: 'temperature',
    });
    const form = app(version, 'interface');
    // Labels where the parameter's name says nothing.
    expect(roleNames(form.config, form.info)).toEqual({
      prompt: 'text',
      maxTokens: 'limit',
      temperature: 'creativity',
    });
    // Without /info the labels do.
    const inputs = visibleInputs(findEndpoint(config, 'converse'));
    expect(Object.keys(findRoles(inputs)).sort()).toEqual(['history', 'maxTokens', 'prompt', 'system', 'temperature']);
  });

  test.each([
    ['echo', 'echo'],
    ['/echo', 'echo'],
    ['/api/echo', 'echo'],
    ['/call/echo', 'echo'],
    ['/run/echo/', 'echo'],
    ['/gradio_api/call/echo', 'echo'],
    ['/call/v2/echo', 'echo'],
    ['1', 'rewrite'],
  ])('endpoint %s', (wanted, apiName) => {
    expect(findEndpoint(app('6.31.0', 'suite').config, wanted).apiName).toBe(apiName);
  });
});

describe('what is not a Gradio app, or barely', () => {
  test.each<[string, unknown, boolean]>([
    ['text', 'hello', false],
    ['null', null, false],
    ['a list', [], false],
    ['another server’s configuration', { version: '1.0', model_id: 'x' }, false],
    ['no version', { dependencies: [], components: [] }, false],
    ['nothing in it', { version: '6.0.0', dependencies: [] }, true],
    [
      'junk entries',
      { version: '6.0.0', dependencies: [null, 1, 'x', {}, { id: 'a' }], components: [null, { id: 1 }, { type: 'x' }] },
      true,
    ],
    ['behind a login', { auth_required: true, auth_message: null }, true],
  ])('%s', (_, json, found) => {
    expect(parseGradioConfig(json) !== undefined).toBe(found);
  });

  test.each<[unknown, string]>([
    ['/gradio_api', '/gradio_api'],
    ['gradio_api/', '/gradio_api'],
    ['', ''],
    [undefined, ''],
    [7, ''],
    ['//evil.example', '/evil.example'],
    ['https://evil.example', ''],
    ['/../..', ''],
    ['/a?b', ''],
    ['/@evil.example', ''],
  ])('api_prefix %j -> %j', (given, expected) => {
    expect(parseGradioConfig({ version: '6.0.0', dependencies: [], api_prefix: given })?.apiPrefix).toBe(expected);
  });

  test('junk functions cannot answer, and the failure says what to do', () => {
    const config = parseGradioConfig({
      version: '6.0.0',
      dependencies: [{ id: 0, api_name: 'x', inputs: 'no', outputs: [7] }],
    })!;
    expect(() => findEndpoint(config, undefined)).toThrow(
      /takes a text and returns one.*Set endpoint to one of: \/x\./,
    );
    expect(() => findEndpoint(config, 'y')).toThrow(CallFailure);
    expect(() => findEndpoint(parseGradioConfig({ version: '6', dependencies: [] })!, 'y')).toThrow(
      /lists no endpoint/,
    );
  });
});

/** An app of one function: inputs and outputs as [type, label, props]. */
type Piece = [type: string, label?: string, props?: JsonObject];
function small(functions: Record<string, [inputs: Piece[], outputs: Piece[], more?: JsonObject]>, version = '6.31.0') {
  const components: Json[] = [];
  const add = ([type, label, props = {}]: Piece) => {
    components.push({ id: components.length, type, props: { ...(label !== undefined && { label }), ...props } });
    return components.length - 1;
  };
  const dependencies = Object.entries(functions).map(([name, [inputs, outputs, more = {}]], id) => ({
    id,
    api_name: name,
    inputs: inputs.map(add),
    outputs: outputs.map(add),
    ...more,
  }));
  return parseGradioConfig({ version, protocol: 'sse_v3', api_prefix: '/gradio_api', components, dependencies })!;
}

describe('choosing an endpoint', () => {
  const text: Piece = ['textbox', 'Text'];
  test.each<[string, Parameters<typeof small>[0], string]>([
    ['the only one', { go: [[text], [text]] }, 'go'],
    ['chat before the rest', { predict: [[text], [text]], chat: [[text], [text]] }, 'chat'],
    ['not a helper', { lambda: [[text], [text]], clear_all: [[text], [text]], whatever: [[text], [text]] }, 'whatever'],
    ['text before pictures', { generate: [[text], [['image']]], describe: [[text], [text]] }, 'describe'],
    ['not one that returns nothing', { chat: [[text], []], say: [[text], [text]] }, 'say'],
    ['not one without text', { predict: [[['image']], [text]], ask: [[text], [text]] }, 'ask'],
    ['not a hidden one', { chat: [[text], [text], { api_visibility: 'private' }], ask: [[text], [text]] }, 'ask'],
    ['not an unlisted one of 5', { chat: [[text], [text], { show_api: false }], ask: [[text], [text]] }, 'ask'],
    [
      'the half of a two-step chat that answers',
      {
        user: [
          [text, ['chatbot']],
          [text, ['chatbot']],
        ],
        bot: [[['chatbot']], [['chatbot']]],
      },
      'bot',
    ],
    ['first of equals', { a: [[text], [text]], b: [[text], [text]] }, 'a'],
  ])('%s', (_, functions, expected) => {
    expect(findEndpoint(small(functions), undefined).apiName).toBe(expected);
  });
});

describe('roles', () => {
  test.each<[string, Piece[], Record<string, number>]>([
    [
      'by label',
      [
        ['textbox', 'System Prompt'],
        ['textbox', 'User prompt'],
        ['slider', 'Max New Tokens'],
        ['slider', 'Temperature'],
      ],
      { system: 0, prompt: 1, maxTokens: 2, temperature: 3 },
    ],
    [
      'camel case',
      [
        ['textbox', 'userMessage'],
        ['number', 'maxTokens'],
      ],
      { prompt: 0, maxTokens: 1 },
    ],
    [
      'not the negative prompt',
      [
        ['textbox', 'Negative prompt'],
        ['textbox', 'Prompt'],
      ],
      { prompt: 1 },
    ],
    [
      'numbers only from number inputs',
      [
        ['textbox', 'Prompt'],
        ['dropdown', 'Temperature'],
        ['textbox', 'Max tokens'],
      ],
      { prompt: 0 },
    ],
    ['unnamed numbers are left alone', [['textbox'], ['slider'], ['slider']], { prompt: 0 }],
    [
      'chatbot is the history by type',
      [
        ['chatbot', 'Bot'],
        ['textbox', 'Say'],
      ],
      { history: 0, prompt: 1 },
    ],
    [
      'first text by type',
      [
        ['image', 'Photo'],
        ['textbox', 'Anything'],
        ['textbox', 'More'],
      ],
      { prompt: 1 },
    ],
    ['a lone box called messages is the prompt', [['textbox', 'Messages']], { prompt: 0 }],
    [
      'history as text',
      [
        ['textbox', 'Message'],
        ['textbox', 'Chat history'],
      ],
      { prompt: 0, history: 1 },
    ],
    [
      'messages alone',
      [
        ['json', 'messages'],
        ['slider', 'temp'],
      ],
      { history: 0, temperature: 1 },
    ],
    [
      'gr.api',
      [
        ['api', 'prompt'],
        ['api', 'history'],
        ['api', 'max_length'],
        ['api', 'temperature'],
      ],
      { prompt: 0, history: 1, maxTokens: 2, temperature: 3 },
    ],
    ['nothing that fits', [['image', 'Photo']], {}],
  ])('%s', (_, inputs, expected) => {
    const config = small({ f: [inputs, [['textbox']]] });
    const roles = findRoles(visibleInputs(config.dependencies[0]!));
    expect(Object.fromEntries(Object.entries(roles).map(([role, input]) => [role, input.place]))).toEqual(expected);
  });

  test('State counts as a place, not as an input', () => {
    const config = small({ f: [[['state'], ['textbox', 'A'], ['state'], ['textbox', 'B']], [['textbox']]] });
    const inputs = visibleInputs(config.dependencies[0]!, ['a', 'b']);
    expect(findRoles(inputs, { prompt: 1 }).prompt?.place).toBe(3);
    expect(findRoles(inputs, { prompt: 'b' }).prompt?.place).toBe(3);
    expect(findRoles(inputs, { prompt: 'B' }).prompt?.place).toBe(3);
    expect(() => findRoles(inputs, { system: 5 })).toThrow('inputs.system names 5');
    expect(() => findRoles(inputs, { system: 'c' })).toThrow('Its inputs: 0 a, 1 b.');
  });
});

describe('data', () => {
  const turns: Message[] = [
    { role: 'system', content: 'SYS' },
    { role: 'user', content: 'q1' },
    { role: 'assistant', content: 'a1' },
    { role: 'user', content: 'q2' },
  ];
  const request = (messages: Message[] = turns): ModelRequest => ({
    messages,
    parameters: { maxTokens: 512, temperature: 0 },
  });
  const fill = (inputs: Piece[], messages?: Message[], version = '6.31.0') => {
    const config = small({ f: [inputs, [['textbox']]] }, version);
    const dependency = config.dependencies[0]!;
    return fillInputs(dependency, findRoles(visibleInputs(dependency)), request(messages), config.major);
  };
  const prompt: Piece = ['textbox', 'Prompt'];
  const whole = 'SYS\n\nUser: q1\n\nAssistant: a1\n\nUser: q2\n\nAssistant:';
  const part = (text: string) => [{ type: 'text', text }];

  const data: [name: string, inputs: Piece[], expected: Json[], version?: string][] = [
    ['prompt alone takes everything', [prompt], [whole]],
    ['system apart', [prompt, ['textbox', 'System']], ['User: q1\n\nAssistant: a1\n\nUser: q2\n\nAssistant:', 'SYS']],
    [
      'history apart, as JSON',
      [prompt, ['json', 'History'], ['textbox', 'System']],
      [
        'q2',
        [
          { role: 'user', content: 'q1' },
          { role: 'assistant', content: 'a1' },
        ],
        'SYS',
      ],
    ],
    [
      'system told in the prompt',
      [prompt, ['json', 'History']],
      [
        'SYS\n\nUser: q2\n\nAssistant:',
        [
          { role: 'user', content: 'q1' },
          { role: 'assistant', content: 'a1' },
        ],
      ],
    ],
    [
      'chatbot of 6',
      [prompt, ['chatbot']],
      [
        'SYS\n\nUser: q2\n\nAssistant:',
        [
          { role: 'user', content: part('q1') },
          { role: 'assistant', content: part('a1') },
        ],
      ],
    ],
    [
      'chatbot of 5',
      [prompt, ['chatbot', 'C', { type: 'messages' }]],
      [
        'SYS\n\nUser: q2\n\nAssistant:',
        [
          { role: 'user', content: 'q1' },
          { role: 'assistant', content: 'a1' },
        ],
      ],
      '5.50.0',
    ],
    [
      'tuples of 5',
      [prompt, ['chatbot', 'C', { type: 'tuples' }]],
      ['SYS\n\nUser: q2\n\nAssistant:', [['q1', 'a1']]],
      '5.50.0',
    ],
    ['tuples of an older 4', [prompt, ['chatbot', 'C']], ['SYS\n\nUser: q2\n\nAssistant:', [['q1', 'a1']]], '4.21.0'],
    [
      'messages of 4',
      [prompt, ['chatbot', 'C', { type: 'messages' }]],
      [
        'SYS\n\nUser: q2\n\nAssistant:',
        [
          { role: 'user', content: 'q1' },
          { role: 'assistant', content: 'a1' },
        ],
      ],
      '4.44.1',
    ],
    [
      'messages alone carry the question',
      [
        ['json', 'Messages'],
        ['textbox', 'System'],
      ],
      [
        [
          { role: 'user', content: 'q1' },
          { role: 'assistant', content: 'a1' },
          { role: 'user', content: 'q2' },
        ],
        'SYS',
      ],
    ],
    [
      'multimodal',
      [
        ['multimodaltextbox', 'Message'],
        ['json', 'history'],
        ['textbox', 'system'],
      ],
      [
        { text: 'q2', files: [] },
        [
          { role: 'user', content: 'q1' },
          { role: 'assistant', content: 'a1' },
        ],
        'SYS',
      ],
    ],
    [
      'within bounds',
      [
        prompt,
        ['slider', 'Max tokens', { minimum: 1, maximum: 100, value: 20 }],
        ['slider', 'Temperature', { minimum: 0.1, maximum: 2 }],
      ],
      [whole, 100, 0.1],
    ],
    [
      'others keep what the page shows',
      [
        prompt,
        ['state', 'S'],
        ['checkbox', 'On', { value: true }],
        ['radio', 'Kind', { value: 'b' }],
        ['number', 'Seed'],
        ['slider', 'Top k', { minimum: 3 }],
        ['dropdown', 'Many', { multiselect: true }],
        ['textbox', 'Note'],
      ],
      [whole, null, true, 'b', null, 3, [], ''],
    ],
  ];
  test.each(data.map(([name, ...rest]) => [name, rest] as const))('%s', (_, [inputs, expected, version]) => {
    expect(fill(inputs, undefined, version)).toEqual(expected);
  });

  test('history as text', () => {
    expect(fill([prompt, ['textbox', 'History'], ['textbox', 'System']])).toEqual([
      'q2',
      'User: q1\n\nAssistant: a1',
      'SYS',
    ]);
  });

  test('one message: nothing is folded, defaults stay', () => {
    const one: Message[] = [{ role: 'user', content: 'hi' }];
    expect(fill([prompt], one)).toEqual(['hi']);
    expect(fill([prompt, ['textbox', 'System', { value: 'Be kind.' }], ['chatbot', 'C', { value: [1] }]], one)).toEqual(
      ['hi', 'Be kind.', []],
    );
  });

  test('a conversation that does not end with the user is told whole', () => {
    const open: Message[] = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'Well, ' },
    ];
    expect(fill([prompt, ['json', 'History']], open)).toEqual(['User: q\n\nAssistant: Well, ', []]);
  });

  test('tool results go as the assistant’s where a chatbot takes no other role', () => {
    const withTool: Message[] = [
      { role: 'user', content: 'q' },
      { role: 'tool', content: '42' },
      { role: 'user', content: 'so?' },
    ];
    expect(fill([prompt, ['chatbot', 'C', { type: 'messages' }]], withTool, '5.50.0')[1]).toEqual([
      { role: 'user', content: 'q' },
      { role: 'assistant', content: '42' },
    ]);
    expect(
      fill(
        [prompt, ['chatbot', 'C', { type: 'tuples' }]],
        [{ role: 'assistant', content: 'hello' }, ...withTool],
        '5.50.0',
      )[1],
    ).toEqual([
      [null, 'hello'],
      ['q', '42'],
    ]);
  });
});

test('a transcript whose assistant is already talking is not cut short', () => {
  const messages: Message[] = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
  ];
  expect(transcript(messages)).toBe('User: a\n\nAssistant: b');
});
