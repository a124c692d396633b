/**
 * Small model servers for what cannot be installed here (TGI, vLLM, OpenAI, litellm) and for the plain contract, built
 * from recorded exchanges and the servers' public sources: their framing, usage, errors and CORS rules, not their
 * models. And servers that do one thing wrong. Test code.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { bodyOf, cors, listen } from './loopback.mjs';

const words = ['Hello', ' from', ' a', ' small', ' server', ' caf\u00e9', ' \u65e5\u672c', ' \u{1F600}!'];
export const reply = words.join('');
const usage = { prompt_tokens: 7, completion_tokens: words.length, total_tokens: 7 + words.length };

/**
 * @param {'openai' | 'vllm' | 'litellm' | 'tgi3' | 'tgi2' | 'plain'} kind
 * @param {object} [options]
 *   apiKey: required as a bearer token; refuse: request fields answered with 400; model: name listed and sent;
 *   template: false = the model has no chat template; chat, stream: false = an old build without them;
 *   format: 'json' | 'array' | 'sse' | 'ndjson' | 'ndjson-cumulative' (plain); path (plain); echo: prompt before the
 *   answer (plain); delayMs: before each word; failAfter: words before an error inside the stream; noCors: answers
 *   other than the reply carry no CORS headers
 * @returns {Promise<{ origin: string, port: number, close: () => Promise<void>, requests: any[], cut: () => number }>}
 */
export async function startModelServer(kind, options = {}) {
  const requests = [];
  let cutByClient = 0;
  const serve = {
    openai: chatServer,
    vllm: chatServer,
    litellm: chatServer,
    tgi3: tgiServer,
    tgi2: tgiServer,
    plain: plainServer,
  }[kind];
  const server = await listen(async (request, response) => {
    const allowHeaders = kind.startsWith('tgi') ? 'content-type' : undefined;
    if (options.noCors !== true && cors(request, response, allowHeaders)) return;
    const body = await bodyOf(request);
    const json = body === '' ? undefined : JSON.parse(body);
    const { pathname } = new URL(request.url, 'http://localhost');
    requests.push({ method: request.method, path: pathname, headers: request.headers, json });
    response.on('close', () => {
      if (!response.writableEnded) cutByClient += 1;
    });
    const answer = { request, response, path: pathname, json, kind, options };
    if (options.apiKey !== undefined && request.headers.authorization !== `Bearer ${options.apiKey}`)
      return unauthorized(answer);
    return serve(answer);
  });
  return { ...server, requests, cut: () => cutByClient };
}

function send(response, status, value, type = 'application/json') {
  response.writeHead(status, { 'content-type': type }).end(typeof value === 'string' ? value : JSON.stringify(value));
}

function unauthorized({ response, kind }) {
  if (kind.startsWith('tgi')) return void response.writeHead(401).end();
  if (kind === 'vllm') return send(response, 401, { error: 'Unauthorized' });
  if (kind === 'litellm')
    return send(response, 401, {
      error: { message: 'Authentication Error', type: 'auth_error', param: 'None', code: '401' },
    });
  return send(response, 401, {
    error: {
      message: 'Incorrect API key provided: sk-wrong.',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    },
  });
}

function notFound({ response, kind }) {
  if (kind.startsWith('tgi')) return void response.writeHead(404).end();
  if (kind === 'plain') return send(response, 404, { detail: 'Not Found' });
  return send(response, 404, {
    error: { message: 'Unknown request URL', type: 'invalid_request_error', param: null, code: 'unknown_url' },
  });
}

