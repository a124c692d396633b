/**
 * What a fresh machine lacks: npm packages (`npm ci`) and Debian packages (apt, when it may). Where it may not, it says
 * the exact line to run. Uses nothing but Node, because it runs before anything is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
const any = (...paths) => paths.some((place) => existsSync(place));

/** Debian package -> how to see that it is there. */
const tools = {
  cmake: () => has('cmake'),
  'ninja-build': () => has('ninja'),
  'g++': () => has('g++'),
  emscripten: () => has('emcc') || process.env.TIERWISE_EMSCRIPTEN_TOOLCHAIN !== undefined,
  'nlohmann-json3-dev': () => any('/usr/include/nlohmann/json.hpp', '/usr/local/include/nlohmann/json.hpp'),
  googletest: () => existsSync('/usr/src/googletest/CMakeLists.txt'),
  chromium: () => existsSync(process.env.TIERWISE_CHROMIUM ?? '/usr/bin/chromium'),
  'clang-14': () => has('clang++-14'),
  'libclang-rt-14-dev': () =>
    existsSync('/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a') ||
    any('/usr/lib/llvm-14/lib/clang'),
  // On Debian 12: 15, the oldest that the backend is for. Its own cluster is not used.
  'postgresql-15': () => existsSync('/usr/lib/postgresql/15/bin/postgres'),
  python3: () => has('python3'),
  'python3-venv': () => spawnSync('python3', ['-c', 'import ensurepip'], { stdio: 'ignore' }).status === 0,
};
export const toBuild = ['cmake', 'ninja-build', 'g++', 'emscripten', 'nlohmann-json3-dev', 'googletest'];
export const toTest = [
  ...toBuild,
  'chromium',
  'clang-14',
  'libclang-rt-14-dev',
  'postgresql-15',
  'python3',
  'python3-venv',
];

/** Installs what is missing of these Debian packages; throws with the line to run when it may not. */
export function ensureSystem(packages, say = console.log) {
  const missing = packages.filter((name) => !tools[name]());
  if (missing.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  const isRoot = process.getuid?.() === 0;
  const sudo = !isRoot && has('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  if (!has('apt-get') || (!isRoot && !sudo)) {
    throw new Error(`These are missing: ${missing.join(', ')}. On Debian or Ubuntu run:\n\n  sudo ${line}\n`);
  }
  say(`Installing ${missing.join(', ')} (a few minutes the first time) …`);
  const prefix = isRoot ? '' : 'sudo ';
  const install = `${prefix}env DEBIAN_FRONTEND=noninteractive apt-get update -qq; ${prefix}env DEBIAN_FRONTEND=noninteractive ${line} -qq`;
  // One more try: mirrors fail now and then.
  if (spawnSync('sh', ['-c', install], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) {
    execFileSync('sh', ['-c', install], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const still = packages.filter((name) => !tools[name]());
  if (still.length > 0)
    throw new Error(`Still missing after the installation: ${still.join(', ')}. Run:\n\n  sudo ${line}\n`);
}

/** `npm ci` when node_modules is absent or belongs to another lock file. */
export function ensureNpm(say = console.log) {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(root, 'node_modules/.tierwise-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('Installing npm packages …');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(stamp, lock);
}
