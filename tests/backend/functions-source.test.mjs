/** What can be said of the functions without running them: types, where they import from, and that all of them are served. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { cacheEnvironment, denoBinary } from '../../web/backend/embedded/functions.mjs';

const backend = fileURLToPath(new URL('../../web/backend/', import.meta.url));
const functions = path.join(backend, 'supabase/functions');
const sources = readdirSync(functions, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.name.endsWith('.ts'))
  .map((entry) => path.join(entry.parentPath, entry.name));
const names = readdirSync(functions, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
  .map(({ name }) => name);

test('types', () => {
  const { status, stderr } = spawnSync(
    denoBinary(),
    [
      'check',
      '--quiet',
      '--no-lock',
      '--node-modules-dir=none',
      '--config',
      path.join(functions, 'deno.json'),
      path.join(backend, 'embedded/serve-functions.ts'),
    ],
    { env: cacheEnvironment(), encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
});

test('imports are relative, node: or npm: at one pinned version', () => {
  const pins = new Map();
  for (const file of sources)
    for (const [, from] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
      if (from.startsWith('.')) {
        assert.match(from, /\.ts$/, file);
        continue;
      }
      if (from.startsWith('node:')) continue;
      const [, name, version] = /^npm:(.+)@(\d+\.\d+\.\d+)$/.exec(from) ?? [];
      assert.ok(version !== undefined, `${file}: ${from}`);
      assert.equal(pins.get(name) ?? version, version, name);
      pins.set(name, version);
    }
  assert.deepEqual([...pins.keys()].sort(), ['jose', 'postgres']);
});

test('every function is served, checks tokens itself, and leaves them to nobody', () => {
  const served = readFileSync(path.join(backend, 'embedded/serve-functions.ts'), 'utf8');
  const config = readFileSync(path.join(backend, 'supabase/config.toml'), 'utf8');
  assert.ok(names.length >= 7);
  for (const name of names) {
    assert.ok(served.includes(`/functions/${name}/index.ts`), name);
    assert.ok(config.includes(`[functions.${name}]\nverify_jwt = false`), name);
    assert.match(
      readFileSync(path.join(functions, name, 'index.ts'), 'utf8'),
      new RegExp(`export default \\{\\s*fetch: endpoint\\('${name}'`),
    );
  }
});
