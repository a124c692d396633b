/** How much of what was recorded has not reached the backend yet, in words, and why; and the button that tries at once. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTierwise } from 'tierwise/react';

import { useOnline } from '../online';
import { Icon } from '../parts/icon';
import { useSession } from '../session/session';
import { plural } from '../words';

const everyMs = 2000;
/** A batch goes after 5 s. */
const patience = 12_000;

export interface Waiting {
  /** Undefined: not looked yet. */
  waiting: number | undefined;
  /** Nothing of it has gone for a while. */
  stuck: boolean;
  /** Grows with each look that found fewer. */
  deliveries: number;
  send: () => Promise<void>;
}

export function useWaiting(): Waiting {
  const client = useTierwise();
  const { status } = useSession();
  const [state, setState] = useState<{ waiting: number | undefined; stuck: boolean; deliveries: number }>({
    waiting: undefined,
    stuck: false,
    deliveries: 0,
  });
  const since = useRef(0);
  const look = useCallback(async () => {
    const waiting = await client.waiting().catch(() => undefined);
    const now = Date.now();
    setState((before) => {
      const fewer = waiting !== undefined && before.waiting !== undefined && waiting < before.waiting;
      if (waiting === 0 || fewer || before.waiting === 0 || before.waiting === undefined) since.current = now;
      const stuck = waiting !== undefined && waiting > 0 && now - since.current > patience;
      if (waiting === before.waiting && stuck === before.stuck) return before;
      return { waiting, stuck, deliveries: before.deliveries + (fewer ? 1 : 0) };
    });
  }, [client]);
  useEffect(() => {
    if (status !== 'in') return undefined;
    void look();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void look();
    }, everyMs);
    return () => clearInterval(timer);
  }, [status, look]);
  const send = useCallback(async () => {
    await client.flush();
    await look();
  }, [client, look]);
  return { ...state, send };
}

export function WaitingLine({ waiting, stuck, send }: Waiting) {
  const online = useOnline();
  const [sending, setSending] = useState(false);
  const words =
    waiting === undefined
      ? 'Looking for what waits to be sent…'
      : waiting === 0
        ? 'Everything recorded here is with the backend.'
        : `${plural(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'} to be sent${
            online ? (stuck ? ': the backend does not answer' : '') : ': offline'
          }.${stuck || !online ? ` ${waiting === 1 ? 'It is' : 'They are'} kept on this device.` : ''}`;
  return (
    <div className="waiting-line">
      <p role="status" className={waiting === 0 ? 'muted' : undefined}>
        <Icon name={waiting === 0 ? 'check' : stuck || !online ? 'alert' : 'up'} size={14} /> {words}
      </p>
      {waiting !== undefined && waiting > 0 && online && (
        <button
          type="button"
          className="button small"
          aria-disabled={sending}
          onClick={() => {
            if (sending) return;
            setSending(true);
            void send().finally(() => setSending(false));
          }}
        >
          {sending ? 'Sending…' : 'Send now'}
        </button>
      )}
    </div>
  );
}
