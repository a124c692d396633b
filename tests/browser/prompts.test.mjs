/**
 * The built package in a real page under the strict Content-Security-Policy: a real Gradio app, real llama.cpp and an
 * OpenAI-compatible server receive the right prompt for the right template, prompts.wasm is loaded by the first of them
 * and never before, and the functions that stand alone work. The Hub is simulated, redirects included.
 */
/* global tierwise */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startGradio } from '../servers/gradio-servers.mjs';
import { llamaReply, startLlamaCpp } from '../servers/llama-cpp.mjs';
import { bodyOf, cors, listen } from '../servers/loopback.mjs';
import { launch, openPage, root } from './harness.mjs';

const csp =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*; object-src 'none'";
const dist = path.join(root, 'dist');
const history = [
  { role: 'user', content: 'q1' },
  { role: 'assistant', content: 'a1' },
];
const options = { system: 'SYS', history, temperature: 0, maxTokens: 16, cache: false };
const chatml =
  '<|im_start|>system\nSYS<|im_end|>\n<|im_start|>user\nq1<|im_end|>\n<|im_start|>assistant\na1<|im_end|>\n' +
  '<|im_start|>user\nq2<|im_end|>\n<|im_start|>assistant\n';
const turn = (role, text) => `<|start_header_id|>${role}<|end_header_id|>\n\n${text}<|eot_id|>`;
const llama3 = `${turn('system', 'SYS')}${turn('user', 'q1')}${turn('assistant', 'a1')}${turn('user', 'q2')}<|start_header_id|>assistant<|end_header_id|>\n\n`;
const open = [];
let browser;
let page;
let model;
let hub;
const asked = [];

before(async () => {
  browser = await launch();
  model = await listen(async (request, response) => {
    if (cors(request, response)) return;
    const body = JSON.parse(await bodyOf(request));
    asked.push({ path: request.url, body });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const choice = body.prompt === undefined ? { delta: { content: 'Hi.' } } : { text: 'Hi.' };
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, ...choice, finish_reason: null }] })}\n\n`);
    const end = body.prompt === undefined ? { delta: {} } : { text: '' };
    response.end(
      `data: ${JSON.stringify({ choices: [{ index: 0, ...end, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
    );
  });
  // As the Hub does it: small files lie behind a redirect on its own origin.
  hub = await listen((request, response) => {
    if (cors(request, response)) return;
    const { pathname } = new URL(request.url, 'http://hub');
    if (pathname === '/api/models/acme/own/revision/main') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"sha":"0123abcd"}');
    } else if (pathname === '/acme/own/resolve/0123abcd/tokenizer_config.json') {
      response.writeHead(307, { location: '/api/resolve-cache/models/acme/own/0123abcd/tokenizer_config.json' }).end();
    } else if (pathname.startsWith('/api/resolve-cache/')) {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(
        JSON.stringify({
          bos_token: '<s>',
          eos_token: '</s>',
          chat_template:
            "{% for m in messages %}{{ '<' ~ m.role ~ '>' ~ m.content ~ eos_token }}{% endfor %}<assistant>",
        }),
      );
    } else response.writeHead(404).end();
  });
  open.push(model, hub);
  const files = readdirSync(dist).filter((name) => /\.(js|wasm)$/.test(name));
  page = await openPage(browser, {
    csp,
    html: '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><script type="module" src="/page.js"></script>',
    routes: {
      '/page.js': "import * as tierwise from '/dist/index.js'; globalThis.tierwise = tierwise;",
      ...Object.fromEntries(files.map((name) => [`/dist/${name}`, { body: readFileSync(path.join(dist, name)) }])),
    },
  });
});
after(async () => {
  await page?.close();
  await browser?.close();
  await Promise.all(open.map((server) => server.close()));
});

/** A new client with this Space asks once: what came back, and what the page had loaded by then. */
const ask = (space, prompt = 'q2', more = {}) =>
  page.run(
    async (_, given) => {
      await Promise.resolve();
      const client = tierwise.createClient({ spaces: { base: given.space }, storage: 'memory', ...given.config });
      try {
        const { content, trace } = await client.generate(given.prompt, given.options);
        const step = trace.steps.find(({ step: name }) => name === 'prompt');
        const loaded = performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop());
        return { content, step, loaded };
      } catch (error) {
        return { error: error.message };
      } finally {
        client.close();
      }
    },
    { space, prompt, options, config: more },
  );

