/**
 * A log in the data folder that only this user may read: the newest lines, at most twice `mostBytes` of them, in `file` and,
 * the older ones, in `file.old`. A disk that is full costs lines, not the program.
 */
import { appendFileSync, renameSync, statSync } from 'node:fs';

const kMostBytes = 5_000_000;

/** Gives `write(line)`. */
export function keepLog(file, mostBytes = kMostBytes) {
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return (line) => {
    const text = `${line}\n`;
    try {
      if (size > 0 && size + Buffer.byteLength(text) > mostBytes) {
        renameSync(file, `${file}.old`);
        size = 0;
      }
      appendFileSync(file, text, { mode: 0o600 });
      size += Buffer.byteLength(text);
    } catch {
      // Nobody is there to be told.
    }
  };
}
