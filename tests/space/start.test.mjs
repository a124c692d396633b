/** What scripts/space.mjs starts: three tiers on loopback, each with its own knowledge, gone when nobody needs them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SetupError, findPython, startSpace, startSpaces } from '../../scripts/space.mjs';

const script = fileURLToPath(new URL('../../scripts/space.mjs', import.meta.url));
const python = await findPython();
if (python === undefined) console.log('skipped: no Python 3.10 or newer here');
const options = { skip: python === undefined };

let spaces;
let taken;
before(async () => {
  if (python === undefined) return;
  taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  spaces = await startSpaces({ ports: { company: taken.address().port }, env: { WORD_DELAY_MS: '1' } });
});
after(async () => {
  await spaces?.stop();
  taken?.close();
});

async function ask(url, prompt) {
  const reply = await fetch(`${url}/api/generate`, { method: 'POST', body: JSON.stringify({ inputs: prompt }) });
  return (await reply.json()).generated_text;
}

const firstQuestions = [
  ['base', 'What is Tierwise?', '01-tierwise.md'],
  ['base', 'How does it decide which tier answers?', '01-tierwise.md'],
  ['base', 'Does it work offline?', '03-cache.md'],
  ['base', 'Is my token safe?', '04-privacy.md'],
  ['company', 'What is the refund policy?', '02-customers.md'],
  ['abstraction', 'Why do customers leave?', '02-retention.md'],
];

for (const [tier, prompt, file] of firstQuestions) {
  test(`${tier} answers "${prompt}" from ${file}`, options, async () => {
    assert.match(spaces[tier], /^http:\/\/127\.0\.0\.1:\d+$/);
    const answer = await ask(spaces[tier], prompt);
    assert.ok(answer.startsWith('> '), answer);
    assert.ok(answer.includes(`[1] ${file}`), answer);
  });
}

test('a port that is taken becomes a free one', options, () => {
  assert.notEqual(new URL(spaces.company).port, String(taken.address().port));
});

test('a Space that cannot start says why', options, async () => {
  await assert.rejects(
    startSpace({ env: { MAX_NEW_TOKENS: 'many' } }),
    (error) => error instanceof SetupError && /MAX_NEW_TOKENS must be a number/.test(error.message),
  );
});

test('the Spaces end when the process that started them is killed', options, async () => {
  const source = `
    import { startSpaces } from ${JSON.stringify(script)};
    const spaces = await startSpaces({ tiers: ['base'] });
    console.log(spaces.pid);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
  parent.kill('SIGKILL');
  const alive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let tries = 0; alive() && tries < 200; tries += 1) await sleep(100);
  assert.equal(alive(), false);
});
