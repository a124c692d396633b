/**
 * A simulated Hugging Face Hub and the hosts of its Spaces. TEST CODE: built from recorded exchanges and from what is
 * publicly known of the Hub's protocol (host, runtime stages, rate limits, 401 for what is missing or private), not from
 * the Hub's own code. What `*.hf.space` answers while a Space does not run is not known; here it is a page without CORS
 * headers, which is the worst a web page can meet.
 *
 * Time comes from `now()`, so a test may run it on a fake clock. A Space that sleeps begins to wake at the first visit
 * to its host and goes through `waking` ([ms after the visit, stage] pairs). `app` answers once it runs: the origin of
 * a real server, or a function from Request to Response.
 *
 * Two ways in: `fetch` (in process; shows a browser's view: answers without CORS headers are a TypeError, and no-cors
 * answers are opaque), and `serve()` (HTTP or HTTPS on loopback, told apart by the Host header, for Chromium's
 * `--host-resolver-rules`: see `chromiumFlags`).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as forward } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { listen } from './loopback.mjs';

const window = 300_000;

/**
 * @typedef {{ id: string, sdk?: string, stage?: string, waking?: [number, string][], private?: boolean, token?: string,
 *   sha?: string, errorMessage?: string, host?: string, app?: string | ((request: Request) => Response | Promise<Response>) }} SpaceScript
 */
export class HubSimulator {
  /** Every call: { method, host, path, authorization, at }. */
  calls = [];
  #spaces = new Map();
  #now;
  #quota;
  #exposeRateLimit;
  #windowStart = 0;
  #used = 0;
  #down = false;
  #hubHost;

  /**
   * @param {SpaceScript[]} spaces
   * @param {{ now?: () => number, quota?: number, exposeRateLimit?: boolean, hubHost?: string }} [options]
   *   quota: API calls in 5 minutes (500 for anonymous callers of the real one)
   */
  constructor(spaces, { now = Date.now, quota = 500, exposeRateLimit = false, hubHost = 'huggingface.co' } = {}) {
    this.#now = now;
    this.#quota = quota;
    this.#exposeRateLimit = exposeRateLimit;
    this.#hubHost = hubHost;
    this.#windowStart = now();
    for (const space of spaces) this.set(space);
  }