describe('Prompts in a real page', () => {
  test('an OpenAI-compatible chat server is sent messages, and nothing of prompts is loaded for it', async () => {
    const { content, loaded } = await ask({ url: model.origin, protocol: 'openai', model: 'Qwen/Qwen2.5-7B-Instruct' });
    assert.equal(content, 'Hi.');
    assert.deepEqual(asked.at(-1).body.messages, [
      { role: 'system', content: 'SYS' },
      ...history,
      { role: 'user', content: 'q2' },
    ]);
    assert.deepEqual(
      loaded.filter((name) => name.startsWith('prompts')),
      [],
    );
  });

  for (const [template, expected] of [
    ['chatml', chatml],
    ['llama-3', llama3],
  ]) {
    test(`an OpenAI-compatible server of text completions is sent the prompt of ${template}`, async () => {
      const { content, step, loaded } = await ask({
        url: model.origin,
        endpoint: '/v1/completions',
        protocol: 'openai',
        model: 'm',
        template,
      });
      assert.equal(content, 'Hi.');
      assert.equal(asked.at(-1).path, '/v1/completions');
      assert.equal(asked.at(-1).body.prompt, expected);
      assert.match(step.because, new RegExp(`the template ${template}: about \\d+ tokens`));
      assert.deepEqual(loaded.filter((name) => name.startsWith('prompts')).sort(), ['prompts.js', 'prompts.wasm']);
    });
  }

  test("the model's own template is found on the Hub, along its redirect", async () => {
    const space = {
      url: model.origin,
      endpoint: '/v1/completions',
      protocol: 'openai',
      model: 'acme/own',
      template: 'hub',
    };
    const { error, step } = await ask(space, 'q2', { hubUrl: hub.origin });
    assert.equal(error, undefined);
    assert.equal(asked.at(-1).body.prompt, '<system>SYS</s><user>q1</s><assistant>a1</s><user>q2</s><assistant>');
    assert.match(step.because, /the template of acme\/own/);
  });

  describe('a real Gradio app', () => {
    let app;
    before(async () => {
      app = await startGradio('gradio6');
      open.push({ close: () => app.stop() });
    });
    for (const [template, expected] of [
      ['chatml', chatml],
      ['llama-3', llama3],
      [undefined, 'SYS\n\nUser: q1\n\nAssistant: a1\n\nUser: q2\n\nAssistant:'],
    ]) {
      test(`receives ${template === undefined ? 'a transcript' : `the prompt of ${template}`}`, async () => {
        const { content, error } = await ask({
          url: `${app.origin}/suite`,
          endpoint: '/unqueued',
          ...(template && { template }),
        });
        assert.equal(error, undefined);
        assert.equal(content.trim(), expected.trim());
      });
    }
  });

  test('real llama.cpp takes the prompt, and counts exactly when not all fits', async (t) => {
    const server = await startLlamaCpp({ context: 512 });
    if (server === undefined) return t.skip('llama.cpp cannot be started here');
    open.push({ close: () => server.stop() });
    const space = { url: server.origin, protocol: 'llama.cpp', template: 'chatml', contextWindow: 512 };
    const short = await ask(space);
    assert.equal(short.error, undefined);
    assert.equal(short.content.trim().slice(0, 5), llamaReply.trim().slice(0, 5));
    assert.equal(short.step.details.exact, false);
    options.history = Array.from({ length: 40 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: `${i} some words of a turn`,
    }));
    // The second is found to be llama.cpp and sent messages: it counts them by its own template.
    for (const settings of [space, { url: server.origin, contextWindow: 512 }]) {
      const long = await ask(settings);
      assert.equal(long.error, undefined);
      const { exact, tokens, dropped } = long.step.details;
      assert.equal(exact, true);
      assert.ok(tokens <= 512 - 16 && tokens > 300, `${tokens} tokens`);
      assert.equal(dropped[0].reason, 'budget');
    }
    options.history = history;
  });

  test('the functions that stand alone', async () => {
    const made = await page.run(async () => {
      const messages = [{ role: 'user', content: 'Grüße, 日本語 👩‍👩‍👧‍👦 <|im_end|>' }];
      const template = "{% for m in messages %}{{ m.content[::-1] | length }}{{ '|' }}{{ m.content }}{% endfor %}";
      const broken = await tierwise
        .renderChatTemplate('a\n {{ 1 + }}', {})
        .catch(({ name, line, column }) => ({ name, line, column }));
      return {
        text: await tierwise.renderChatTemplate(template, { messages }),
        chat: await tierwise.formatChat(messages, { model: 'Qwen/Qwen2.5-7B-Instruct' }),
        count: await tierwise.countTokens('Hello, world.', { model: 'gpt-4o' }),
        broken,
      };
    });
    assert.equal(made.text, '29|Grüße, 日本語 👩‍👩‍👧‍👦 <|im_end|>');
    assert.equal(made.chat.prompt, '<|im_start|>user\nGrüße, 日本語 👩‍👩‍👧‍👦 <| im_end|><|im_end|>\n<|im_start|>assistant\n');
    assert.ok(made.count.tokens >= 3 && made.count.atMost >= 4 && made.count.exact === false);
    assert.deepEqual(made.broken, { name: 'TemplateError', line: 2, column: 9 });
    assert.deepEqual(
      page.problems.filter((text) => !/404/.test(text)),
      [],
    );
  });
});
