/**
 * `npm test`: every test there is, set-up included. `npm test -- cpp jest` runs only the suites named.
 * Each suite counts its own tests; the last line is the sum: `N passed, N failed`. A program that hangs is ended after
 * `kLimitMinutes` and counts as failed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';

import { ensureNpm, ensureSystem, root, toTest } from './setup.mjs';
import { ensureVenv } from './venv.mjs';
import { jinja as jinjaPins, wordpiece as wordpiecePins } from './venv-pins.mjs';

const kLimitMinutes = 45;
const env = { ...process.env, NODE_PATH: '/usr/share/nodejs', FORCE_COLOR: '0', NO_COLOR: '1' };
const onlyNode = { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' };

/** name -> what to do; each gives { passed, failed } and throws when it cannot even run. */
const suites = {
  async native() {
    await run('cmake', ['--preset', 'native'], { env, quiet: true });
    await run('cmake', ['--build', '--preset', 'native'], { env, quiet: true });
    return googleTest(availableParallelism(), 'build/native/core_tests');
  },
  async wasm() {
    await run('node', ['scripts/build.mjs', '--wasm-only'], { quiet: true });
    await run('cmake', ['--build', '--preset', 'wasm'], { env, quiet: true });
    return googleTest(1, 'node', 'build/wasm/core_tests.cjs');
  },
  async fuzz() {
    await run('cmake', ['--preset', 'fuzz'], { env, quiet: true });
    await run('cmake', ['--build', '--preset', 'fuzz'], { env, quiet: true });
    const targets = readdirSync(path.join(root, 'tests/fuzz'))
      .filter((name) => name.endsWith('_fuzz.cpp'))
      .map((name) => name.replace('.cpp', ''));
    let passed = 0;
    const left = [...targets];
    const oneAfterTheOther = async () => {
      for (let target = left.shift(); target !== undefined; target = left.shift()) {
        const seconds = process.env.TIERWISE_FUZZ_SECONDS ?? (target === 'jinja_fuzz' ? '60' : '20');
        const found = path.join(root, 'build/fuzz/corpus', target);
        mkdirSync(found, { recursive: true });
        const seeds = path.join(root, 'tests/fuzz/corpus', target.replace('_fuzz', ''));
        mkdirSync(seeds, { recursive: true });
        const { code, output } = await run(
          path.join(root, 'build/fuzz', target),
          [found, seeds, `-max_total_time=${seconds}`, '-max_len=65536', '-rss_limit_mb=2048'],
          {
            cwd: path.join(root, 'build/fuzz'),
            quiet: true,
            mayFail: true,
          },
        );
        if (code === 0) passed += 1;
        else console.log(output.slice(-6000));
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, oneAfterTheOther));
    return { passed, failed: targets.length - passed };
  },
  /** Chat templates, and random ones, against Python's own Jinja2: natively and as WASM. */
  async jinja() {
    const { python } = await ensureVenv('jinja', jinjaPins, { onProgress: (message) => console.log(message) });
    await run('cmake', ['--preset', 'native'], { env, quiet: true });
    await run('cmake', ['--build', '--preset', 'native', '--target', 'render_lines'], { env, quiet: true });
    await run('node', ['scripts/build.mjs', '--wasm-only'], { quiet: true });
    await run('cmake', ['--build', '--preset', 'wasm', '--target', 'render_lines'], { env, quiet: true });
    const engines = [
      `"${path.join(root, 'build/native/render_lines')}"`,
      `"${process.execPath}" "${path.join(root, 'build/wasm/render_lines.cjs')}"`,
    ];
    const against = engines.flatMap((engine) => ['--against', engine]);
    return sum([
      await counted(python, ['tests/jinja/goldens.py', '--check']),
      await counted(python, ['tests/jinja/goldens.py', ...against]),
      await counted(python, ['tests/jinja/families.py', ...against]),
      await counted(python, ['tests/jinja/differential.py', ...against, '--cases', '20000', '--shrink']),
    ]);
  },
  /** The tokenizer against PyPI `tokenizers`: natively and as WASM. */
  async wordpiece() {
    const { python } = await ensureVenv('wordpiece', wordpiecePins, { onProgress: (message) => console.log(message) });
    await run('cmake', ['--preset', 'native'], { env, quiet: true });
    await run('cmake', ['--build', '--preset', 'native', '--target', 'wordpiece_lines'], { env, quiet: true });
    await run('node', ['scripts/build.mjs', '--wasm-only'], { quiet: true });
    await run('cmake', ['--build', '--preset', 'wasm', '--target', 'wordpiece_lines'], { env, quiet: true });
    return sum([
      await counted(python, [
        'tests/wordpiece/differential.py',
        '--against',
        `"${path.join(root, 'build/native/wordpiece_lines')}"`,
        '--against',
        `"${process.execPath}" "${path.join(root, 'build/wasm/wordpiece_lines.cjs')}"`,
      ]),
      await checks([[python, ['scripts/unicode-tables.py', '--check']]]),
    ]);
  },
  async package() {
    await run('node', ['scripts/build.mjs', '--js-only'], { quiet: true });
    return { passed: 1, failed: 0 };
  },
  async lint() {
    return checks([
      ['npx', ['tsc', '--noEmit']],
      ['npx', ['eslint', '.']],
      ['npx', ['prettier', '--check', '.', '--log-level', 'warn']],
    ]);
  },
  async jest() {
    const report = path.join(root, 'build/jest.json');
    mkdirSync(path.dirname(report), { recursive: true });
    const { output } = await run('npx', ['jest', '--json', `--outputFile=${report}`], {
      env: { ...onlyNode, NODE_OPTIONS: '--experimental-vm-modules' },
      mayFail: true,
      quiet: true,
    });
    const { numPassedTests, numFailedTests, numFailedTestSuites, numRuntimeErrorTestSuites } = JSON.parse(
      await readFile(report, 'utf8'),
    );
    if (numFailedTests + numFailedTestSuites > 0) console.log(output.slice(-20_000));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  },
  async space() {
    return sum([await counted('node', ['scripts/test-space.mjs']), await nodeTest('tests/space')]);
  },
  async browser() {
    await run('npx', ['vite', 'build', 'web/demo', '--logLevel', 'warn'], { quiet: true });
    return nodeTest('tests/browser');
  },
  /** Migrations, rights and the embedded database, on PostgreSQL 17 from npm and on Debian's 15. */
  async backend() {
    await run('node', ['-e', "import('./scripts/build.mjs').then(({ buildCli }) => buildCli())"], { quiet: true });
    return nodeTest('tests/backend', 2);
  },
  async packaging() {
    return nodeTest('tests/packaging');
  },
};

