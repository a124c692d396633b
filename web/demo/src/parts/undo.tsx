/**
 * Deletions that can be taken back for 10 s: what is to go is hidden at once and really deleted when the time is up,
 * or when the page is left. The time stands still while the message is pointed at or has the focus.
 */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import { Icon } from './icon';

const undoMs = 10_000;

interface Deletion {
  ids: readonly string[];
  words: string;
  run: (ids: readonly string[]) => Promise<unknown>;
}
interface Undo {
  /** Hidden, not yet deleted. */
  hidden: ReadonlySet<string>;
  remove(deletion: Deletion): void;
  undo(): void;
}

const Context = createContext<Undo | undefined>(undefined);
const nothing: ReadonlySet<string> = new Set();

export function UndoProvider({ children }: { children: ReactNode }) {
  const [pending, setPending] = useState<Deletion>();
  const [failed, setFailed] = useState<string>();
  const latest = useRef<Deletion>(undefined);

  const commit = useCallback(() => {
    const deletion = latest.current;
    latest.current = undefined;
    if (deletion === undefined) return;
    setFailed(undefined);
    deletion
      .run(deletion.ids)
      .catch((error: unknown) =>
        setFailed(`Nothing was deleted: ${error instanceof Error ? error.message : String(error)}`),
      )
      .finally(() => setPending((now) => (now === deletion ? undefined : now)));
  }, []);
  const remove = useCallback(
    (deletion: Deletion) => {
      commit();
      latest.current = deletion;
      setPending(deletion);
    },
    [commit],
  );
  const undo = useCallback(() => {
    latest.current = undefined;
    setPending(undefined);
  }, []);

  useEffect(() => {
    addEventListener('pagehide', commit);
    return () => removeEventListener('pagehide', commit);
  }, [commit]);

  const hidden = useMemo(() => (pending === undefined ? nothing : new Set(pending.ids)), [pending]);
  const value = useMemo(() => ({ hidden, remove, undo }), [hidden, remove, undo]);
  return (
    <Context value={value}>
      {children}
      <div className="toasts" role="status">
        {pending !== undefined && (
          <Toast key={pending.ids.join()} words={pending.words} onUndo={undo} onOver={commit} />
        )}
        {failed !== undefined && (
          <div className="toast">
            <Icon name="alert" />
            <span>{failed}</span>
            <button type="button" className="button quiet small" onClick={() => setFailed(undefined)}>
              Close
            </button>
          </div>
        )}
      </div>
    </Context>
  );
}

function Toast({ words, onUndo, onOver }: { words: string; onUndo: () => void; onOver: () => void }) {
  const [left, setLeft] = useState(undoMs / 1000);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setInterval(() => setLeft((before) => before - 1), 1000);
    return () => clearInterval(timer);
  }, [held]);
  useEffect(() => {
    if (left <= 0) onOver();
  }, [left, onOver]);
  return (
    <div
      className="toast"
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon name="trash" />
      <span>{words}</span>
      <button type="button" className="button small" onClick={onUndo}>
        Undo
      </button>
      <span className="seconds" aria-hidden="true">
        {Math.max(0, left)} s
      </span>
    </div>
  );
}

export function useUndo(): Undo {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useUndo needs an UndoProvider above it.');
  return value;
}