function chatServer(answer) {
  const { response, path, json, kind, options } = answer;
  const model = options.model ?? 'tiny-chat';
  const owned = { openai: 'openai', vllm: 'vllm', litellm: 'openai' }[kind];
  if (path === '/v1/models') {
    return send(response, 200, {
      object: 'list',
      data: options.model === '' ? [] : [{ id: model, object: 'model', created: 1, owned_by: owned }],
    });
  }
  if (path !== '/v1/chat/completions') return notFound(answer);
  for (const field of options.refuse ?? []) {
    if (json[field] === undefined) continue;
    const instead = field === 'max_tokens' ? " Use 'max_completion_tokens' instead." : '';
    return send(response, options.refuseStatus ?? 400, {
      error: {
        message: `Unsupported parameter: '${field}' is not supported with this model.${instead}`,
        type: 'invalid_request_error',
        param: field,
        code: 'unsupported_parameter',
      },
    });
  }
  if (json.model === undefined && kind === 'vllm') {
    return send(response, 400, {
      error: { message: 'field required: model', type: 'Bad Request', param: null, code: 400 },
    });
  }
  if (json.stream !== true || options.stream === false) {
    return send(response, 200, {
      id: 'chat-1',
      object: 'chat.completion',
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: reply }, finish_reason: 'stop', logprobs: null }],
      usage,
    });
  }
  const chunk = (delta, finish = null, more = {}) => ({
    id: 'chat-1',
    object: 'chat.completion.chunk',
    created: 1,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...more,
  });
  const asked = json.stream_options?.include_usage === true;
  const frames = [chunk({ role: 'assistant', content: '' }), ...words.map((content) => chunk({ content }))];
  if (options.usage === 'last-content') frames.at(-1).usage = usage;
  if (options.usage === 'every')
    frames.forEach((frame, index) => (frame.usage = { ...usage, completion_tokens: index }));
  frames.push(chunk({}, 'stop', kind === 'vllm' ? { stop_reason: null } : {}));
  if (options.usage === 'every') frames.at(-1).usage = usage;
  if (asked && options.usage === undefined) {
    frames.push(
      kind === 'litellm'
        ? { ...chunk({}), choices: [{ index: 0, delta: {} }], usage }
        : { ...chunk({}), choices: [], usage },
    );
  }
  const error = {
    error: {
      message: 'The engine stopped.',
      type: kind === 'vllm' ? 'InternalServerError' : 'server_error',
      param: null,
      code: kind === 'litellm' ? '500' : 500,
    },
  };
  return stream(answer, frames, { error, done: options.done !== false });
}

function tgiServer(answer) {
  const { response, path, json, kind, options } = answer;
  const old = kind === 'tgi2';
  const model = options.model ?? 'tiny/tgi';
  if (path === '/info')
    return send(response, 200, {
      model_id: model,
      model_pipeline_tag: 'text-generation',
      version: old ? '2.0.1' : '3.0.1',
      router: 'text-generation-router',
    });
  if (path === '/health') return void response.writeHead(200).end();
  if (path === '/v1/models' && options.chat !== false) {
    return send(response, 200, { object: 'list', data: [{ id: model, object: 'model', created: 0, owned_by: model }] });
  }
  if (path === '/v1/chat/completions' && options.chat !== false) {
    if (options.template === false)
      return send(response, 422, { error: 'Template error: template not found', error_type: 'template_error' });
    const chunk = (content, finish = null) => ({
      object: old ? 'text_completion' : 'chat.completion.chunk',
      id: '',
      created: 1,
      model,
      system_fingerprint: old ? '2.0.1-sha-2d0a717' : '3.0.1-sha-bb9095a',
      choices: [{ index: 0, delta: { role: 'assistant', content }, logprobs: null, finish_reason: finish }],
      ...(old ? {} : { usage: null }),
    });
    const frames = [...words.map((word) => chunk(word)), old ? chunk('</s>', 'eos_token') : chunk('', 'stop')];
    if (!old && json.stream_options?.include_usage === true) frames.push({ ...chunk(''), choices: [], usage });
    return stream(answer, frames, {
      error: { error: { message: 'The engine stopped.', http_status_code: 422 } },
      done: !old,
      gap: old ? '' : ' ',
    });
  }
  const refused = json?.parameters?.temperature === 0 && {
    error: 'Input validation error: `temperature` must be strictly positive',
    error_type: 'validation',
  };
  const details = { finish_reason: 'eos_token', generated_tokens: words.length, input_length: 7, seed: null };
  if (path === '/generate_stream' && options.stream !== false) {
    if (refused) return stream(answer, [refused], { done: false, gap: '' });
    const token = (text, special = false) => ({
      index: 1,
      token: { id: 1, text, logprob: -0.1, special },
      generated_text: null,
      details: null,
    });
    const frames = [
      ...words.map((word) => token(word)),
      { ...token('</s>', true), generated_text: reply, details: json.parameters.details ? details : null },
    ];
    return stream(answer, frames, {
      error: { error: 'Request failed during generation: out of memory', error_type: 'generation' },
      done: false,
      gap: old ? '' : ' ',
    });
  }
  if (path === '/generate') {
    if (refused) return send(response, 422, refused);
    return send(response, 200, { generated_text: reply, ...(json.parameters.details && { details }) });
  }
  return notFound(answer);
}

