/** The Python environments of scripts/venv.mjs, in a cache folder of their own, with one small package. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const pins = { packages: ['toolz==1.0.0'] };
const script = fileURLToPath(new URL('../../scripts/venv.mjs', import.meta.url));
const cache = mkdtempSync(path.join(tmpdir(), 'tierwise-venv-'));
process.env.XDG_CACHE_HOME = cache;
const { SetupError, ensureVenv, venvPath } = await import(script);

let python = true;
before(async () => {
  const { findPython } = await import(script);
  python = (await findPython()) !== undefined;
  if (!python) console.log('skipped: no Python 3.10 or newer here');
});
after(() => rmSync(cache, { recursive: true, force: true }));

const ask = `
  import { ensureVenv } from ${JSON.stringify(script)};
  const got = await ensureVenv('test', ${JSON.stringify(pins)});
  console.log(JSON.stringify(got));
`;

function asked() {
  const child = spawn(process.execPath, ['--input-type=module', '-e', ask], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => child.on('close', () => resolve(JSON.parse(output))));
}

function holdsPackage(interpreter) {
  return spawnSync(interpreter, ['-c', 'import toolz']).status === 0;
}

test('three processes at once build it once', async (t) => {
  if (!python) return t.skip();
  const got = await Promise.all([asked(), asked(), asked()]);
  assert.equal(got.filter((each) => each.built).length, 1);
  assert.equal(new Set(got.map((each) => each.python)).size, 1);
  assert.ok(holdsPackage(got[0].python));
  assert.deepEqual(
    readdirSync(path.join(cache, 'tierwise', 'venvs')).filter((name) => name.includes('.lock')),
    [],
  );
});

test('a complete one is given at once', async (t) => {
  if (!python) return t.skip();
  const got = await ensureVenv('test', pins);
  assert.equal(got.built, false);
  assert.ok(got.ms < 200, `${got.ms} ms`);
});

test('an interrupted install is done again, and the lock of a dead process taken over', async (t) => {
  if (!python) return t.skip();
  const folder = venvPath('test', pins);
  rmSync(path.join(folder, 'tierwise-complete.json'));
  writeFileSync(path.join(folder, 'left-over'), '');
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  mkdirSync(`${folder}.lock`);
  writeFileSync(path.join(`${folder}.lock`, 'pid'), String(dead));
  const got = await ensureVenv('test', pins);
  assert.equal(got.built, true);
  assert.ok(holdsPackage(got.python));
  assert.equal(existsSync(path.join(folder, 'left-over')), false);
  assert.equal(existsSync(`${folder}.lock`), false);
});

test('an environment whose interpreter is gone is built again', async (t) => {
  if (!python) return t.skip();
  const { python: interpreter } = await ensureVenv('test', pins);
  rmSync(interpreter);
  assert.equal((await ensureVenv('test', pins)).built, true);
  assert.ok(holdsPackage(interpreter));
});

test('a package that does not exist fails in words and leaves no lock', async (t) => {
  if (!python) return t.skip();
  const wrong = { packages: ['toolz==999.0.0'] };
  await assert.rejects(
    ensureVenv('wrong', wrong),
    (error) => error instanceof SetupError && /toolz==999/.test(error.message),
  );
  assert.equal(existsSync(`${venvPath('wrong', wrong)}.lock`), false);
});

test('without a Python it says what to install', async () => {
  const { PATH } = process.env;
  process.env.PATH = '/nowhere';
  try {
    await assert.rejects(ensureVenv('none', pins), /No Python 3\.10 or newer.*Install one/);
  } finally {
    process.env.PATH = PATH;
  }
});
