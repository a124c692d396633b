/**
 * What can be taken back for 10 s. Deletions: what is to go is hidden at once and really deleted when the time is up,
 * or when the page is left. Changes that are made already: undone by another change. The time stands still while the
 * message is pointed at or has the focus.
 */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import { Icon, type IconName } from './icon';

const undoMs = 10_000;

interface Deletion {
  ids: readonly string[];
  words: string;
  run: (ids: readonly string[]) => Promise<unknown>;
}
interface Change {
  words: string;
  /** Makes it as it was. */
  back: () => Promise<unknown>;
}
interface Undo {
  /** Offers to take back what was done just now. */
  changed(change: Change): void;
  /** Hidden, not yet deleted. */
  hidden: ReadonlySet<string>;
  remove(deletion: Deletion): void;
  undo(): void;
}

const Context = createContext<Undo | undefined>(undefined);
const nothing: ReadonlySet<string> = new Set();

export function UndoProvider({ children }: { children: ReactNode }) {
  const [pending, setPending] = useState<Deletion>();
  const [change, setChange] = useState<Change & { id: number }>();
  const changes = useRef(0);
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
      setChange(undefined);
      latest.current = deletion;
      setPending(deletion);
    },
    [commit],
  );
  const changed = useCallback(
    (next: Change) => {
      commit();
      setFailed(undefined);
      setChange({ ...next, id: ++changes.current });
    },
    [commit],
  );
  const takeBack = useCallback(({ back }: Change) => {
    setChange(undefined);
    back().catch((error: unknown) =>
      setFailed(`It was not taken back: ${error instanceof Error ? error.message : String(error)}`),
    );
  }, []);
  const undo = useCallback(() => {
    latest.current = undefined;
    setPending(undefined);
  }, []);

  useEffect(() => {
    addEventListener('pagehide', commit);
    return () => removeEventListener('pagehide', commit);
  }, [commit]);

  const hidden = useMemo(() => (pending === undefined ? nothing : new Set(pending.ids)), [pending]);
  const value = useMemo(() => ({ hidden, changed, remove, undo }), [hidden, changed, remove, undo]);
  return (
    <Context value={value}>
      {children}
      <div className="toasts" role="status">
        {pending !== undefined && (
          <Toast key={pending.ids.join()} words={pending.words} onUndo={undo} onOver={commit} />
        )}
        {change !== undefined && (
          <Toast
            key={change.id}
            icon="check"
            words={change.words}
            onUndo={() => takeBack(change)}
            onOver={() => setChange((now) => (now === change ? undefined : now))}
          />
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

function Toast(props: { icon?: IconName; words: string; onUndo: () => void; onOver: () => void }) {
  const { icon = 'trash', words, onUndo, onOver } = props;
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
      <Icon name={icon} />
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