async function main() {
  const wanted = process.argv.slice(2);
  for (const name of wanted)
    if (!(name in suites))
      throw new Error(`There is no suite "${name}"; the suites are ${Object.keys(suites).join(', ')}.`);
  ensureSystem(toTest);
  ensureNpm();
  const total = { passed: 0, failed: 0 };
  const began = Date.now();
  for (const name of wanted.length > 0 ? wanted : Object.keys(suites)) {
    const start = Date.now();
    console.log(`\n== ${name}`);
    let counts;
    try {
      counts = await suites[name]();
    } catch (error) {
      console.log(error.message);
      counts = { passed: 0, failed: 1 };
    }
    total.passed += counts.passed;
    total.failed += counts.failed;
    console.log(
      `${name}: ${counts.passed} passed, ${counts.failed} failed, ${((Date.now() - start) / 1000).toFixed(0)} s`,
    );
  }
  console.log(`\nAll suites took ${((Date.now() - began) / 60_000).toFixed(1)} minutes.`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
}

function sum(parts) {
  const of = (key) => parts.reduce((total, part) => total + part[key], 0);
  return { passed: of('passed'), failed: of('failed') };
}

/**
 * GoogleTest's programs, a share of the tests in each of so many processes: one for each test would take twice as long. As
 * WASM they see no environment, and so know of no shares.
 */
async function googleTest(processes, command, ...args) {
  const parts = Array.from({ length: processes }, (_, index) => index);
  return sum(
    await Promise.all(
      parts.map(async (index) => {
        const { code, output } = await run(command, [...args, '--gtest_brief=1'], {
          env: { ...env, GTEST_TOTAL_SHARDS: String(parts.length), GTEST_SHARD_INDEX: String(index) },
          mayFail: true,
          quiet: true,
        });
        const count = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
        const passed = count(/^\[ {2}PASSED {2}\] (\d+) tests?\./m);
        const failed = count(/^ {1,3}(\d+) FAILED TESTS?$/m);
        if (code === 0 && failed === 0 && passed > 0) return { passed, failed };
        console.log(output.slice(-10_000));
        // One that ended early has told of nothing.
        return { passed, failed: Math.max(1, failed) };
      }),
    ),
  );
}

async function checks(commands) {
  const counts = { passed: 0, failed: 0 };
  for (const [command, args] of commands) {
    const { code, output } = await run(command, args, { mayFail: true, quiet: true, env: onlyNode });
    if (code === 0) counts.passed += 1;
    else {
      counts.failed += 1;
      console.log(`${command} ${args.join(' ')}\n${output.slice(-8000)}`);
    }
  }
  return counts;
}

/** A program that prints `N passed, N failed`. */
async function counted(command, args) {
  const { code, output } = await run(command, args, { mayFail: true, env: onlyNode });
  const line = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].pop();
  if (line === undefined) throw new Error(`${command} ${args.join(' ')} counted no tests.`);
  const failed = Number(line[2]);
  return { passed: Number(line[1]), failed: failed || (code === 0 ? 0 : 1) };
}

/** `atOnce`: files. */
async function nodeTest(folder, atOnce = 1) {
  const files = readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.test.mjs'))
    .map((name) => path.join(folder, name));
  const { code, output } = await run(
    'node',
    ['--test', `--test-concurrency=${String(atOnce)}`, '--test-reporter=tap', ...files],
    {
      env: onlyNode,
      mayFail: true,
      quiet: true,
    },
  );
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
  // Files that ran nothing, or a runner that broke down, have not passed.
  const failed = count('fail') + count('cancelled') || (code === 0 && count('pass') > 0 ? 0 : 1);
  if (failed > 0) {
    console.log(
      output
        .split('\n')
        .filter((line) => !/^\s*(ok |duration_ms|type:|---|\.\.\.|# Subtest)/.test(line))
        .join('\n')
        .slice(-20_000),
    );
  }
  return { passed: count('pass'), failed };
}

function run(command, args, { env: environment = process.env, cwd = root, quiet = false, mayFail = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
      // What it started may hold its pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    }, kLimitMinutes * 60_000);
    const hear = (chunk) => {
      output += chunk;
      if (!quiet) process.stdout.write(chunk);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      const what = late ? `did not end within ${kLimitMinutes} minutes` : `failed (exit ${code})`;
      if (!late && (code === 0 || mayFail)) resolve({ code, output });
      else reject(new Error(`${command} ${args.join(' ')} ${what}:\n${output.slice(-8000)}`));
    });
  });
}

// A folder an interrupted run left behind must not fail the next one.
rmSync(path.join(root, 'build/jest.json'), { force: true });
main().catch((error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
