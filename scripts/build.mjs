/**
 * Builds the package into dist/: `node scripts/build.mjs [--wasm-only | --js-only]`.
 *
 * 1. CMake builds core.wasm and meaning.wasm and their glue (preset `wasm`).
 * 2. esbuild bundles js/ and terser minifies it, with source maps and small dependencies inlined: index.js;
 *    react.js, which imports React and index.js; prompts.js, which index.js loads with the first prompt; usage.js, which
 *    it loads where usage is delivered, and usage-worker.js, for service workers; light.js and
 *    minilm.js, and what they load with the first text: meaning.js, and ONNX Runtime Web in minilm-worker.js, a file that
 *    needs no other, or in ort-session.js, for a page without workers. The base64 copies of our own .wasm files and the
 *    copy of the vocabulary become chunks of their own that are loaded only where a file is lost (js/find-wasm.ts).
 * 3. The command line: cli.mjs, and backend/ with migrate.mjs and the SQL that it runs.
 * 4. tsc writes the types.
 * TIERWISE_EMSCRIPTEN_TOOLCHAIN names another Emscripten's CMake toolchain file than Debian's.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { minify } from 'terser';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => path.join(root, ...parts);
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));

export function buildWasm() {
  const toolchain = process.env.TIERWISE_EMSCRIPTEN_TOOLCHAIN;
  run('cmake', '--preset', 'wasm', '-DBUILD_TESTING=ON', ...(toolchain ? [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`] : []));
  run('cmake', '--build', '--preset', 'wasm', '--target', 'core_wasm', 'meaning_wasm');
}

/**
 * The glue is always given the bytes (js/load-core.ts), so it needs no address of its own: without one, bundlers see a
 * single reference to core.wasm, webpack does not write this machine's path into its output, and an IIFE bundle, which
 * has no import.meta.url, works; and what it would fetch itself can go. Marked pure, it falls away where only the error
 * classes are imported.
 */
