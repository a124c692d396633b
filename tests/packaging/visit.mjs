/**
 * Opens a consumer's page in real Chromium and waits until it has put its result into `globalThis.outcome`.
 * The addresses of the model servers go into the page's query. Everything the page logs as an error or a warning,
 * throws, or violates of its policy is kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const kLimit = 90_000;
/** `core.wasm` in base64 begins with it. */
const base64Start = 'AGFzbQ';

/**
 * @param {import('playwright-core').Browser} browser
 * @returns {Promise<{ outcome: any, problems: string[], core: { file: boolean, copy: boolean }, workers: number, ms: number }>}
 *   core: which of the two was downloaded, core.wasm or the chunk with its base64 copy; workers: alive at the end
 */
export async function visit(browser, address, servers) {
  const startedAt = Date.now();
  const context = await browser.newContext();
  const problems = [];
  const responses = [];
  context.on('response', (response) => responses.push(response));
  // Browsers ask for it by themselves; it is no part of a consumer.
  await context.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
  await context.exposeFunction('reportViolation', (text) => problems.push(text));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      globalThis.reportViolation(`violates ${event.violatedDirective}: ${event.blockedURI}`),
    );
  });
  try {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`${address}?servers=${encodeURIComponent(JSON.stringify(servers))}`);
    let outcome;
    while (outcome === undefined) {
      if (Date.now() - startedAt > kLimit) throw new Error(`The page gave no result:\n${problems.join('\n')}`);
      await sleep(50);
      // A dev server may reload the page meanwhile.
      outcome = await page.evaluate('globalThis.outcome').catch(() => undefined);
    }
    await sleep(100);
    const workers = page.workers().length;
    return { outcome, problems, core: await coreOf(responses), workers, ms: Date.now() - startedAt };
  } finally {
    await context.close();
  }
}

async function coreOf(responses) {
  const core = { file: false, copy: false };
  for (const response of responses) {
    const body = await response.body().catch(() => Buffer.alloc(0));
    if (body.subarray(0, 4).equals(Buffer.from('\0asm'))) core.file = true;
    else if (/script/.test(response.headers()['content-type'] ?? '') && body.includes(base64Start)) core.copy = true;
  }
  return core;
}
