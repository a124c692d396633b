/**
 * What the tarball holds and how it is reached: the files, nothing of the machine that made them, every entry of the
 * exports map, types for strict TypeScript projects, no `eval`, and that what is not used falls away.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { build } from 'esbuild';

import { root } from '../browser/harness.mjs';
import { app, openConsumer, runNode } from './consumer.mjs';
import { importsFrom } from './import-graph.mjs';
import { pack, unpack } from './pack.mjs';

const kLargestFile = 25 * 1024 * 1024;
const kErrorsAlone = 5_000;

let tarball;
let home;
/** Where the package is unpacked. */
let inside;
let files;
before(() => {
  tarball = pack();
  home = mkdtempSync(path.join(tmpdir(), 'tierwise-contents-'));
  inside = path.join(home, 'node_modules/tierwise');
  unpack(tarball, inside);
  writeFileSync(path.join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
  files = readdirSync(inside, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(inside, path.join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
    .sort();
});
after(() => home && rmSync(home, { recursive: true, force: true }));

const text = (file) => readFileSync(path.join(inside, file), 'latin1');
const manifest = () => JSON.parse(readFileSync(path.join(inside, 'package.json'), 'utf8'));
const esbuild = (source, more = {}) =>
  build({
    stdin: { contents: source, resolveDir: home },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
    ...more,
  });

test('holds the built package and nothing else', () => {
  const expected =
    /^(package\.json|README\.md|LICENSE|THIRD-PARTY-NOTICES\.txt|models\/(injection|models|prices|templates|tiers)\.json|models\/all-MiniLM-L6-v2\/(light\.bin|model\.onnx|provenance\.json|vocab\.txt)|models\/guard\/(judge\.bin|words\.bin|provenance\.json|WORDNET-LICENSE\.txt)|dist\/(core|prompts|meaning|ort-wasm-simd-threaded)\.wasm|dist\/cli\.mjs|dist\/backend\/(migrate\.mjs|seed\.sql|migrations\/\d{14}_\w+\.sql)|dist\/[\w./-]+\.(js|js\.map|d\.ts))$/;
  assert.deepEqual(
    files.filter((file) => !expected.test(file) || /(^|\/)(tests?|__\w+__)(\/|\.)|\.(test|spec)\./.test(file)),
    [],
  );
  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/react.js',
    'dist/react/index.d.ts',
    'dist/core.wasm',
    'dist/prompts.wasm',
    'dist/light.js',
    'dist/light.d.ts',
    'dist/minilm.js',
    'dist/minilm.d.ts',
    'dist/minilm-worker.js',
    'dist/cli.mjs',
    'dist/backend/migrate.mjs',
    'dist/backend/seed.sql',
    'dist/backend/migrations/20261101000001_companies.sql',
    'dist/space-embedder.js',
    'dist/embedder/space-embedder.d.ts',
    'dist/follow-config.js',
    'dist/follow-config.d.ts',
    'dist/usage.js',
    'dist/usage-worker.js',
    'dist/usage/worker.d.ts',
    'dist/meaning.wasm',
    'dist/ort-wasm-simd-threaded.wasm',
    'models/all-MiniLM-L6-v2/light.bin',
    'models/all-MiniLM-L6-v2/model.onnx',
    'models/all-MiniLM-L6-v2/provenance.json',
    'models/all-MiniLM-L6-v2/vocab.txt',
    'models/guard/WORDNET-LICENSE.txt',
    'models/guard/judge.bin',
    'models/guard/provenance.json',
    'models/guard/words.bin',
    'THIRD-PARTY-NOTICES.txt',
  ]) {
    assert.ok(files.includes(file), file);
  }
  for (const file of files) {
    const { size } = statSync(path.join(inside, file));
    assert.ok(size > 0 && size < kLargestFile, `${file} has ${size} bytes`);
  }
  const maps = files.filter((file) => file.endsWith('.map'));
  assert.deepEqual(
    maps.filter((map) => !files.includes(map.slice(0, -'.map'.length))),
    [],
    'every map belongs to a file',
  );
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    const named = /\/\/# sourceMappingURL=(\S+)/.exec(text(file))?.[1];
    if (named !== undefined) assert.ok(files.includes(`dist/${named}`), `${file} names ${named}`);
  }
});

test('the notices name what the data was made of, and where that is', () => {
  const notices = text('THIRD-PARTY-NOTICES.txt').replaceAll(/\s+/g, ' ');
  for (const folder of ['models/all-MiniLM-L6-v2', 'models/guard']) assert.ok(notices.includes(folder), folder);
  const [, licence] = text('models/guard/WORDNET-LICENSE.txt').split(/^(?=This software)/m);
  assert.ok(notices.includes(licence.replaceAll(/\s+/g, ' ').trim()));
});

