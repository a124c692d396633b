/** The session, for every view. Without a backend its status is `none`, and nothing of it shows. */
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react';

import type { Backend, SessionState, SessionStore } from './session-store';

export type { Account, Backend, Company, Person, User } from './session-store';

export interface Session extends SessionState {
  backend?: Backend;
  /** Errors: CallFailed, `invalid_credentials` where address and password do not belong together. */
  signIn(email: string, password: string): Promise<void>;
  /** Nothing, where this state's person is not signed in any more. */
  signOut(): Promise<void>;
  /**
   * Of this state's person, never of one who signed in since. Fresh; undefined while they are not signed in, or when it
   * expired and cannot be renewed for want of a network.
   */
  token(options?: { renew?: boolean }): Promise<string | undefined>;
}

const Context = createContext<Session | undefined>(undefined);

export function SessionProvider({ store, children }: { store: SessionStore; children: ReactNode }) {
  const state = useSyncExternalStore(store.subscribe, store.state);
  const value = useMemo<Session>(
    () => ({
      ...state,
      ...(store.backend && { backend: store.backend }),
      signIn: store.signIn,
      signOut: () => store.signOut(state.user),
      token: async (options) => await state.account?.token(options),
    }),
    [store, state],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSession(): Session {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useSession needs a SessionProvider above it.');
  return value;
}
