/**
 * The built package in Chromium, and a real OpenTelemetry Collector: every reply, failure and hit of the page is one span
 * there, and the tokens add up. Needs the collector in the cache folder: `npm run soak -- collector` builds it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isBuilt, startCollector, version } from '../servers/otel-collector.mjs';
import { launch } from './harness.mjs';
import { openPackage } from './served-package.mjs';

const skip = !isBuilt() && 'the OpenTelemetry Collector is not built: npm run soak -- collector';

test(`an OpenTelemetry Collector ${version} has each span once, and sums that are right`, { skip }, async () => {
  const browser = await launch();
  let answers = 0;
  const chat = (_, response) => {
    answers += 1;
    if (answers % 10 === 0) return response.writeHead(400, { 'content-type': 'application/json' }).end('{}');
    const choices = [{ index: 0, delta: { content: 'Hello.' }, finish_reason: 'stop' }];
    const part = { model: 'tiny', choices, usage: { prompt_tokens: 12, completion_tokens: 34 } };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return response.end(`data: ${JSON.stringify(part)}\n\ndata: [DONE]\n\n`);
  };
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*";
  const page = await openPackage(browser, { policy, more: { '/v1/chat/completions': chat } });
  const collector = await startCollector(page.origin);
  try {
    const { seen: events, failures } = await page.run(
      async (_, { url }) => {
        const { createClient } = await import('/pkg/dist/index.js');
        const client = createClient({
          providers: { openai: { baseUrl: `${location.origin}/v1`, model: 'tiny' } },
          usage: { otlp: { url, serviceName: 'shop' }, appVersion: '2.1' },
        });
        const seen = [];
        const failures = new Set();
        client.on('usage', ({ eventId, kind, inputTokens, outputTokens, at }) =>
          seen.push({ eventId, kind, inputTokens, outputTokens, at }),
        );
        for (let i = 0; i < 60; i += 1) {
          // Every third is asked again, and answered from the cache.
          await client
            .generate(`What is ${Math.floor(i / 3) * 3 === i ? i + 1 : i}?`)
            .catch((error) => failures.add(error.message));
        }
        for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
          await client.flush();
          if ((await client.waiting()) === 0) break;
        }
        client.close();
        return { seen, failures: [...failures] };
      },
      { url: collector.url },
    );
    const received = await collector.stop();
    const spans = received
      .flatMap(({ resourceSpans = [] }) => resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const ended = events.filter(({ kind }) => kind !== 'start');
    assert.deepEqual(
      spans.map(({ spanId }) => spanId).sort(),
      ended.map(({ eventId }) => eventId.replaceAll('-', '').slice(0, 16)).sort(),
    );
    assert.ok(ended.length > 30, `only ${ended.length}: ${failures.join()}`);
    for (const kind of ['complete', 'hit', 'error'])
      assert.ok(
        ended.some((event) => event.kind === kind),
        kind,
      );
    const points = received
      .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .filter(({ name }) => name === 'gen_ai.client.token.usage')
      .flatMap(({ histogram }) => histogram.dataPoints);
    const complete = events.filter(({ kind }) => kind === 'complete');
    const sum = (type) =>
      points
        .filter(({ attributes }) =>
          attributes.some(({ key, value }) => key === 'gen_ai.token.type' && value.stringValue === type),
        )
        .reduce((total, point) => total + point.sum, 0);
    assert.equal(sum('input'), 12 * complete.length);
    assert.equal(sum('output'), 34 * complete.length);
    assert.deepEqual(
      page.problems.filter((problem) => !/400 \(Bad Request\)/.test(problem)),
      [],
    );
  } finally {
    await page.close();
    await collector.stop().catch(() => undefined);
    await browser.close();
  }
});
