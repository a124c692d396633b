/**
 * Small JSON files of the data folder that only this user may read: keys, passwords, sessions. A file is never half: it is
 * written beside its place and moved there.
 */
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** What the file holds; when there is none, `make()` is kept and given. Of two at once, both give the first one's. */
export function keptOnce(file, make) {
  if (readKept(file) === undefined) {
    const unfinished = writeBeside(file, make());
    try {
      linkSync(unfinished, file);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    } finally {
      rmSync(unfinished, { force: true });
    }
  }
  chmodSync(file, 0o600);
  return readKept(file);
}

/** Undefined when there is no such file. One that cannot be read as JSON throws: it must not be made anew silently. */
export function readKept(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${file} is damaged. Put it back from a copy, or delete it: a new one is made.`);
  }
}

export function writeKept(file, value) {
  renameSync(writeBeside(file, value), file);
}

function writeBeside(file, value) {
  const unfinished = `${file}.${String(process.pid)}.new`;
  writeFileSync(unfinished, JSON.stringify(value), { mode: 0o600, flush: true });
  return unfinished;
}
