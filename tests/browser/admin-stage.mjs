/**
 * Where the pages for administrators are tested: the built demo, served under the strict policy, in front of the backend of
 * `npm start` (functions under Deno, PostgreSQL, sign-in) with a Hub and Spaces of this file's own. Needs dist/ and build/demo.
 * Umbrella's Eve is made an administrator too, so that there are two companies that could look into each other.
 */
import path from 'node:path';

import postgres from 'postgres';

import { startBackend } from '../../web/backend/embedded/backend.mjs';
import { startDatabase } from '../../web/backend/embedded/database.mjs';
import { acme, people, umbrella } from '../../web/backend/embedded/people.mjs';
import { upstream, reply } from '../backend/functions-stage.mjs';
import { temporaryFolder } from '../backend/servers.mjs';
import { policy, readDemo } from './demo-stage.mjs';
import { serve } from './harness.mjs';

export { acme, umbrella };
export const ids = Object.fromEntries(people.map(({ name, id }) => [name, id]));
export const operatorsKey = 'hf_operators0123456789';

export async function startStage() {
  const { folder, remove } = temporaryFolder();
  const ends = [remove];
  const stop = async () => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
  };
  try {
    /** What the Hub says of keys and Spaces; a test may say otherwise. */
    const hub = await upstream({
      '/api/whoami-v2': (request, response) =>
        hub.accepted.has(request.headers.authorization)
          ? reply({ type: 'user', name: 'someone' })(request, response)
          : reply({ error: 'Invalid credentials in Authorization header' }, 401)(request, response),
    });
    ends.push(() => hub.close());
    hub.accepted = new Set([`Bearer ${operatorsKey}`]);
    const space = await upstream({
      '/v1/models': cors(reply({ object: 'list', data: [{ id: 'test-model', object: 'model' }] })),
      '/v1/chat/completions': cors((request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: {"model":"test-model","choices":[{"index":0,"delta":{"content":"ready"}}]}\n\n');
        response.end(
          'data: {"model":"test-model","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
        );
      }),
      '*': cors(reply({ error: 'not here' }, 404)),
    });
    ends.push(() => space.close());
    hub.setSpace = (id, stage) => {
      hub.routes[`/api/spaces/${id}/host`] = reply({ subdomain: id.replace('/', '-'), host: space.origin });
      hub.routes[`/api/spaces/${id}/runtime`] = reply({ stage, hardware: {} });
    };

    const config = {};
    const site = await serve(
      { ...readDemo(), '/config.json': (_, response) => reply(config)(_, response) },
      { headers: { 'content-security-policy': policy } },
    );
    ends.push(() => site.close());
    const database = await startDatabase({ folder: path.join(folder, 'data') });
    ends.push(() => database.stop());
    const log = [];
    const backend = await startBackend({
      port: 0,
      folder: path.join(folder, 'keys'),
      databaseUrl: database.adminUrl,
      origins: [site.origin],
      spaceHosts: [space.origin],
      env: { HUGGINGFACE_API_KEY: operatorsKey, TIERWISE_HUB_URL: hub.origin },
      onLine: (line) => log.push(line),
    });
    ends.push(() => backend.stop());
    const sql = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
    ends.push(() => sql.end({ timeout: 5 }));
    await sql`update tierwise.members set role = 'admin' where user_id = ${ids.Eve}`;
    Object.assign(config, { spaces: {}, backend: { url: backend.url, people: backend.people } });
    return { hub, space, site, database, backend, sql, log, config, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function cors(route) {
  return (request, response, body) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    return route(request, response, body);
  };
}

/** Signs in as the demo does and calls a function. */
export async function callAs(stage, name, pathname, { method, body } = {}) {
  stage.tokens ??= {};
  const { email, password } = people.find((person) => person.name === name);
  stage.tokens[name] ??= await fetch(`${stage.backend.url}/auth/v1/token?grant_type=password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  }).then(async (answer) => (await answer.json()).access_token);
  const answer = await fetch(`${stage.backend.url}/functions/v1/${pathname}`, {
    method: method ?? (body === undefined ? 'GET' : 'PUT'),
    headers: { authorization: `Bearer ${stage.tokens[name]}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, value: JSON.parse(text) };
}
