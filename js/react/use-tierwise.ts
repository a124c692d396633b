/** The client of the nearest `TierwiseProvider`. */
import { useContext } from 'react';

import { TierwiseError } from '../index.js';
import type { Client } from '../types.js';
import { ClientContext } from './provider.js';

export function useTierwise(): Client {
  const client = useContext(ClientContext);
  if (client === undefined) {
    throw new TierwiseError(
      'no-provider',
      'No client here. Put <TierwiseProvider client={client}> or <TierwiseProvider config={…}> around this component.',
    );
  }
  return client;
}
