/**
 * Small JSON files of the data folder that only this user may read: keys, passwords, sessions. A file is never half: it is
 * written beside its place and moved there. One that is damaged is told of by its name, without what is in it, and never
 * made anew silently.
 */
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const kWayOut = 'Put it back from a copy, or delete it: a new one is made.';

/**
 * What the file holds; when there is none, `make()` is kept and given. Of two at once, both give the first one's. Throws
 * with `wayOut` when it holds something that is not `right(value)`.
 */
export function keptOnce(file, make, right, wayOut = kWayOut) {
  if (readKept(file, right, wayOut) === undefined) {
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
  return readKept(file, right, wayOut);
}

/** The object in the file; undefined when there is no such file. */
export function readKept(file, right, wayOut = kWayOut) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    // Told of below: the parser's own words repeat the file.
  }
  if (typeof value === 'object' && value !== null && right(value)) return value;
  throw new Error(`${file} is damaged. ${wayOut}`);
}

export function writeKept(file, value) {
  const unfinished = writeBeside(file, value);
  try {
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Gives the name of the file beside. */
export function writeBeside(file, value) {
  const unfinished = `${file}.${String(process.pid)}.new`;
  try {
    writeFileSync(unfinished, JSON.stringify(value), { mode: 0o600, flush: true });
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  return unfinished;
}
