/**
 * Holds the client, and puts another in its place where a setting changes that `configure` cannot change. What is in the
 * browser's storage is the next one's too; what only the old one knew (health, running calls) goes with it.
 */
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { flushSync } from 'react-dom';
import { type Client, type ClientConfig, createClient } from 'tierwise';
import { TierwiseProvider } from 'tierwise/react';

export interface OpenClient {
  client: Client;
  /** The client, and the embedder it was given. */
  close(): void;
}
/** `anew`: it is another person's, who must not wait for, and has no part in, what the old one still writes. */
type Replace = (config: ClientConfig, anew?: boolean) => Promise<Client>;

/** Errors: ConfigError. */
export function openClient(config: ClientConfig): OpenClient {
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
    async (config, anew = false) => {
      const next = openClient(config);
      // What was stored last is the next one's to find.
      if (!anew) await open.client.flush().catch(() => undefined);
      // Not within an effect, where nothing can be put in its place at once.
      else await Promise.resolve();
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
