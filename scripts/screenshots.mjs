/**
 * The pictures of the README: `node scripts/screenshots.mjs`. Runs `npm start` with a data folder of its own, asks a visitor's
 * questions in Chromium, the later ones as the administrator, and writes docs/images/*.png. Needs Python.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'docs/images');
const wanted = [
  'welcome-wide-light',
  'why-wide-light',
  'why-wide-dark',
  'cache-wide-light',
  'usage-wide-light',
  'admin-wide-light',
  'health-wide-dark',
  'settings-wide-light',
  'chat-narrow-light',
];

const data = mkdtempSync(path.join(tmpdir(), 'tierwise-pictures-'));
// PostgreSQL does not run as root: its user must be let in.
chmodSync(data, 0o755);
const program = spawn(
  process.execPath,
  ['scripts/start.mjs', '--port', '5190', '--backend-port', '54390', '--data', path.join(data, 'backend')],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
);
const ended = new Promise((resolve) => program.once('exit', resolve));
const origin = await new Promise((resolve, reject) => {
  let found;
  createInterface({ input: program.stdout }).on('line', (line) => {
    found ??= /Tierwise demo\s+(http:\S+?)\/?$/.exec(line)?.[1];
    if (/Ready in/.test(line)) resolve(found);
  });
  void ended.then((code) => reject(new Error(`npm start ended with ${String(code)}.`)));
});
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
const questions = [
  'What happens while a Space is asleep?',
  'How is it decided which tier answers?',
  'What is the exact cache?',
  'What happens while a Space is asleep?',
  'Which keys does the page see?',
  'How is it decided which tier answers?',
];
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
    await page.goto(`${origin}/#/account`);
    await page.getByRole('button', { name: /^Ada/ }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.goto(`${origin}/#/chat`);
    for (const question of questions) await ask(question);
    for (const view of ['cache', 'usage', 'admin', 'health', 'settings']) {
      await page.goto(`${origin}/#/${view}`);
      if (view === 'usage') {
        // What waits is sent.
        await page.getByText('Everything recorded here is with the backend').waitFor();
        await page
          .locator('main label', { hasText: /^Company$/ })
          .first()
          .click();
        await page.getByText('Show table').first().waitFor();
      }
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
  program.kill('SIGTERM');
  await ended;
  rmSync(data, { recursive: true, force: true });
}
