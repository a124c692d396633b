/**
 * `huggingface-inference` against a server built from the recorded exchanges of Hugging Face's own client: each task, each
 * failure with the message of the requirements, streams, and what is recorded of a call. The real supabase-js invokes it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { cacheEnvironment, denoBinary, denoFlags } from '../../web/backend/embedded/functions.mjs';
import { loadRecordings } from '../servers/recorded-server.mjs';
import { reply, start, upstream } from './functions-stage.mjs';
import { users } from './servers.mjs';

const key = `hf_${randomBytes(20).toString('hex')}`;
const mistral = 'mistralai/Mistral-7B-Instruct-v0.2';
const gpt2 = 'openai-community/gpt2';
const minilm = 'sentence-transformers/distilbert-base-nli-mean-tokens';
const bart = 'facebook/bart-base';
const vit = 'google/vit-base-patch16-224';
const diffusion = 'stabilityai/stable-diffusion-2';
const llama = 'meta-llama/Llama-3.2-3B-Instruct';
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);

const recordings = loadRecordings();
/** The newest recording of that path whose request streams or does not. */
const recorded = (path, stream = false) =>
  recordings.findLast(
    ({ url, status, request, streams }) =>
      url.endsWith(path) && status === 200 && streams === stream && (request?.stream === true) === stream,
  );

let hugging;
let stage;
const asked = (options) => stage.call('huggingface-inference', { body: options });
const rows = (model) => stage.database.admin`
  select * from public.llm_observations where model = ${model} and user_id = ${users.member} order by received_at, at`;