test('tells nothing of the machine that made it, and no secret', () => {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const forbidden = {
    'the project folder': root.replace(/\/$/, ''),
    'the home folder': `${homedir()}/`,
    'the temporary folder': `${tmpdir()}/`,
    'the package registry': new URL(registry.trim()).host,
    'a file URL of this machine': `file://${root}`,
  };
  const secrets =
    /\bhf_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{32,}|\bgh[opsu]_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{30,}|\bAKIA[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./;
  for (const file of files) {
    const content = text(file);
    for (const [what, value] of Object.entries(forbidden)) {
      if (value.length < 4) continue;
      assert.equal(content.includes(value), false, `${file} names ${what}: ${value}`);
    }
    assert.doesNotMatch(content, secrets, file);
  }
});

test('source maps lead to the sources, which are in them', () => {
  for (const file of files.filter((name) => name.endsWith('.js.map'))) {
    const map = JSON.parse(readFileSync(path.join(inside, file), 'utf8'));
    for (const [index, source] of map.sources.entries()) {
      assert.match(source, /^\.\.\/(js|models|node_modules|build\/wasm\/module)\//, `${file}: ${source}`);
      assert.equal(typeof map.sourcesContent?.[index], 'string', `${file}: ${source}`);
    }
  }
});

test('runs no text as code', () => {
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    assert.doesNotMatch(text(file), /\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(|setTimeout\(\s*["'`]/, file);
    // What bundlers warn of, or would look for in vain; a script made of a blob would be forbidden.
    if (/^dist\/(minilm-worker|ort-session)\.js$/.test(file))
      assert.doesNotMatch(text(file), /import\.meta|\bimport\(|\brequire\(|importScripts/, file);
  }
});

test('every entry of the exports map is there', () => {
  const { exports: entries, files: packed } = manifest();
  const require = createRequire(path.join(home, 'index.js'));
  const expected = {
    tierwise: 'dist/index.js',
    'tierwise/react': 'dist/react.js',
    'tierwise/light': 'dist/light.js',
    'tierwise/minilm': 'dist/minilm.js',
    'tierwise/space-embedder': 'dist/space-embedder.js',
    'tierwise/follow-config': 'dist/follow-config.js',
    'tierwise/usage-worker': 'dist/usage-worker.js',
    'tierwise/core.wasm': 'dist/core.wasm',
    'tierwise/prompts.wasm': 'dist/prompts.wasm',
    'tierwise/meaning.wasm': 'dist/meaning.wasm',
    'tierwise/models/all-MiniLM-L6-v2/model.onnx': 'models/all-MiniLM-L6-v2/model.onnx',
    'tierwise/models/guard/words.bin': 'models/guard/words.bin',
    ...Object.fromEntries(
      ['injection', 'models', 'prices', 'templates', 'tiers'].map((name) => [
        `tierwise/models/${name}.json`,
        `models/${name}.json`,
      ]),
    ),
    'tierwise/package.json': 'package.json',
  };
  for (const [specifier, file] of Object.entries(expected)) {
    assert.equal(path.relative(inside, require.resolve(specifier)), file, specifier);
  }
  assert.throws(() => require.resolve('tierwise/dist/client.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
  assert.deepEqual(Object.keys(entries).sort(), [
    '.',
    './core.wasm',
    './follow-config',
    './light',
    './meaning.wasm',
    './minilm',
    './models/*',
    './package.json',
    './prompts.wasm',
    './react',
    './space-embedder',
    './usage-worker',
  ]);
  for (const entry of Object.values(entries)) {
    if (typeof entry === 'string') continue;
    assert.equal(Object.keys(entry)[0], 'types', 'types come first');
    for (const file of Object.values(entry)) assert.ok(files.includes(file.slice(2)), file);
  }
  assert.ok(packed.includes('dist'));
  const { bin } = manifest();
  assert.deepEqual(bin, { tierwise: 'dist/cli.mjs' });
  const help = execFileSync(process.execPath, [path.join(inside, bin.tierwise), '--help'], { encoding: 'utf8' });
  assert.match(help, /tierwise migrate --db <url>/);
  assert.match(help, /tierwise doctor \[--db <url>\]/);
  // The gateway itself and the driver are loaded from beside it, by name, when they are needed.
  const doctor = spawnSync(
    process.execPath,
    [
      path.join(inside, bin.tierwise),
      'doctor',
      '--json',
      '--limit',
      '2',
      '--db',
      'postgres://u:x@127.0.0.1:9/x',
      '--space',
      'base=http://127.0.0.1:9',
    ],
    { encoding: 'utf8', env: { PATH: process.env.PATH } },
  );
  assert.equal(doctor.status, 1, doctor.stderr);
  assert.deepEqual(
    JSON.parse(doctor.stdout).checks.map(({ name, status }) => `${name} ${status}`),
    ['database failed', 'functions skipped', 'key skipped', 'space:base failed'],
  );
  assert.doesNotMatch(doctor.stdout, /Cannot find|ERR_MODULE/);
});

test('imports by name only, in Node', async () => {
  writeFileSync(
    path.join(home, 'names.js'),
    `import * as core from 'tierwise';
     import * as light from 'tierwise/light';
     import * as minilm from 'tierwise/minilm';
     import * as server from 'tierwise/space-embedder';
     import * as worker from 'tierwise/usage-worker';
     import * as follow from 'tierwise/follow-config';
     import tierRules from 'tierwise/models/tiers.json' with { type: 'json' };
     const entries = [light, minilm, server, worker, follow].map((entry) => Object.keys(entry));
     console.log(JSON.stringify({ names: Object.keys(core), entries, rules: Array.isArray(tierRules.rules) }));`,
  );
  const { code, stdout } = await runNode(['names.js'], home);
  assert.equal(code, 0);
  const { names, entries, rules } = JSON.parse(stdout);
  assert.deepEqual(names, [
    'AbortedError',
    'CallError',
    'ConfigError',
    'LoadError',
    'NotCachedError',
    'RequestError',
    'TemplateError',
    'TierwiseError',
    'configFromEnv',
    'countTokens',
    'createClient',
    'formatChat',
    'renderChatTemplate',
    'sharedMemoryStore',
    'tiers',
  ]);
  assert.deepEqual(entries, [
    ['comparePrompts', 'cosine', 'createVectorIndex', 'light', 'searchDocuments', 'tokenize'],
    ['comparePrompts', 'cosine', 'createVectorIndex', 'embed', 'light', 'minilm', 'searchDocuments', 'tokenize'],
    ['spaceEmbedder'],
    ['sendKeptUsage', 'usageSyncTag'],
    ['followConfig'],
  ]);
  assert.equal(rules, true);
});

test('the package needs nothing but React, and only its React part does', () => {
  const { dependencies, peerDependenciesMeta, sideEffects } = manifest();
  assert.equal(dependencies, undefined);
  assert.equal(sideEffects, false);
  assert.deepEqual(peerDependenciesMeta, { react: { optional: true } });
  const dist = path.join(inside, 'dist');
  const main = importsFrom(dist, 'index.js');
  assert.deepEqual(main.packages, []);
  assert.equal(main.files.includes('react.js'), false);
  const react = importsFrom(dist, 'react.js');
  assert.deepEqual(react.packages, ['react']);
  const reachable = new Set([...main.files, ...react.files]);
  for (const entry of [
    'light.js',
    'minilm.js',
    'minilm-worker.js',
    'space-embedder.js',
    'usage-worker.js',
    'follow-config.js',
  ]) {
    const { packages, files: reached } = importsFrom(dist, entry);
    assert.deepEqual(packages, [], entry);
    for (const file of reached) reachable.add(file);
  }
  // So that it can be copied, and the runtime starts its threads from it.
  assert.deepEqual(importsFrom(dist, 'minilm-worker.js').files, ['minilm-worker.js']);
  // So that a service worker is one file, without the gateway.
  assert.deepEqual(importsFrom(dist, 'usage-worker.js').files, ['usage-worker.js']);
  assert.deepEqual(
    files.filter((file) => file.endsWith('.js') && !reachable.has(file.slice('dist/'.length))),
    [],
    'no chunk is left over from another build',
  );
  assert.match(text('dist/react.js'), /^'use client';/);
});

test('what is not used falls away', async () => {
  const cases = [
    ["import 'tierwise'; import 'tierwise/react';", 0],
    ["import { TierwiseError } from 'tierwise'; console.log(TierwiseError.isInstance({}));", kErrorsAlone],
    ["import { tiers } from 'tierwise'; console.log(tiers);", kErrorsAlone],
  ];
  for (const [source, limit] of cases) {
    const { outputFiles } = await esbuild(source, { external: ['react'] });
    const bytes = outputFiles[0].contents.length;
    assert.ok(bytes <= limit, `${source} takes ${bytes} bytes`);
  }
});

test('who does not use embeddings gets none of them, who uses the light one nothing of the transformer', async () => {
  const bundled = async (source) => {
    const { metafile, outputFiles } = await esbuild(source, { splitting: true, outdir: 'none', metafile: true });
    const inputs = Object.keys(metafile.inputs).map((name) => path.basename(name));
    return { inputs, code: outputFiles.map((file) => file.text).join('\n') };
  };
  const alone = await bundled("import { createClient } from 'tierwise'; createClient({});");
  assert.deepEqual(
    alone.inputs.filter((name) => /light|minilm|meaning|ort-|vocabulary|space-embedder|semantic-cache/.test(name)),
    [],
  );
  assert.doesNotMatch(alone.code, /onnx|vocab\.txt|(light|words|judge)\.bin|meaning\.wasm|minilm-worker/);
  const light = await bundled("import { light } from 'tierwise/light'; light().embed(['x']);");
  assert.ok(light.inputs.includes('meaning.js'));
  assert.deepEqual(
    light.inputs.filter((name) => /minilm|ort-|space-embedder/.test(name)),
    [],
  );
  // Of the transformer's files only the hashes are known, by name; where they are is not, which bundlers would copy.
  assert.doesNotMatch(light.code, /\/model\.onnx|new URL\("ort-|minilm-worker|InferenceSession/);
  const server = await bundled("import { spaceEmbedder } from 'tierwise/space-embedder'; spaceEmbedder({});");
  assert.deepEqual(
    server.inputs.filter((name) => /light|minilm|ort-|vocabulary/.test(name)),
    [],
  );
});

test('the base64 copy of the core is a chunk of its own', async () => {
  const { metafile } = await esbuild("import { createClient } from 'tierwise'; createClient({});", {
    splitting: true,
    outdir: 'none',
    metafile: true,
  });
  const copies = Object.values(metafile.outputs).filter(({ inputs }) =>
    Object.keys(inputs).some((name) => name.includes('core-base64')),
  );
  assert.equal(copies.length, 1);
  assert.equal(Object.keys(copies[0].inputs).length, 1);
});

const typed = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    types: [],
    jsx: 'react-jsx',
    noEmit: true,
  },
};
test('types, in a strict project that checks libraries', async (t) => {
  const consumer = await openConsumer('typescript', { '@types/react': '19.3.0' }, { tarball });
  consumer.write({
    'core.ts': { copy: app('types.ts') },
    'embeddings.ts': { copy: app('embed-types.ts') },
    'react.tsx': { copy: app('react-types.tsx') },
  });
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  try {
    for (const resolution of [
      { module: 'ESNext', moduleResolution: 'bundler' },
      { module: 'Node16', moduleResolution: 'node16' },
      { module: 'NodeNext', moduleResolution: 'nodenext' },
    ]) {
      await t.test(`moduleResolution ${resolution.moduleResolution}`, async () => {
        const { compilerOptions } = typed;
        const all = {
          compilerOptions: { ...compilerOptions, ...resolution },
          files: ['core.ts', 'embeddings.ts', 'react.tsx'],
        };
        consumer.write({ 'tsconfig.json': JSON.stringify(all) });
        const { code, stdout } = await consumer.run(tsc, '-p', '.');
        assert.equal(stdout, '');
        assert.equal(code, 0);
      });
    }
    await t.test('without exact optional properties and without React', async () => {
      rmSync(path.join(consumer.folder, 'react.tsx'));
      const compilerOptions = { ...typed.compilerOptions, exactOptionalPropertyTypes: false, jsx: undefined };
      consumer.write({
        'tsconfig.json': JSON.stringify({
          compilerOptions: { ...compilerOptions, module: 'ESNext', moduleResolution: 'bundler' },
          files: ['core.ts', 'embeddings.ts'],
        }),
      });
      const { code, stdout } = await consumer.run(tsc, '-p', '.', '--listFilesOnly');
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /@types\/react/);
      assert.equal((await consumer.run(tsc, '-p', '.')).stdout, '');
    });
  } finally {
    await consumer.close();
  }
});

test('publint and arethetypeswrong find nothing', async () => {
  const consumer = await openConsumer(
    'package-linters',
    { publint: '0.3.25', '@arethetypeswrong/cli': '0.18.5' },
    { tarball },
  );
  try {
    const linted = await consumer.run('node_modules/publint/src/cli.js', tarball, '--strict');
    assert.match(linted.stdout, /All good!/, linted.stdout);
    assert.equal(linted.code, 0);
    // ESM only by design; WebAssembly has no types.
    const attw = ['node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only'];
    const wrong = await consumer.run(
      ...attw,
      '--exclude-entrypoints',
      'core.wasm',
      'prompts.wasm',
      'meaning.wasm',
      '--format',
      'ascii',
    );
    assert.equal(wrong.code, 0, wrong.stdout);
  } finally {
    await consumer.close();
  }
});
