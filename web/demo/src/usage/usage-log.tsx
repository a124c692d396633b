/** The usage events since the page was opened, kept above the views so that none is missed. */
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import type { UsageEvent } from 'tierwise';
import { useTierwise, useUsage } from 'tierwise/react';

const none: readonly UsageEvent[] = [];
const Context = createContext(none);

export function UsageLog({ children }: { children: ReactNode }) {
  const client = useTierwise();
  const events = useUsage(100_000);
  // Another client tells of its own events only: those of the ones before it stay.
  const [log, setLog] = useState({ client, events, earlier: none });
  if (log.client !== client) setLog({ client, events, earlier: [...log.earlier, ...log.events] });
  else if (log.events !== events) setLog({ ...log, events });
  const all = useMemo(
    () => (log.earlier.length === 0 ? log.events : [...log.earlier, ...log.events]),
    [log.earlier, log.events],
  );
  return <Context value={all}>{children}</Context>;
}

export function useUsageLog(): readonly UsageEvent[] {
  return useContext(Context);
}
