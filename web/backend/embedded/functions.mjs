/**
 * The functions of the backend as one Deno process (serve-functions.ts): `startFunctions()`.
 *
 * Promises: loopback only; Deno, from npm `deno`, is a direct child, ends when this process ends in whatever way, and is
 * started again on the same port when it is killed. It may open connections only to the database, the sign-in, the Hub, the
 * providers and the hosts of Spaces that are configured, reads no variable but those listed here, and writes no file.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const kStartLimitMs = 120_000;
const kStopLimitMs = 5000;
const kRestartsPerMinute = 20;
const kAgainMs = 200;
const program = fileURLToPath(new URL('serve-functions.ts', import.meta.url));

const variables = [
  'HUGGINGFACE_API_KEY',
  'OPENAI_API_KEY',
  'SUPABASE_DB_URL',
  'SUPABASE_URL',
  'TIERWISE_DB_URL',
  'TIERWISE_FUNCTIONS_PORT',
  'TIERWISE_HUB_URL',
  'TIERWISE_JWKS_URL',
  'TIERWISE_JWT_AUDIENCE',
  'TIERWISE_JWT_ISSUER',
  'TIERWISE_JWT_SECRET',
  'TIERWISE_OPENAI_URL',
  'TIERWISE_ROUTER_URL',
  'TIERWISE_SEALING_KEYS',
  'TIERWISE_SPACE_HOSTS',
];

/**
 * Starts the functions and resolves when they take requests: `{ url, port, pid, stop() }`, `url` ending in `/functions/v1`.
 * `env`: values of `variables`; what is not named there is not set. `onLine(text)`: each line of their log.
 */
export async function startFunctions({ env = {}, port = 0, onLine = () => {}, onRestart, onLost } = {}) {
  const deno = denoBinary();
  const state = { child: undefined, port, stopping: false, restarts: [], starting: undefined };

  const launch = async () => {
    const child = spawn(deno, args(env, state.port), {
      env: { ...cacheEnvironment(), ...onlyKnown(env), TIERWISE_FUNCTIONS_PORT: String(state.port) },
      // A group of its own: Ctrl+C in a terminal reaches this process, which ends the functions in its turn.
      detached: process.platform !== 'win32',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    state.child = child;
    child.stdin.on('error', () => {});
    let said = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      said = `${said}${line}\n`.slice(-8000);
      onLine(line);
    });
    const listening = new Promise((resolve, reject) => {
      const limit = setTimeout(() => child.kill('SIGKILL'), kStartLimitMs);
      createInterface({ input: child.stdout }).on('line', (line) => {
        const found = /^\{"listening":(\d+)\}$/.exec(line);
        if (found === null) return onLine(line);
        clearTimeout(limit);
        resolve(Number(found[1]));
      });
      child.once('error', reject);
      child.once('close', () => {
        clearTimeout(limit);
        reject(new Error(`The functions did not start:\n${said.trim()}`));
      });
    });
    state.port = await listening;
    child.once('exit', () => {
      if (!state.stopping) state.starting = relaunch();
    });
  };
  const relaunch = async () => {
    for (;;) {
      const now = Date.now();
      state.restarts = [...state.restarts.filter((at) => at > now - 60_000), now];
      if (state.restarts.length > kRestartsPerMinute) return onLost?.(new Error('The functions end again and again.'));
      try {
        await launch();
        return onRestart?.();
      } catch {
        // Its port may be another's for a moment.
        if (state.stopping) return undefined;
        await new Promise((resolve) => setTimeout(resolve, kAgainMs));
      }
    }
  };
  await launch();
  return {
    get url() {
      return `http://127.0.0.1:${String(state.port)}/functions/v1`;
    },
    get port() {
      return state.port;
    },
    get pid() {
      return state.child.pid;
    },
    async stop() {
      if (state.stopping) return;
      state.stopping = true;
      const { child } = state;
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.stdin.end();
        const limit = setTimeout(() => child.kill('SIGKILL'), kStopLimitMs);
        await gone;
        clearTimeout(limit);
      }
      await state.starting;
    },
  };
}

/** Deno's binary: its package links it in an install script, which npm may not run; then it is beside. */
export function denoBinary() {
  const require = createRequire(import.meta.url);
  let home;
  try {
    home = path.dirname(require.resolve('deno/package.json'));
  } catch {
    throw new Error('npm did not install deno: run npm ci.');
  }
  const file = process.platform === 'win32' ? 'deno.exe' : 'deno';
  const platform = {
    'linux-x64': 'linux-x64-glibc',
    'linux-arm64': 'linux-arm64-glibc',
    'darwin-x64': 'darwin-x64',
    'darwin-arm64': 'darwin-arm64',
    'win32-x64': 'win32-x64',
    'win32-arm64': 'win32-arm64',
  }[`${process.platform}-${process.arch}`];
  const places = [path.join(home, file)];
  if (platform !== undefined) places.push(path.join(home, '..', '@deno', platform, file));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`npm's deno has no binary for ${process.platform} ${process.arch}.`);
  return found;
}

/** How any program of ours runs under Deno: packages from its own cache, nothing of the project's node_modules. */
export const denoFlags = [
  '--quiet',
  '--unstable-no-legacy-abort',
  '--no-prompt',
  '--no-lock',
  '--no-config',
  '--node-modules-dir=none',
];

/** What Deno needs of the surroundings to fetch packages; none of it can be read by the functions. */
export function cacheEnvironment() {
  const kept =
    /^(PATH|HOME|USERPROFILE|XDG_CACHE_HOME|DENO_DIR|DENO_CERT|DENO_TLS_CA_STORE|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|NPM_CONFIG_.*|HTTPS?_PROXY|NO_PROXY|TMPDIR|SYSTEMROOT|LOCALAPPDATA)$/i;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name))), NO_COLOR: '1' };
}

function onlyKnown(env) {
  const unknown = Object.keys(env).find((name) => !variables.includes(name));
  if (unknown !== undefined) throw new Error(`The functions have no variable ${unknown}.`);
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}

function args(env, port) {
  const reach = [
    `127.0.0.1:${String(port)}`,
    hostOf(env.TIERWISE_DB_URL ?? env.SUPABASE_DB_URL),
    hostOf(env.TIERWISE_JWKS_URL),
    hostOf(env.SUPABASE_URL),
    hostOf(env.TIERWISE_HUB_URL ?? 'https://huggingface.co'),
    hostOf(env.TIERWISE_ROUTER_URL ?? 'https://router.huggingface.co'),
    hostOf(env.TIERWISE_OPENAI_URL ?? 'https://api.openai.com'),
    ...(env.TIERWISE_SPACE_HOSTS ?? '*.hf.space')
      .split(/[\s,]+/)
      .map((host) => (host.includes('://') ? hostOf(host) : host)),
  ].filter((host) => host !== undefined && host !== '');
  return [
    'run',
    ...denoFlags,
    `--allow-net=${[...new Set(reach)].join(',')}`,
    // The driver looks for its own (PG…) and for the user's name.
    `--allow-env=${[...variables, 'PG*', 'USER', 'USERNAME', 'LOGNAME'].join(',')}`,
    program,
  ];
}

function hostOf(address) {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || { 'http:': '80', 'https:': '443' }[protocol] || '5432'}`;
}
