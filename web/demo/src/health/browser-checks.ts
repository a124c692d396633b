/** The browser's own part: its network, its storage and how full it is, the outbox, what works without a network. */
import { useEffect, useState } from 'react';
import { useTierwise } from 'tierwise/react';

import { useOnline } from '../online';
import type { Kind } from '../parts/state-mark';
import { bytes, plural } from '../words';

export interface Check {
  name: string;
  kind: Kind;
  /** One or two words. */
  state: string;
  words: string;
}

const patienceMs = 6000;

/** Made anew when `turn` changes. */
export function useBrowserChecks(turn: unknown): readonly Check[] {
  const client = useTierwise();
  const online = useOnline();
  const [checks, setChecks] = useState<readonly Check[]>([]);
  useEffect(() => {
    let over = false;
    void Promise.all([storageCheck(), outboxCheck(() => client.waiting()), workerCheck()]).then((found) => {
      if (!over) setChecks(found);
    });
    return () => {
      over = true;
    };
  }, [client, turn]);
  const network: Check = online
    ? { name: 'Network', kind: 'ready', state: 'Online', words: 'The browser has a network.' }
    : {
        name: 'Network',
        kind: 'failing',
        state: 'Offline',
        words: 'Cached answers still come; usage waits here until the network is back.',
      };
  return [network, ...checks];
}

async function storageCheck(): Promise<Check> {
  const name = 'Storage';
  try {
    const { usage, quota } = await navigator.storage.estimate();
    const lasting = await navigator.storage.persisted();
    if (usage === undefined || quota === undefined || quota === 0)
      return { name, kind: 'idle', state: 'Not known', words: 'The browser does not say how full it is.' };
    const share = usage / quota;
    const words =
      `${bytes(usage)} of ${bytes(quota)} used. ` +
      (lasting ? 'The browser keeps it.' : 'The browser may clear it when the disk is full.');
    return share > 0.9
      ? {
          name,
          kind: 'failing',
          state: 'Nearly full',
          words: `${words} Delete cached replies, or answers are no longer kept.`,
        }
      : { name, kind: 'ready', state: 'Available', words };
  } catch {
    return {
      name,
      kind: 'failing',
      state: 'Blocked',
      words: 'Nothing outlives this page: answers and usage stay in memory.',
    };
  }
}

/** It can be counted, so it can be read. */
async function outboxCheck(count: () => Promise<number>): Promise<Check> {
  const name = 'Usage outbox';
  try {
    const waiting = await Promise.race([
      count(),
      new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer')), patienceMs)),
    ]);
    const words =
      waiting === 0
        ? 'Nothing waits to be sent.'
        : `${plural(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'} to be sent, kept here until the backend has ${waiting === 1 ? 'it' : 'them'}.`;
    return { name, kind: 'ready', state: 'Reachable', words };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, kind: 'failing', state: 'Not reachable', words: `What is recorded stays in this page: ${why}.` };
  }
}

async function workerCheck(): Promise<Check> {
  const name = 'Without a network';
  const workers = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  const registration = await workers?.getRegistration().catch(() => undefined);
  return registration?.active
    ? { name, kind: 'ready', state: 'Ready', words: 'A service worker opens this page offline.' }
    : {
        name,
        kind: 'idle',
        state: 'Not set up',
        words: 'No service worker: this page must be open already to be used offline.',
      };
}
