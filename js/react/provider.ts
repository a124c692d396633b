/**
 * Gives the components below it one client. Either a `client` the caller made and closes, or a `config` from which
 * one is made and closed here. `config` is read once, when the provider mounts: change a running client with
 * `client.configure`, or give the provider another `key`. Making a client does nothing until it is used, so this
 * is safe on a server and under StrictMode: a client is closed only when its provider stays unmounted, and a
 * provider that comes back (StrictMode, Activity) has an open one again.
 */
import { createContext, createElement, useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';

import { createClient } from '../index.js';
import type { Client, ClientConfig } from '../types.js';

export const ClientContext = createContext<Client | undefined>(undefined);

export type TierwiseProviderProps = { children?: ReactNode } & (
  { client: Client; config?: undefined } | { config: ClientConfig; client?: undefined }
);

export function TierwiseProvider(props: TierwiseProviderProps): ReactElement {
  return props.client === undefined
    ? createElement(OwnClient, { config: props.config }, props.children)
    : createElement(ClientContext.Provider, { value: props.client }, props.children);
}

function OwnClient({ config, children }: { config: ClientConfig; children?: ReactNode }): ReactElement {
  const [client, setClient] = useState(() => createClient(config));
  const firstConfig = useRef(config);
  const closing = useRef<{ client: Client; timer: ReturnType<typeof setTimeout> }>(undefined);
  const closed = useRef<Client>(undefined);

  useEffect(() => {
    const pending = closing.current;
    if (pending?.client === client) {
      clearTimeout(pending.timer);
      closing.current = undefined;
    }
    if (closed.current === client) {
      closed.current = undefined;
      setClient(createClient(firstConfig.current));
      return undefined;
    }
    return () => {
      const timer = setTimeout(() => {
        closed.current = client;
        closing.current = undefined;
        client.close();
      }, 0);
      closing.current = { client, timer };
    };
  }, [client]);

  return createElement(ClientContext.Provider, { value: client }, children);
}
