/**
 * The settings in force, for every view; changing them configures the client, or puts another in its place where that is
 * not enough, and keeps them in this browser.
 */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { useTierwise } from 'tierwise/react';

import { useReplaceClient } from '../client-host';
import { secrets } from './secrets';
import { asJson, clientSettings, configurable, type ProviderChoice, secretNames, type Settings } from './settings';

export const settingsKey = 'demo.settings';

interface SettingsInForce {
  settings: Settings;
  /** As `config.json` gives them. */
  start: Settings;
  /** What `config.json` has to say to visitors. */
  note: string | undefined;
  choice: ProviderChoice;
  save(settings: Settings): Promise<void>;
  choose(choice: ProviderChoice): Promise<void>;
  reset(): Promise<void>;
}

const Context = createContext<SettingsInForce | undefined>(undefined);

export function SettingsProvider(props: {
  initial: Settings;
  start: Settings;
  note: string | undefined;
  children: ReactNode;
}) {
  const client = useTierwise();
  const replaceClient = useReplaceClient();
  const { start, note, children } = props;
  const [settings, setSettings] = useState(props.initial);
  const [choice, setChoice] = useState<ProviderChoice>('auto');

  const apply = useCallback(
    async (next: Settings, kept: Settings | undefined) => {
      let used = client;
      if (configurable(settings, next)) await client.configure(clientSettings(next, choice));
      else used = await replaceClient(next, choice);
      setSettings(next);
      await used.setSetting(settingsKey, kept && asJson(kept));
    },
    [client, replaceClient, settings, choice],
  );
  const save = useCallback(async (next: Settings) => await apply(next, next), [apply]);
  const choose = useCallback(
    async (next: ProviderChoice) => {
      setChoice(next);
      await client.configure(clientSettings(settings, next));
    },
    [client, settings],
  );
  const reset = useCallback(async () => {
    for (const name of secretNames) await secrets.remove(client, name);
    await apply(start, undefined);
  }, [client, start, apply]);

  const value = useMemo(
    () => ({ settings, start, note, choice, save, choose, reset }),
    [settings, start, note, choice, save, choose, reset],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSettings(): SettingsInForce {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useSettings needs a SettingsProvider above it.');
  return value;
}
