/**
 * What the built package sends to a collector, against OpenTelemetry's published protocol: the messages that
 * @opentelemetry/otlp-transformer generated from its .proto files (opentelemetry-proto 1.3). Each payload must be read
 * without an error and come back as it was: a field that is spelled otherwise, or of another type, would be missing.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openConsumer } from './consumer.mjs';
import { pack } from './pack.mjs';

const script = `
import { createRequire } from 'node:module';
import { createClient } from 'tierwise';
const require = createRequire(import.meta.url);
const { opentelemetry } = require('./node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js');
const services = {
  '/v1/traces': opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest,
};

/** OTLP's JSON is protobuf's but for ids, which are hexadecimal. */
const idsToBase64 = (value, key) => {
  if (/^(traceId|spanId|parentSpanId)$/.test(key)) return Buffer.from(value, 'hex').toString('base64');
  if (Array.isArray(value)) return value.map((each) => idsToBase64(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, idsToBase64(inner, name)]));
};

const seen = {};
const chat = (text, status = 200) => new Response(
  status === 200
    ? 'data: ' + JSON.stringify({ model: 'tiny', choices: [{ index: 0, delta: { content: text }, finish_reason: 'stop' }], usage: { prompt_tokens: 12, completion_tokens: 34 } }) + '\\n\\ndata: [DONE]\\n\\n'
    : '{}',
  { status, headers: { 'content-type': status === 200 ? 'text/event-stream' : 'application/json' } },
);
let calls = 0;
const client = createClient({
  providers: { openai: { baseUrl: 'https://model.test/v1', model: 'tiny' } },
  prices: { providers: { openai: { models: { tiny: { inputPer1K: 1, outputPer1K: 2 } } } } },
  storage: 'memory',
  usage: { otlp: { url: 'https://otel.test', serviceName: 'shop' }, appVersion: '2.1' },
  fetch: async (input, init) => {
    const url = new URL(String(input));
    if (url.host !== 'otel.test') return ++calls === 2 ? chat('', 400) : chat('Hello.');
    const body = init.headers['content-encoding'] === 'gzip'
      ? await new Response(new Response(init.body).body.pipeThrough(new DecompressionStream('gzip'))).text()
      : init.body;
    const json = idsToBase64(JSON.parse(body));
    const type = services[url.pathname];
    const message = type.fromObject(json);
    const problem = type.verify(message);
    // Through bytes: what a collector that speaks protobuf would have.
    const back = type.toObject(type.decode(type.encode(message).finish()), { longs: String, bytes: String });
    (seen[url.pathname] ??= []).push({ problem, json, back });
    return Response.json({});
  },
});
await client.generate('Hi');
await client.generate('Another').catch(() => undefined);
await client.generate('Hi');
await client.flush();
client.close();
console.log(JSON.stringify(seen));
`;

let consumer;
before(async () => {
  const tarball = pack();
  consumer = await openConsumer('otlp', { '@opentelemetry/otlp-transformer': '0.57.2' }, { tarball });
});
after(() => consumer?.close());

/** Empty lists and objects say nothing on the wire. */
function withoutNothing(value) {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, withoutNothing(inner)])
    .filter(([, inner]) => typeof inner !== 'object' || Object.keys(inner).length > 0);
  return Object.fromEntries(kept);
}

test('spans and metrics are what the published protocol reads', async () => {
  consumer.write({ 'otlp.js': script });
  const { code, stdout, stderr } = await consumer.run('otlp.js');
  assert.equal(code, 0, stderr);
  const seen = JSON.parse(stdout);
  assert.deepEqual(Object.keys(seen).sort(), ['/v1/metrics', '/v1/traces']);
  for (const [where, payloads] of Object.entries(seen)) {
    for (const { problem, json, back } of payloads) {
      assert.equal(problem, null, `${where}: ${problem}`);
      assert.deepEqual(withoutNothing(back), withoutNothing(json), where);
    }
  }
  const [{ json: traces }] = seen['/v1/traces'];
  const spans = traces.resourceSpans[0].scopeSpans[0].spans;
  assert.deepEqual(
    spans.map(({ name, kind, status }) => [name, kind, status]),
    [
      ['chat tiny', 3, {}],
      ['chat tiny', 3, { code: 2 }],
      ['cache tiny', 1, {}],
    ],
  );
  const [{ json: metrics }] = seen['/v1/metrics'];
  assert.deepEqual(
    metrics.resourceMetrics[0].scopeMetrics[0].metrics.map(({ name }) => name),
    ['gen_ai.client.token.usage', 'gen_ai.client.operation.duration', 'gen_ai.client.operation.time_to_first_chunk'],
  );
});
