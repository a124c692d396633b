/** Takes the company's own row back, so that everybody's counts again; for 10 s it can be put there once more. */
import { useState } from 'react';

import { useUndo } from '../parts/undo';
import { seen, versionOf } from './rows';
import { type Config, readAgain, useWrite } from './use-config';

/**
 * `path`: of the row, below `config/`; `was`: what puts it there again; `words`: that it is gone, and `failedWords` that it is
 * not; `onGone`: before the list is read anew.
 */
interface Taking {
  path: string;
  row: Parameters<typeof versionOf>[0];
  was: object;
  words: string;
  failedWords: string;
  onGone?: () => void;
}

export function useTakeBack(config: Config<unknown>) {
  const write = useWrite();
  const { changed } = useUndo();
  const [failed, setFailed] = useState<string>();
  const takeBack = async ({ path, row, was, words, failedWords, onGone }: Taking) => {
    setFailed(undefined);
    try {
      await write('DELETE', `${path}${seen(versionOf(row))}`);
      onGone?.();
      await config.reload();
      changed({ words, back: () => write('PUT', `${path}?seen=none`, was).finally(readAgain) });
    } catch (error) {
      await config.reload();
      setFailed(`${failedWords}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return { failed, takeBack };
}
