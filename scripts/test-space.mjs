/**
 * Tests the Space of models/space in its own Python environment: `node scripts/test-space.mjs`.
 * The last line is `N passed, N failed`. Without Python 3.10 or newer it says so and fails.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureSpaceVenv } from './space.mjs';

const tests = fileURLToPath(new URL('../tests/space/run.py', import.meta.url));

try {
  const { python } = await ensureSpaceVenv({ onProgress: (message) => console.log(message) });
  const child = spawn(python, [tests], {
    stdio: 'inherit',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '', PYTHONUNBUFFERED: '1', GRADIO_ANALYTICS_ENABLED: 'False' },
  });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
} catch (error) {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