function plainServer(answer) {
  const { request, response, path, json, options } = answer;
  if (path !== (options.path ?? '/api/generate')) return notFound(answer);
  if (request.method !== 'POST') return send(response, 405, { detail: 'Method Not Allowed' });
  const { format = 'json', echo = false } = options;
  const text = echo ? `${json.inputs}${reply}` : reply;
  if (format === 'json') return send(response, 200, { generated_text: text });
  if (format === 'array') return send(response, 200, [{ generated_text: text }]);
  if (format === 'error') return send(response, 200, { error: 'The model is not loaded.' });
  if (format === 'sse')
    return stream(
      answer,
      words.map((word) => ({ token: { text: word, special: false } })),
      { done: false },
    );
  if (format === 'sse-text') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const word of words) response.write(`data: ${JSON.stringify(word)}\n\n`);
    return void response.end();
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  let whole = '';
  for (const word of words) {
    whole += word;
    response.write(`${JSON.stringify(format === 'ndjson' ? { text: word } : { generated_text: whole })}\n`);
  }
  return void response.end();
}

async function stream({ response, options }, frames, { error, done, gap = ' ' }) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const data = (value) => response.write(`data:${gap}${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  for (const [index, frame] of frames.entries()) {
    if (index === options.failAfter) {
      data(error);
      break;
    }
    if (options.delayMs !== undefined) await sleep(options.delayMs);
    if (response.destroyed) return;
    data(frame);
  }
  if (done) data('[DONE]');
  response.end();
}

/**
 * A server that does one thing wrong to every call.
 * @param {object} fault  status (with body, type, headers) | fault: 'html' | 'truncated-json' | 'wrong-type' |
 *   'empty-stream' | 'empty' | 'cut' (at: bytes) | 'endless' | 'huge' | 'redirect' (to) | 'slow-headers' | 'stall'
 */
export async function startFaultServer(fault) {
  let sent = 0;
  let cutByClient = 0;
  const server = await listen(async (request, response) => {
    if (cors(request, response)) return;
    await bodyOf(request);
    const closed = new Promise((resolve) => response.once('close', resolve));
    void closed.then(() => {
      if (!response.writableEnded) cutByClient += 1;
    });
    const frame = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })}\n\n`;
    const asStream = () => response.writeHead(200, { 'content-type': 'text/event-stream' });
    switch (fault.fault) {
      case 'html':
        return send(
          response,
          fault.status ?? 200,
          '<!DOCTYPE html><html><head><title>Your Space</title></head><body>Hi</body></html>',
          'text/html',
        );
      case 'truncated-json':
        return send(response, 200, '{"choices":[{"index":0,"message":{"role":"assistant","content":"Hel');
      case 'wrong-type':
        return send(response, 200, '\u0089PNG\r\n not an image', 'image/png');
      case 'empty-stream':
        return void asStream().end();
      case 'empty':
        return void response.writeHead(200, { 'content-type': 'application/json' }).end();
      case 'cut':
        asStream().write(frame.repeat(3).slice(0, fault.at));
        return void setTimeout(() => response.destroy(), 20);
      case 'endless': {
        asStream().write('data: {"choices":[{"index":0,"delta":{"content":"');
        const piece = 'x'.repeat(65536);
        while (!response.destroyed) {
          sent += piece.length;
          if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
        }
        return undefined;
      }
      case 'huge': {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1024 ** 3 });
        const piece = Buffer.alloc(65536, 0x20);
        while (!response.destroyed && sent < 1024 ** 3) {
          sent += piece.length;
          if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
        }
        return undefined;
      }
      case 'redirect':
        return void response.writeHead(fault.status ?? 307, { location: fault.to }).end();
      case 'slow-headers':
        return undefined;
      case 'stall':
        return void asStream().write(frame);
      default:
        response.writeHead(fault.status, { 'content-type': fault.type ?? 'application/json', ...fault.headers });
        return void response.end(fault.body ?? '');
    }
  });
  return { ...server, sent: () => sent, cut: () => cutByClient };
}
