/**
 * A real OpenTelemetry Collector: its receiver of OTLP/HTTP and its file exporter, built from their published Go modules
 * with the project's own builder into the cache folder (Go 1.22 or later, some minutes, once). Test code.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { cacheFolder } from '../../scripts/venv.mjs';

export const version = '0.115.0';
const home = path.join(cacheFolder(), `otel-collector-${version}`);
export const program = path.join(home, 'otelcol');
export const isBuilt = () => existsSync(program);

const components = `dist: { name: otelcol, output_path: ./out }
receivers: [{ gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v${version} }]
exporters: [{ gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter v${version} }]
`;

/** Builds it where it is not there. Throws when there is no Go, with what to do. */
export function buildCollector() {
  if (isBuilt()) return;
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
  } catch {
    throw new Error('Building the OpenTelemetry Collector needs Go 1.22 or later: install it, and try again.');
  }
  const work = `${home}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  writeFileSync(path.join(work, 'builder.yaml'), components);
  const env = { ...process.env, GOFLAGS: '-mod=mod -modcacherw', GOPATH: path.join(work, 'go') };
  env.GOCACHE = path.join(work, 'build');
  execFileSync('go', ['run', `go.opentelemetry.io/collector/cmd/builder@v${version}`, '--config', 'builder.yaml'], {
    cwd: work,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  mkdirSync(home, { recursive: true });
  renameSync(path.join(work, 'out/otelcol'), program);
  rmSync(work, { recursive: true, force: true });
}

/**
 * Starts it on a free loopback port for pages of `origin`: `{ url, stop() }`. `stop` resolves to what it received, as OTLP's
 * JSON, in the order of arrival: `{ resourceSpans }` and `{ resourceMetrics }`.
 */
export async function startCollector(origin) {
  const folder = mkdtempSync(path.join(tmpdir(), 'otel-collector-'));
  const port = await freePort();
  const endpoint = `127.0.0.1:${port}`;
  const received = path.join(folder, 'received.json');
  const signal = { receivers: ['otlp'], exporters: ['file'] };
  const config = {
    receivers: {
      otlp: { protocols: { http: { endpoint, cors: { allowed_origins: [origin], allowed_headers: ['*'] } } } },
    },
    exporters: { file: { path: received } },
    service: { telemetry: { metrics: { level: 'none' } }, pipelines: { traces: signal, metrics: signal } },
  };
  const file = path.join(folder, 'config.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(program, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (const deadline = Date.now() + 20_000; !/Everything is ready/.test(said); await sleep(50)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The collector did not start:\n${said.slice(-4000)}`);
    }
  }
  return {
    url: `http://${endpoint}`,
    async stop() {
      // What it holds is written first.
      child.kill('SIGTERM');
      await ended;
      const lines = existsSync(received) ? readFileSync(received, 'utf8').trim().split('\n') : [];
      rmSync(folder, { recursive: true, force: true });
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
    },
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
