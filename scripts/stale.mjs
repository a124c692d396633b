import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup.mjs';

/** Whether `output` is missing or older than anything under `sources` (paths from the top of the project). */
export function isStale(output, sources) {
  const built = path.join(root, output);
  if (!existsSync(built)) return true;
  const when = statSync(built).mtimeMs;
  return sources.some((source) => newest(path.join(root, source)) > when);
}

function newest(place) {
  if (!existsSync(place)) return 0;
  const stats = statSync(place);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return readdirSync(place)
    .filter((name) => name !== 'node_modules' && name !== '__pycache__')
    .reduce((latest, name) => Math.max(latest, newest(path.join(place, name))), 0);
}
