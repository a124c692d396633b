/** The usage events since the page was opened, kept above the views so that none is missed. */
import { createContext, type ReactNode, useContext } from 'react';
import type { UsageEvent } from 'tierwise';
import { useUsage } from 'tierwise/react';

const Context = createContext<readonly UsageEvent[]>([]);

export function UsageLog({ children }: { children: ReactNode }) {
  return <Context value={useUsage(100_000)}>{children}</Context>;
}

export function useUsageLog(): readonly UsageEvent[] {
  return useContext(Context);
}