describe('huggingface-inference', { skip: recordings === undefined && 'the recorded exchanges are not there' }, () => {
  before(async () => {
    const play = (recording) => (_, response) =>
      response.writeHead(recording.status, { 'content-type': recording.contentType }).end(recording.body);
    hugging = await upstream({
      '/v1/chat/completions': (request, response, body) => {
        const { model, stream } = JSON.parse(body);
        const found = recordings.findLast(
          ({ url, status, streams }) =>
            url.endsWith(`/hf-inference/models/${model}/v1/chat/completions`) &&
            status === 200 &&
            streams === (stream === true),
        );
        if (found !== undefined) return play(found)(request, response);
        return reply(
          { error: { message: `The requested model '${model}' is not a chat model`, code: 'model_not_supported' } },
          400,
        )(request, response);
      },
      '*': (request, response) => {
        const path = new URL(request.url, 'http://x').pathname.replace('/pipeline/feature-extraction', '');
        if (path.endsWith(bart))
          return reply([
            [
              [
                [1, 2],
                [3, 4],
              ],
            ],
          ])(request, response);
        const found = recorded(path) ?? recordings.find(({ url }) => url.endsWith(path));
        if (found === undefined) return reply({ error: 'Not Found: Model not found' }, 404)(request, response);
        if (found.contentType !== 'image/jpeg') return play(found)(request, response);
        // The recordings have no bytes of images.
        return response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg);
      },
    });
    stage = await start({ TIERWISE_ROUTER_URL: hugging.origin, HUGGINGFACE_API_KEY: key });
    await stage.database.admin`insert into public.huggingface_models (model_id, task, price, price_unit) values
      (${gpt2}, 'text-generation', 0.001, '1k-tokens'), (${minilm}, 'feature-extraction', 0.00005, '1k-tokens'),
      (${bart}, 'feature-extraction', null, '1k-tokens'), (${vit}, 'image-classification', null, '1k-tokens'),
      (${diffusion}, 'text-to-image', 0.005, 'image'), ('google/flan-t5-xxl', 'text-generation', 0.001, '1k-tokens'),
      ('this-model/does-not-exist-123', 'text-generation', 0.001, '1k-tokens'), ('google/gemma-2b', 'text-generation', 0.001, '1k-tokens')`;
  });
  after(async () => {
    await stage?.stop();
    await hugging?.close();
  });

  test('text: the chat of the router, its tokens and their price', async () => {
    const { status, value, text } = await asked({
      modelId: mistral,
      task: 'text-generation',
      inputs: 'Explain quantum computing in simple terms.',
      parameters: { max_tokens: 512, temperature: 0.7 },
    });
    assert.equal(status, 200, text);
    const wanted = JSON.parse(
      recordings.findLast(
        ({ url, status, streams }) => url.endsWith(`${mistral}/v1/chat/completions`) && status === 200 && !streams,
      ).body,
    );
    assert.equal(value.success, true);
    assert.deepEqual(value.result, [{ generated_text: wanted.choices[0].message.content }]);
    const cost = (wanted.usage.total_tokens / 1000) * 0.0002;
    assert.ok(Math.abs(value.cost_credits - cost) < 1e-12);
    assert.ok(Number.isInteger(value.latency_ms) && value.latency_ms >= 0);
    const sent = hugging.calls.at(-1);
    assert.equal(sent.headers.authorization, `Bearer ${key}`);
    assert.deepEqual(JSON.parse(sent.body), {
      model: mistral,
      messages: [{ role: 'user', content: 'Explain quantum computing in simple terms.' }],
      temperature: 0.7,
      max_tokens: 512,
    });
    const [row] = await rows(mistral);
    assert.deepEqual(
      [row.kind, row.provider, row.status, Number(row.input_tokens), Number(row.output_tokens), row.prompt],
      ['complete', 'huggingface', 'ok', wanted.usage.prompt_tokens, wanted.usage.completion_tokens, null],
    );
    assert.ok(Math.abs(Number(row.cost) - cost) < 1e-12);
  });

  test('text of a model that no chat server has: its own endpoint', async () => {
    const { value, text } = await asked({
      modelId: gpt2,
      task: 'text-generation',
      inputs: 'one plus two equals',
      parameters: { max_tokens: 20 },
    });
    assert.equal(value.success, true, text);
    assert.equal(value.result[0].generated_text, JSON.parse(recorded(`/models/${gpt2}`).body)[0].generated_text);
    assert.deepEqual(JSON.parse(hugging.calls.at(-1).body), {
      inputs: 'one plus two equals',
      parameters: { max_new_tokens: 20, return_full_text: false },
    });
  });

  const frames = (text) =>
    text
      .trim()
      .split('\n\n')
      .map((frame) => frame.slice(6))
      .map((data) => (data === '[DONE]' ? data : JSON.parse(data)));
  for (const [name, modelId] of [
    ['of a chat', mistral],
    ['of a model’s own endpoint', 'google/flan-t5-xxl'],
  ])
    test(`streaming text ${name}`, async () => {
      const { status, text, headers } = await asked({
        modelId,
        task: 'text-generation',
        inputs: 'repeat',
        stream: true,
      });
      assert.equal(status, 200, text);
      assert.equal(headers.get('content-type'), 'text/event-stream');
      const all = frames(text);
      assert.equal(all.at(-1), '[DONE]');
      const last = all.at(-2);
      assert.equal(last.success, true);
      const said = all
        .slice(0, -2)
        .map((frame) => frame.text)
        .join('');
      assert.ok(said.length > 5);
      assert.equal(last.result[0].generated_text, said);
      assert.ok(last.cost_credits > 0 && last.latency_ms >= 0);
      const row = (await rows(modelId)).at(-1);
      assert.deepEqual([row.kind, row.first_part_ms !== null], ['complete', true]);
    });

  test('a stream that fails says so in the stream', async () => {
    const fails = recordings.find(
      ({ url, streams, body }) =>
        url.endsWith('/models/meta-llama/Llama-3.2-3B') && streams && body.includes('"error"'),
    );
    const before = hugging.routes['/v1/chat/completions'];
    hugging.routes['/v1/chat/completions'] = (_, response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(fails.body);
    const { text } = await asked({ modelId: mistral, task: 'text-generation', inputs: 'x', stream: true });
    hugging.routes['/v1/chat/completions'] = before;
    const all = frames(text);
    assert.deepEqual([all[0].success, all[0].code, all[1]], [false, 'upstream-error', '[DONE]']);
    assert.match(all[0].error, /Input validation error/);
    assert.equal((await rows(mistral)).at(-1).kind, 'error');
  });

  test('a page that leaves a stream leaves a row of kind cancel', async () => {
    const before = hugging.routes['/v1/chat/completions'];
    let closed;
    hugging.routes['/v1/chat/completions'] = (_, response) => {
      closed = new Promise((resolve) => response.on('close', resolve));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n');
    };
    const controller = new AbortController();
    const response = await stage.call('huggingface-inference', {
      body: { modelId: mistral, task: 'text-generation', inputs: 'x', stream: true },
      raw: true,
      signal: controller.signal,
    });
    await response.body.getReader().read();
    controller.abort();
    await closed;
    hugging.routes['/v1/chat/completions'] = before;
    for (let tries = 0; (await rows(mistral)).at(-1).kind !== 'cancel'; tries += 1) {
      assert.ok(tries < 100);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  test('vectors: one for a text, one for each of a list, token by token or deeper made one', async () => {
    const one = await asked({ modelId: minilm, task: 'feature-extraction', inputs: 'That is a happy person' });
    assert.equal(one.value.result.length, 768, one.text.slice(0, 300));
    assert.ok(one.value.result.every((number) => typeof number === 'number'));
    assert.ok(one.value.cost_credits > 0);
    const deep = await asked({ modelId: bart, task: 'feature-extraction', inputs: 'x' });
    assert.deepEqual([deep.value.result, deep.value.cost_credits], [[2, 3], null]);
    hugging.routes[`/hf-inference/models/${minilm}/pipeline/feature-extraction`] = reply([
      [1, 2],
      [3, 4],
    ]);
    const two = await asked({ modelId: minilm, task: 'feature-extraction', inputs: ['a', 'b'] });
    delete hugging.routes[`/hf-inference/models/${minilm}/pipeline/feature-extraction`];
    assert.deepEqual(two.value.result, [
      [1, 2],
      [3, 4],
    ]);
  });

  test('an image, as a data URL, for the price of one', async () => {
    const { value, text } = await asked({
      modelId: diffusion,
      task: 'text-to-image',
      inputs: 'A serene mountain landscape at sunset, photorealistic',
      parameters: { num_inference_steps: 50, guidance_scale: 7.5 },
    });
    assert.equal(value.success, true, text);
    assert.equal(value.result.image, `data:image/jpeg;base64,${jpeg.toString('base64')}`);
    assert.equal(value.cost_credits, 0.005);
  });

  test('labels of an image, best first', async () => {
    const { value, text } = await asked({
      modelId: vit,
      task: 'image-classification',
      inputs: `data:image/jpeg;base64,${jpeg.toString('base64')}`,
    });
    assert.equal(value.success, true, text);
    assert.equal(value.result[0].label, 'cheetah, chetah, Acinonyx jubatus');
    assert.ok(value.result[0].score > value.result[1].score);
    assert.deepEqual([hugging.calls.at(-1).headers['content-type'], hugging.calls.at(-1).body], ['image/jpeg', jpeg]);
  });

  for (const [name, status, body, wanted, code, message, retry] of [
    [
      '429',
      429,
      '{"error":"Too many"}',
      429,
      'upstream-rate-limited',
      'HuggingFace rate limit exceeded. Please try again later.',
      '30',
    ],
    [
      '503',
      503,
      '{"error":"Model x is currently loading","estimated_time":20.0}',
      503,
      'model-loading',
      'Model is loading. Please try again in a few seconds.',
      '20',
    ],
    [
      '401',
      401,
      '{"error":"Invalid username or password."}',
      401,
      'invalid-key',
      'Invalid or missing HUGGINGFACE_API_KEY',
    ],
    ['402', 402, '{"error":"You have exceeded your monthly included credits"}', 402, 'upstream-credits'],
    ['422 in plain text', 422, 'Failed to deserialize', 400, 'upstream-refused', 'Failed to deserialize'],
    ['500 with a page', 500, '<html>', 502, 'upstream-error'],
    ['a redirect', 302, '', 502, 'redirect-refused'],
  ])
    test(`${name} of Hugging Face`, async () => {
      const before = hugging.routes['/v1/chat/completions'];
      hugging.routes['/v1/chat/completions'] = (_, response) =>
        response
          .writeHead(status, {
            'content-type': body.startsWith('{') ? 'application/json' : 'text/plain',
            ...(status === 302 && { location: 'http://169.254.169.254/' }),
          })
          .end(body);
      const answer = await asked({ modelId: llama, task: 'text-generation', inputs: 'x' });
      hugging.routes['/v1/chat/completions'] = before;
      assert.deepEqual([answer.status, answer.value.success, answer.value.code], [wanted, false, code]);
      if (message !== undefined) assert.equal(answer.value.error, message);
      if (retry !== undefined) assert.equal(answer.headers.get('retry-after'), retry);
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    });

  test('a model that is recorded as missing, and one whose template is', async () => {
    const missing = await asked({
      modelId: 'this-model/does-not-exist-123',
      task: 'text-generation',
      inputs: '[MASK] world!',
    });
    assert.deepEqual(
      [missing.status, missing.value.code, missing.value.error],
      [404, 'model-not-served', 'Model this-model/does-not-exist-123 does not exist'],
    );
    const row = (await rows('this-model/does-not-exist-123')).at(-1);
    assert.deepEqual([row.kind, row.status, row.error_class], ['error', 'error', 'model-not-served']);
  });

  for (const [name, body, status, code] of [
    ['no model', { task: 'text-generation', inputs: 'x' }, 400, 'invalid-field'],
    [
      'a model that is not enabled',
      { modelId: 'owner/other', task: 'text-generation', inputs: 'x' },
      404,
      'model-not-enabled',
    ],
    ['another task than the model’s', { modelId: mistral, task: 'text-to-image', inputs: 'x' }, 400, 'wrong-task'],
    ['a task there is not', { modelId: mistral, task: 'constructor', inputs: 'x' }, 400, 'invalid-field'],
    ['no inputs', { modelId: mistral, task: 'text-generation' }, 400, 'invalid-field'],
    [
      'messages that are none',
      { modelId: mistral, task: 'text-generation', inputs: [{ role: 'tool', content: 1 }] },
      400,
      'invalid-field',
    ],
    [
      'parameters that are a list',
      { modelId: mistral, task: 'text-generation', inputs: 'x', parameters: [] },
      400,
      'invalid-field',
    ],
    [
      'an image by address',
      { modelId: vit, task: 'image-classification', inputs: 'http://169.254.169.254/' },
      400,
      'invalid-field',
    ],
    [
      'a stream of vectors',
      { modelId: minilm, task: 'feature-extraction', inputs: 'x', stream: true },
      400,
      'invalid-field',
    ],
  ])
    test(`refuses ${name}`, async () => {
      const calls = hugging.calls.length;
      const answer = await asked(body);
      assert.deepEqual([answer.status, answer.value.code], [status, code], answer.text);
      assert.equal(hugging.calls.length, calls, 'nothing was asked of Hugging Face');
    });

  test('texts are kept only where the company keeps them', async () => {
    await stage.call('config/company', { user: 'admin', method: 'PUT', body: { keepsText: true } });
    await asked({ modelId: mistral, task: 'text-generation', inputs: 'kept \u0000 \ud800' });
    const row = (await rows(mistral)).at(-1);
    assert.deepEqual([row.prompt, row.answer.length > 0], ['kept \ufffd \ufffd', true]);
    await stage.call('config/company', { user: 'admin', method: 'PUT', body: { keepsText: false } });
  });

  test('works with supabase.functions.invoke', async () => {
    const child = spawn(
      denoBinary(),
      [
        'run',
        ...denoFlags,
        `--allow-net=127.0.0.1:${String(stage.functions.port)}`,
        '--allow-env',
        fileURLToPath(new URL('invoke.ts', import.meta.url)),
        `http://127.0.0.1:${String(stage.functions.port)}`,
        stage.tokens.es256(users.member),
        mistral,
        minilm,
      ],
      { env: cacheEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    let failed = '';
    child.stdout.on('data', (text) => (said += text));
    child.stderr.on('data', (text) => (failed += text));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0, failed);
    const seen = JSON.parse(said);
    assert.equal(seen.generated.success, true);
    assert.equal(typeof seen.generated.result[0].generated_text, 'string');
    assert.ok(seen.generated.cost_credits > 0);
    assert.equal(seen.embedded, 768);
    assert.deepEqual([seen.refused.status, seen.refused.success, seen.refused.code], [404, false, 'model-not-enabled']);
    assert.match(seen.streamed, /"success":true/);
    assert.equal(seen.usage.verdicts[0].verdict, 'stored');
    assert.equal(typeof seen.config.id, 'string');
  });

  test('without a key: 401, as the requirements say; the key itself is in no answer and no line of the log', async () => {
    const all = [...stage.answers, ...stage.log].join('\n');
    assert.ok(!all.includes(key));
    assert.ok(hugging.calls.some(({ headers }) => headers.authorization === `Bearer ${key}`));
    const keyless = await start({ TIERWISE_ROUTER_URL: hugging.origin });
    try {
      const { status, value } = await keyless.call('huggingface-inference', {
        body: { modelId: llama, task: 'text-generation', inputs: 'x' },
      });
      assert.deepEqual([status, value.error], [401, 'Invalid or missing HUGGINGFACE_API_KEY']);
    } finally {
      await keyless.stop();
    }
  });
});