function adapted(code) {
  const factory = /^var (createCore|createMeaning) = \(/m;
  // Newer Emscriptens write a function, which falls away by itself.
  if (!factory.test(code) && !/^async function create(Core|Meaning)\(/m.test(code))
    throw new Error('The glue of this Emscripten begins otherwise than scripts/build.mjs knows.');
  return code
    .replaceAll('import.meta.url', '"file:///"')
    .replaceAll(/typeof (fetch|WebAssembly\.instantiateStreaming) ?== ?"function"/g, 'false')
    .replace(factory, 'var $1 = /* @__PURE__ */ (');
}

/**
 * ONNX Runtime Web is inside a file of ours and is given all bytes, so it needs no address either: bundlers would look
 * for `ort.wasm.bundle.min.mjs`, which is not there, and warn of an `import()` of any address. Its threads start from the
 * script they are asked in, which is minilm-worker.js, whatever a bundler calls it.
 */
function withoutAddresses(code) {
  const changes = [
    [/import\.meta\.url>"file:"&&import\.meta\.url<"file;"/g, 'false'],
    [/new URL\("ort-wasm-simd-threaded\.wasm",import\.meta\.url\)\.href/g, '""'],
    [/import\.meta\.url/g, '(globalThis.location?.href??"")'],
    [/\bimport\(/g, 'Promise.reject('],
  ];
  for (const [what, instead] of changes) {
    if (!what.test(code)) throw new Error('This ONNX Runtime Web is written otherwise than scripts/build.mjs knows.');
    code = code.replaceAll(what, instead);
  }
  // Its own map is of the text as it was.
  return code.replace(/\n\/\/# sourceMappingURL=.*/, '');
}

/** Descriptions and sources in models/*.json are for readers of those files. */
function withoutNotes(key, value) {
  return ['about', 'description', 'source', 'asOf'].includes(key) ? undefined : value;
}

function withoutNotesIn(builder) {
  builder.onLoad({ filter: /models\/(injection|models|prices|templates|tiers)\.json$/ }, ({ path: file }) => ({
    contents: JSON.stringify(JSON.parse(readFileSync(file, 'utf8'), withoutNotes)),
    loader: 'json',
  }));
}

export async function buildJs() {
  const modules = at('build/wasm/module');
  const halves = path.join(modules, 'split');
  const files = {
    'core.wasm': path.join(halves, 'core.wasm'),
    'prompts.wasm': path.join(halves, 'prompts.wasm'),
    'meaning.wasm': path.join(modules, 'meaning.wasm'),
    'ort-wasm-simd-threaded.wasm': at('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'),
  };
  rmSync(at('dist'), { recursive: true, force: true });
  mkdirSync(at('dist'), { recursive: true });
  for (const [name, file] of Object.entries(files)) copyFileSync(file, at('dist', name));
  /** The glue, and the base64 copies. */
  const virtual = {
    name: 'modules',
    setup(builder) {
      builder.onResolve({ filter: /^#(core|meaning)-module$/ }, ({ path: name }) => ({
        path: path.join(modules, `${name.slice(1, -'-module'.length)}.js`),
      }));
      // What the lazy store shares with index.js is in both: a file for that alone would be waited for at every start.
      builder.onResolve({ filter: /\/(types|selector)\.js$/ }, ({ importer, path: name }) =>
        /store\/(indexed-db|sound)\.ts$/.test(importer)
          ? { path: path.resolve(path.dirname(importer), name.replace(/js$/, 'ts')), suffix: '?lazy' }
          : undefined,
      );
      builder.onResolve({ filter: /\/lazy\.js$/ }, () => ({ path: './prompts.js', external: true }));
      builder.onResolve({ filter: /\/delivery\.js$/ }, () => ({ path: './usage.js', external: true }));
      builder.onResolve({ filter: /^#(core|prompts|meaning)-base64$/ }, ({ path: name }) => ({
        path: name.slice(1),
        namespace: 'base64',
      }));
      builder.onLoad({ filter: /(core|meaning)\.js$/ }, ({ path: file }) =>
        path.dirname(file) === modules ? { contents: adapted(readFileSync(file, 'utf8')), loader: 'js' } : undefined,
      );
      withoutNotesIn(builder);
      builder.onLoad({ filter: /.*/, namespace: 'base64' }, ({ path: name }) => {
        const wasm = readFileSync(files[name.replace('-base64', '.wasm')]);
        return { contents: `export default ${JSON.stringify(wasm.toString('base64'))};` };
      });
    },
  };
  const options = {
    absWorkingDir: root,
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'module', 'browser'],
    // Terser takes the white space, and with it the annotations that esbuild would drop before terser reads them.
    minifyIdentifiers: true,
    minifySyntax: true,
    define: { __TIERWISE_VERSION__: JSON.stringify(version) },
    sourcemap: true,
    sourcesContent: true,
    legalComments: 'inline',
    logLevel: 'warning',
  };
  await build({
    ...options,
    entryPoints: { index: 'js/index.ts' },
    splitting: true,
    chunkNames: '[name]-[hash]',
    plugins: [virtual],
  });
  // On their own, so that all of index.ts is in index.js: shared by them, it would be one more file to wait for.
  const besideIndex = {
    name: 'beside-index',
    setup(builder) {
      builder.onResolve({ filter: /^\.\.\/index\.js$|^\.{1,2}\/errors\.js$/ }, () => ({
        path: './index.js',
        external: true,
      }));
      for (const [file, path] of Object.entries({
        'load-meaning': './meaning.js',
        'ort-session': './ort-session.js',
      })) {
        builder.onResolve({ filter: new RegExp(`/${file}\\.js$`) }, ({ importer }) =>
          importer.endsWith('transformer-worker.ts') ? undefined : { path, external: true },
        );
      }
      builder.onResolve({ filter: /^#vocabulary$/ }, () => ({ path: 'vocabulary', namespace: 'vocabulary' }));
      builder.onLoad({ filter: /.*/, namespace: 'vocabulary' }, () => ({
        contents: readFileSync(at('models/all-MiniLM-L6-v2/vocab.txt'), 'utf8'),
        loader: 'text',
      }));
      builder.onLoad({ filter: /onnxruntime-web\/dist\/[\w.]+\.mjs$/ }, ({ path: file }) => ({
        contents: withoutAddresses(readFileSync(file, 'utf8')),
        loader: 'js',
      }));
      withoutNotesIn(builder);
    },
  };
  await build({
    ...options,
    entryPoints: {
      react: 'js/react/index.ts',
      prompts: 'js/prompt/lazy.ts',
      'space-embedder': 'js/embedder/space-embedder.ts',
      'follow-config': 'js/follow-config.ts',
    },
    external: ['react'],
    plugins: [besideIndex],
  });
  await build({
    ...options,
    // A service worker is best one file, and a page waits for one only.
    entryPoints: { usage: 'js/usage/delivery.ts', 'usage-worker': 'js/usage/worker.ts' },
    plugins: [besideIndex],
  });
  await build({
    ...options,
    entryPoints: { light: 'js/light.ts', minilm: 'js/minilm.ts' },
    splitting: true,
    chunkNames: '[name]-[hash]',
    plugins: [besideIndex],
  });
  await build({
    ...options,
    entryPoints: {
      'minilm-worker': 'js/embedder/transformer-worker.ts',
      'ort-session': 'js/embedder/ort-session.ts',
    },
    // Its ways to read files in Node, where it is given bytes as everywhere.
    define: { ...options.define, require: 'undefined' },
    plugins: [besideIndex],
  });
  await build({
    ...options,
    entryPoints: { meaning: 'js/embedder/load-meaning.ts' },
    splitting: true,
    chunkNames: '[name]-[hash]',
    plugins: [besideIndex, virtual],
  });
  await buildCli();
  for (const name of readdirSync(at('dist')).filter((file) => file.endsWith('.js'))) {
    const file = at('dist', name);
    const code = readFileSync(file, 'utf8');
    if (/^((core|prompts|meaning)-base64|vocabulary)-/.test(name)) {
      // A map of data would double the download and show nobody anything.
      rmSync(`${file}.map`);
      writeFileSync(file, code.replace(/\n\/\/# sourceMappingURL=.*/, ''));
      continue;
    }
    // Five percent smaller, compressed, than what esbuild makes alone.
    const smaller = await minify(code, {
      module: true,
      ecma: 2022,
      compress: { passes: 3 },
      format: {
        preserve_annotations: true,
        // Hooks and components belong to the client side of a server-rendering framework.
        preamble: name === 'react.js' ? "'use client';" : undefined,
      },
      sourceMap: {
        content: readFileSync(`${file}.map`, 'utf8'),
        filename: name,
        url: `${name}.map`,
        includeSources: true,
      },
    });
    writeFileSync(file, smaller.code);
    writeFileSync(`${file}.map`, smaller.map);
  }
  run('npx', 'tsc', '-p', 'tsconfig.build.json');
}

/** For Node, readable: nobody downloads it with a page. The database driver is inlined, so the package depends on nothing. */
export async function buildCli() {
  mkdirSync(at('dist/backend/migrations'), { recursive: true });
  const supabase = at('web/backend/supabase');
  for (const name of readdirSync(path.join(supabase, 'migrations')))
    copyFileSync(path.join(supabase, 'migrations', name), at('dist/backend/migrations', name));
  copyFileSync(path.join(supabase, 'seed.sql'), at('dist/backend/seed.sql'));
  const options = {
    absWorkingDir: root,
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    legalComments: 'inline',
    logLevel: 'warning',
  };
  await build({ ...options, entryPoints: { 'backend/migrate': 'js/cli/migrate.ts' } });
  await build({
    ...options,
    entryPoints: { cli: 'js/cli/cli.ts' },
    banner: { js: '#!/usr/bin/env node' },
    plugins: [
      {
        // The driver is in the one, the gateway itself is the other: neither is there twice.
        name: 'beside',
        setup(builder) {
          const beside = (file) => () => ({ path: file, external: true });
          builder.onResolve({ filter: /^\.\.?\/migrate\.js$/ }, beside('./backend/migrate.mjs'));
          builder.onResolve({ filter: /^\.\.\/\.\.\/index\.js$/ }, beside('./index.js'));
        },
      },
    ],
  });
  chmodSync(at('dist/cli.mjs'), 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const only = process.argv[2];
  if (only !== '--js-only') buildWasm();
  if (only !== '--wasm-only') await buildJs();
}
