/**
 * Holds the client, and puts another in its place where a setting changes that `configure` cannot change. What is in the
 * browser's storage is the next one's too; what only the old one knew (health, running calls) goes with it.
 */
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { type Client, type ClientConfig, createClient } from 'tierwise';
import { TierwiseProvider } from 'tierwise/react';

export interface OpenClient {
  client: Client;
  /** The client, and the embedder it was given. */
  close(): void;
}
/**
 * `anew`: it is another person's, who must not wait for, and has no part in, what the old one still writes. Without it, it
 * fails where another was put in place while the old one wrote.
 */
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
  /** In place, or about to be. */
  const newest = useRef(first);
  const replace = useCallback<Replace>(async (config, anew = false) => {
    const next = openClient(config);
    const from = newest.current;
    if (anew) {
      newest.current = next;
      // Not within an effect, where nothing can be put in its place at once.
      await Promise.resolve();
    } else {
      // What was stored last is the next one's to find.
      await from.client.flush().catch(() => undefined);
      if (newest.current !== from) {
        next.close();
        throw new Error('The client was replaced meanwhile. Try again.');
      }
      newest.current = next;
    }
    // A running answer is stopped by who asked for it before its client goes away.
    flushSync(() => setOpen(next));
    from.close();
    return next.client;
  }, []);
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
