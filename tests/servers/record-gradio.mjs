/**
 * Records what real Gradio servers answer, for the tests that replay it byte by byte:
 *
 *   node tests/servers/record-gradio.mjs
 *
 * writes tests/fixtures/gradio/<version>.json: `apps` (the /config and /info of each app of gradio_app.py, cut down to
 * the fields and functions that matter) and `exchanges` (one call each: the order, and every response as it came,
 * in order). Addresses are rewritten to http://gradio.test. Run it again when gradio_app.py changes.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { bundle, root } from '../browser/harness.mjs';
import { gradioVersions, startGradio } from './gradio-servers.mjs';

const host = 'http://gradio.test';
const conversation = [
  { role: 'system', content: 'SYS' },
  { role: 'user', content: 'q1' },
  { role: 'assistant', content: 'a1' },
  { role: 'user', content: 'q2' },
];
const orders = [
  ['suite', { endpoint: 'echo', prompt: 'hello there' }],
  ['suite', { endpoint: 'rewrite' }],
  ['suite', { endpoint: 'unicode' }],
  ['suite', { endpoint: 'progress' }],
  ['suite', { endpoint: 'log_lines' }],
  ['suite', { endpoint: 'count' }],
  ['suite', { endpoint: 'converse', messages: conversation }],
  ['suite', { endpoint: 'generate', messages: conversation }],
  ['suite', { endpoint: 'picture' }],
  ['suite', { endpoint: 'partly' }],
  ['suite', { endpoint: 'many' }],
  ...['error', 'silent', 'plain', 'quota', 'late'].map((prompt) => ['suite', { endpoint: 'fail', prompt }]),
  ['chat', { messages: conversation }],
  ['interface', {}],
];
const propsKept = ['label', 'value', 'minimum', 'maximum', 'step', 'type', 'multiselect'];
const dependencyKept = [
  'id',
  'inputs',
  'outputs',
  'api_name',
  'api_visibility',
  'show_api',
  'queue',
  'types',
  'backend_fn',
];
const configKept = [
  'version',
  'protocol',
  'api_prefix',
  'root',
  'mode',
  'enable_queue',
  'show_error',
  'space_id',
  'auth_required',
];

const folder = path.join(root, 'tests/fixtures/gradio');
await mkdir(folder, { recursive: true });
const module = path.join(tmpdir(), `gradio-in-page-${process.pid}.mjs`);
await writeFile(module, await bundle('tests/browser/gradio-in-page.ts'));
const { ask } = await import(pathToFileURL(module));
await rm(module);

const realFetch = globalThis.fetch;
for (const name of Object.keys(gradioVersions)) {
  const server = await startGradio(name, { onProgress: console.log });
  const apps = {};
  const exchanges = [];
  try {
    for (const app of ['suite', 'chat', 'interface']) {
      const config = await (await realFetch(`${server.origin}/${app}/config`)).json();
      const info = await (await realFetch(`${server.origin}/${app}${config.api_prefix ?? ''}/info`)).json();
      apps[app] = elsewhere({ config: trimConfig(config), info: trimInfo(info) }, server.origin);
    }
    for (const [app, order] of orders) {
      for (const way of ['queue', '/call']) {
        const responses = [];
        globalThis.fetch = recordingFetch(way, responses);
        const answer = await ask({ base: `${server.origin}/${app}`, ...order });
        globalThis.fetch = realFetch;
        const { result, facts, shown } = answer;
        exchanges.push(elsewhere({ app, order, way, responses, outcome: { result, facts, shown } }, server.origin));
      }
    }
  } finally {
    globalThis.fetch = realFetch;
    await server.stop();
  }
  const made = `tests/servers/record-gradio.mjs with gradio ${server.version}`;
  const file = path.join(folder, `${server.version}.json`);
  const lines = exchanges.map((exchange) => JSON.stringify(exchange)).join(',\n');
  await writeFile(
    file,
    `{"made":${JSON.stringify(made)},\n"version":${JSON.stringify(server.version)},\n"apps":${JSON.stringify(apps)},\n"exchanges":[\n${lines}\n]}\n`,
  );
  console.log(`${file}: ${exchanges.length} exchanges`);
}

/** Keeps the responses of the call itself; refuses the queue when the other way is to be recorded. */
function recordingFetch(way, responses) {
  return async (input, init) => {
    const url = new URL(String(input));
    if (way === '/call' && /\/queue\//.test(url.pathname)) return new Response('', { status: 404 });
    const response = await realFetch(input, init);
    if (/\/(config|info)$/.test(url.pathname)) return response;
    const body = await response.text();
    const { status } = response;
    const type = response.headers.get('content-type') ?? '';
    responses.push({ method: init?.method ?? 'GET', path: url.pathname, status, type, body });
    return new Response(body, { status, headers: { 'content-type': type } });
  };
}

function trimConfig(config) {
  const used = new Set(config.dependencies.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  return {
    ...pick(config, configKept),
    components: config.components
      .filter(({ id }) => used.has(id))
      .map(({ id, type, skip_api, props }) => ({ id, type, skip_api, props: pick(props, propsKept) })),
    dependencies: config.dependencies.map((dependency) => pick(dependency, dependencyKept)),
  };
}

function trimInfo({ named_endpoints: named }) {
  const trimmed = Object.entries(named).map(([name, { parameters }]) => [
    name,
    { parameters: parameters.map((parameter) => pick(parameter, ['parameter_name', 'component'])) },
  ]);
  return { named_endpoints: Object.fromEntries(trimmed) };
}

function pick(object, keys) {
  return Object.fromEntries(keys.filter((key) => key in object).map((key) => [key, object[key]]));
}

function elsewhere(value, origin) {
  return JSON.parse(JSON.stringify(value).replaceAll(origin, host));
}
