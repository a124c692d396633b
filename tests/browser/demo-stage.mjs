/**
 * The built demo with the whole backend behind it: PostgreSQL, functions, sign-in, and two Spaces of this file's own (OpenAI's
 * shape; `base` says `cheap-model`, which has a price, `company` says `unknown-model`, which has none).
 * `startStage()` gives all of it, `stop()` ends it; what a page logs as an error or violates of its policy is in `problems`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

import { startBackend } from '../../web/backend/embedded/backend.mjs';
import { kinds, newDatabase, startServer, temporaryFolder } from '../backend/servers.mjs';
import { launch, root, serve } from './harness.mjs';

export const policy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:";
export const wide = { width: 1440, height: 900 };
export const narrow = { width: 390, height: 844 };

export async function startStage({ tokenSeconds } = {}) {
  const ends = [];
  const stop = () => ends.reverse().reduce((before, end) => before.then(end, end), Promise.resolve());
  try {
    const browser = await launch();
    ends.push(() => browser.close());
    const base = await startSpace('cheap-model');
    const company = await startSpace('unknown-model');
    ends.push(base.close, company.close);
    const running = await startServer(kinds[0]);
    ends.push(() => running.stop());
    const database = await newDatabase(running.server, { migrated: false });
    ends.push(() => database.close());
    const config = {};
    const site = await serve(
      {
        ...readDemo(),
        '/config.json': (_, response) =>
          response.setHeader('content-type', 'application/json').end(JSON.stringify(config)),
      },
      { headers: { 'content-security-policy': policy } },
    );
    ends.push(() => site.close());
    const { folder, remove } = temporaryFolder();
    ends.push(remove);
    const backend = await startBackend({
      port: 0,
      databaseUrl: database.adminUrl,
      folder,
      origins: [site.origin],
      spaceHosts: [base.url, company.url],
      env: {},
      ...(tokenSeconds !== undefined && { tokenSeconds }),
    });
    ends.push(() => backend.stop());
    const sql = database.admin;
    for (const [tier, { url }] of Object.entries({ base, company }))
      await sql`insert into public.hf_spaces_config (space_name, space_type, space_url, protocol) values (${tier}, ${tier}, ${url}, 'openai')`;
    await sql`insert into tierwise.prices (provider, model, input_per_1k, output_per_1k, source)
      values ('space', 'cheap-model', 0.01, 0.03, 'test')`;
    config.spaces = { base: { url: base.url } };
    config.backend = { url: backend.url, people: backend.people };
    return { browser, spaces: { base, company }, site, config, backend, sql, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The files of build/demo as routes. */
export function readDemo() {
  const folder = path.join(root, 'build/demo');
  const routes = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const type = entry.name.endsWith('.svg') ? { type: 'image/svg+xml' } : {};
    routes[`/${path.relative(folder, file).split(path.sep).join('/')}`] = { body: readFileSync(file), ...type };
  }
  return { ...routes, '/': routes['/index.html'] };
}

async function startSpace(model) {
  const calls = [];
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': '*',
    'access-control-allow-methods': '*',
  };
  const server = createServer(async (request, response) => {
    const json = (status, value) =>
      response.writeHead(status, { ...cors, 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
    if (request.url === '/v1/models') return json(200, { object: 'list', data: [{ id: model, object: 'model' }] });
    if (request.url !== '/v1/chat/completions') return json(404, { error: { message: 'not here' } });
    let body = '';
    for await (const chunk of request) body += chunk;
    const prompt = JSON.parse(body).messages.at(-1).content;
    calls.push({ prompt, authorization: request.headers.authorization, origin: request.headers.origin });
    if (prompt.includes('refuse')) return json(400, { error: { message: 'Not this one.' } });
    response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' });
    const send = (value) => response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
    send({ model, choices: [{ index: 0, delta: { content: `You asked about ${prompt}.` } }] });
    await new Promise((resolve) => setTimeout(resolve, 30));
    send({ model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    send({ model, choices: [], usage: { prompt_tokens: 100, completion_tokens: 50 } });
    send('[DONE]');
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** A browser context with one page on the demo. */
export async function openDemo(stage, { viewport = wide, hash = '', ...options } = {}) {
  const context = await stage.browser.newContext({ viewport, acceptDownloads: true, ...options });
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${stage.site.origin}/${hash}`);
  await page.locator('h1').waitFor({ state: 'attached' });
  const answers = () => page.getByRole('article', { name: 'Answer' });
  return {
    context,
    page,
    problems,
    answer: () => answers().last(),
    async go(place) {
      await page.goto(`${stage.site.origin}/#/${place}`);
      await page.locator('h1').waitFor({ state: 'attached' });
    },
    async ask(question) {
      const before = await answers().count();
      const composer = page.getByRole('textbox', { name: 'Your question' });
      await composer.fill(question);
      await composer.press('Enter');
      await answers().nth(before).waitFor();
      await page.locator('.answer[aria-busy="true"]').waitFor({ state: 'detached' });
    },
    /** As one of the development people, by one click. */
    async signIn(name) {
      await page.goto(`${stage.site.origin}/#/account`);
      await page
        .getByRole('status')
        .filter({ hasText: /You are (not )?signed in\./ })
        .waitFor();
      if ((await page.getByRole('button', { name: 'Sign out' }).count()) > 0) await this.signOut();
      await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
      await page.getByRole('heading', { level: 2, name, exact: true }).waitFor();
    },
    async signOut() {
      await page.goto(`${stage.site.origin}/#/account`);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are not signed in.').waitFor();
    },
  };
}
