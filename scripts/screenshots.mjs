/**
 * The pictures of the README: `node scripts/screenshots.mjs`. Starts the three Spaces and the built demo on loopback,
 * asks a visitor's questions in Chromium, and writes docs/images/*.png. Needs dist/, build/demo and Python.
 */
import { createServer } from 'node:http';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { startSpaces } from './space.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'docs/images');
const wanted = [
  'welcome-wide-light',
  'why-wide-light',
  'why-wide-dark',
  'cache-wide-light',
  'health-wide-dark',
  'settings-wide-light',
  'chat-narrow-light',
];
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const spaces = await startSpaces({ onProgress: (message) => console.log(message) });
const config = {
  spaces: Object.fromEntries(['base', 'company', 'abstraction'].map((tier) => [tier, { url: spaces[tier] }])),
};
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/config.json')
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(config));
  const file = path.join(root, 'build/demo', pathname === '/' ? 'index.html' : path.normalize(pathname));
  try {
    response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'text/plain' }).end(await readFile(file));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.TIERWISE_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
mkdirSync(folder, { recursive: true });

try {
  for (const [name, viewport, colorScheme] of [
    ['wide-light', { width: 1360, height: 850 }, 'light'],
    ['wide-dark', { width: 1360, height: 850 }, 'dark'],
    ['narrow-light', { width: 390, height: 844 }, 'light'],
  ]) {
    const narrow = viewport.width < 700;
    const context = await browser.newContext({ viewport, colorScheme, isMobile: narrow, hasTouch: narrow });
    const page = await context.newPage();
    const picture = async (view) => {
      if (!wanted.includes(`${view}-${name}`)) return;
      await page.waitForTimeout(300);
      await page.screenshot({ path: path.join(folder, `${view}-${name}.png`) });
    };
    const ask = async (question) => {
      const before = await page.locator('.answer').count();
      await page.locator('.composer textarea').fill(question);
      await page.locator('.composer textarea').press('Enter');
      await page.locator('.answer').nth(before).waitFor();
      await page.locator('.answer[aria-busy="true"]').waitFor({ state: 'detached' });
    };
    await page.goto(origin);
    await page.locator('.questions button').first().waitFor();
    await picture('welcome');
    await ask('What happens while a Space is asleep?');
    await ask('How is it decided which tier answers?');
    await ask('What happens while a Space is asleep?');
    await picture('chat');
    await page.getByRole('button', { name: 'Why?' }).nth(1).click();
    await picture('why');
    for (const view of ['cache', 'usage', 'health', 'settings']) {
      await page.goto(`${origin}/#/${view}`);
      if (view === 'health') {
        await page.getByRole('button', { name: 'Test Connection' }).first().click();
        await page.locator('.verdict').waitFor();
      }
      await picture(view);
    }
    await context.close();
  }
} finally {
  await browser.close();
  server.close();
  await spaces.stop();
}