  /** Adds a Space, or changes one. */
  set(space) {
    const subdomain = space.id.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const known = this.#spaces.get(space.id.toLowerCase());
    this.#spaces.set(space.id.toLowerCase(), {
      sdk: 'gradio',
      stage: 'RUNNING',
      waking: [],
      sha: 'a1b2c3',
      visitedAt: undefined,
      ...known,
      ...space,
      subdomain,
    });
  }

  /** The Hub's API does not answer at all. */
  set down(down) {
    this.#down = down;
  }

  /** Calls to the Hub's API, or to one path of it. */
  apiCalls(pattern = /^\/api\//) {
    return this.calls.filter(({ host, path: called }) => host === this.#hubHost && pattern.test(called));
  }

  stageOf(space) {
    if (space.visitedAt === undefined || space.waking.length === 0) return space.stage;
    const since = this.#now() - space.visitedAt;
    return space.waking.filter(([after]) => after <= since).at(-1)?.[1] ?? space.stage;
  }

  /** One call, any host. Answers { status, headers, body } or { forward: app }. */
  handle({ method, host, path: called, headers }) {
    const authorization = headers.get('authorization') ?? undefined;
    this.calls.push({ method, host, path: called, authorization, at: this.#now() });
    return host === this.#hubHost
      ? this.#api(called, authorization, headers.get('origin'))
      : this.#space(host, authorization);
  }

  #api(called, authorization, origin) {
    if (this.#down) return { unreachable: true };
    const cors = {
      'access-control-allow-origin': origin ?? '*',
      'access-control-expose-headers': `X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link${this.#exposeRateLimit ? ',RateLimit,RateLimit-Policy,Retry-After' : ''}`,
      'content-type': 'application/json; charset=utf-8',
      vary: 'Origin',
    };
    const json = (status, value, more = {}) => ({ status, headers: { ...cors, ...more }, body: JSON.stringify(value) });
    const now = this.#now();
    if (now - this.#windowStart >= window) [this.#windowStart, this.#used] = [now, 0];
    this.#used += 1;
    const left = Math.max(0, this.#quota - this.#used);
    const reset = Math.ceil((this.#windowStart + window - now) / 1000);
    const rate = {
      ratelimit: `"api";r=${left};t=${reset}`,
      'ratelimit-policy': `"fixed window";"api";q=${this.#quota};w=${window / 1000}`,
    };
    if (this.#used > this.#quota) return json(429, { error: 'Too many requests' }, rate);

    if (called === '/api/whoami-v2') {
      return authorization === undefined
        ? json(401, { error: 'Invalid username or password.' }, rate)
        : json(200, { type: 'user', name: 'tester' }, rate);
    }
    const bySubdomain = /^\/api\/spaces\/by-subdomain\/([^/]+)$/.exec(called);
    const byId = /^\/api\/spaces\/([^/]+\/[^/]+?)(?:\/(host|runtime|jwt))?$/.exec(called);
    const space =
      bySubdomain !== null
        ? [...this.#spaces.values()].find(({ subdomain }) => subdomain === bySubdomain[1])
        : byId === null
          ? undefined
          : this.#spaces.get(byId[1].toLowerCase());
    if (space === undefined || (space.private === true && authorization !== `Bearer ${space.token}`)) {
      return authorization === undefined
        ? json(401, { error: 'Invalid username or password.' }, rate)
        : json(404, { error: 'Repository not found' }, rate);
    }
    const host = space.host ?? `https://${space.subdomain}.hf.space`;
    const stage = this.stageOf(space);
    const runtime = {
      stage,
      hardware: { current: stage === 'RUNNING' ? 'cpu-basic' : null, requested: 'cpu-basic' },
      storage: null,
      gcTimeout: 172800,
      replicas: { requested: 1 },
      devMode: false,
      domains: [{ domain: new URL(host).host, stage: 'READY' }],
      ...(space.errorMessage !== undefined && { errorMessage: space.errorMessage }),
    };
    switch (byId?.[2]) {
      case 'host':
        return json(200, { subdomain: space.subdomain, host }, rate);
      case 'runtime':
        return json(200, runtime, rate);
      case 'jwt':
        return json(200, { token: 'simulated.jwt' }, rate);
      default:
        return json(
          200,
          {
            _id: '67cae56f9b4f4ee4713c83e7',
            id: space.id,
            sdk: space.sdk,
            sha: space.sha,
            private: space.private === true,
            subdomain: space.subdomain,
            runtime,
          },
          rate,
        );
    }
  }

  #space(host, authorization) {
    const space = [...this.#spaces.values()].find(
      (known) => host === (known.host === undefined ? `${known.subdomain}.hf.space` : new URL(known.host).host),
    );
    const page = (status, title) => ({
      status,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: `<!DOCTYPE html><html><head><title>${title}</title></head><body></body></html>`,
    });
    if (space === undefined) return page(404, 'Sorry, we can\u2019t find the page you are looking for');
    if (space.private === true && authorization !== `Bearer ${space.token}`) return page(401, 'Unauthorized');
    if (space.stage === 'SLEEPING' || space.stage === 'STOPPED') space.visitedAt ??= this.#now();
    const stage = this.stageOf(space);
    if (!stage.startsWith('RUNNING') || stage === 'RUNTIME_ERROR')
      return page(503, `Your Space is ${stage.toLowerCase()}`);
    return space.app === undefined ? page(404, 'nothing here') : { app: space.app };
  }

  /** As a page's fetch would see it. Paths of other hosts than the simulated ones go to the real fetch. */
  get fetch() {
    return async (input, init = {}) => {
      const url = new URL(input);
      if (
        url.host !== this.#hubHost &&
        !url.host.endsWith('.hf.space') &&
        ![...this.#spaces.values()].some(({ host }) => host !== undefined && new URL(host).host === url.host)
      ) {
        return fetch(input, init);
      }
      if (init.signal?.aborted) throw init.signal.reason;
      const headers = new Headers(init.headers);
      headers.set('origin', 'https://page.test');
      const method = init.method ?? 'GET';
      const answer = this.handle({ method, host: url.host, path: url.pathname, headers });
      if (answer.unreachable) throw new TypeError('Failed to fetch');
      if (init.mode === 'no-cors') return new Response(null, { status: 200 });
      if (answer.app !== undefined) {
        return typeof answer.app === 'string'
          ? fetch(answer.app + url.pathname + url.search, init)
          : answer.app(new Request(input, init));
      }
      if (answer.headers['access-control-allow-origin'] === undefined) throw new TypeError('Failed to fetch');
      const visible = new Headers({ 'content-type': answer.headers['content-type'] });
      for (const name of (answer.headers['access-control-expose-headers'] ?? '').toLowerCase().split(',')) {
        if (answer.headers[name] !== undefined) visible.set(name, answer.headers[name]);
      }
      return new Response(answer.body, { status: answer.status, headers: visible });
    };
  }

  /** @param {{ tls?: boolean }} [options]  tls: with a certificate nobody trusts (`--ignore-certificate-errors`) */
  async serve({ tls = false } = {}) {
    const server = await listen((request, response) => void this.#answer(request, response), {
      ...(tls && { tls: selfSigned() }),
    });
    return {
      ...server,
      chromiumFlags: [
        `--host-resolver-rules=MAP *.hf.space 127.0.0.1:${server.port}, MAP ${this.#hubHost} 127.0.0.1:${server.port}`,
        '--ignore-certificate-errors',
      ],
    };
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, 'http://localhost');
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    if (request.method === 'OPTIONS') {
      // Hub and hf.space proxy mirror preflights.
      response.writeHead(204, {
        'access-control-allow-origin': request.headers.origin ?? '*',
        'access-control-allow-methods': request.headers['access-control-request-method'] ?? '',
        'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '',
        'access-control-max-age': '600',
      });
      return void response.end();
    }
    const answer = this.handle({ method: request.method, host: request.headers.host, path: pathname, headers });
    if (answer.unreachable) return void response.destroy();
    if (answer.app === undefined) return void response.writeHead(answer.status, answer.headers).end(answer.body);
    if (typeof answer.app === 'string') {
      const onward = forward(
        new URL(request.url, answer.app),
        { method: request.method, headers: request.headers },
        (reply) => {
          response.writeHead(reply.statusCode, reply.headers);
          reply.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      return void request.pipe(onward);
    }
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = ['GET', 'HEAD'].includes(request.method) ? undefined : Buffer.concat(parts);
    const reply = await answer.app(
      new Request(`https://${request.headers.host}${request.url}`, { method: request.method, headers, body }),
    );
    response.writeHead(reply.status, Object.fromEntries(reply.headers));
    if (reply.body !== null) for await (const part of reply.body) response.write(part);
    response.end();
  }
}

function selfSigned() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tierwise-tls-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=simulated',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
