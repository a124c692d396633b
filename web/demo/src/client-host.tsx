/**
 * Holds the client, and puts another in its place where a setting changes that `configure` cannot change. What is in the
 * browser's storage is the next one's too; what only the old one knew (health, running calls) goes with it.
 */
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { flushSync } from 'react-dom';
import { type Client, createClient } from 'tierwise';
import { TierwiseProvider } from 'tierwise/react';

import { clientConfig, type ProviderChoice, type Settings } from './settings/settings';

export interface OpenClient {
  client: Client;
  /** The client, and the embedder it was given. */
  close(): void;
}
type Replace = (settings: Settings, choice: ProviderChoice) => Promise<Client>;

/** Errors: ConfigError. */
export function openClient(settings: Settings, choice?: ProviderChoice): OpenClient {
  const config = clientConfig(settings, choice);
  const client = createClient(config);
  return {
    client,
    close: () => {
      client.close();
      config.embedder?.close();
    },
  };
}

const Context = createContext<Replace | undefined>(undefined);

export function ClientHost({ first, children }: { first: OpenClient; children: ReactNode }) {
  const [open, setOpen] = useState(first);
  const replace = useCallback<Replace>(
    async (settings, choice) => {
      const next = openClient(settings, choice);
      // What was stored last is the next one's to find.
      await open.client.flush().catch(() => undefined);
      // A running answer is stopped by who asked for it before its client goes away.
      flushSync(() => setOpen(next));
      open.close();
      return next.client;
    },
    [open],
  );
  return (
    <Context value={replace}>
      <TierwiseProvider client={open.client}>{children}</TierwiseProvider>
    </Context>
  );
}

export function useReplaceClient(): Replace {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useReplaceClient needs a ClientHost above it.');
  return value;
}
