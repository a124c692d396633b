/** Starts the page: what `config.json` beside it names, under what was saved here before. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { type Client, createClient, type Tier, type Warning } from 'tierwise';
import { TierwiseProvider } from 'tierwise/react';

import { App } from './app';
import { StartFailed } from './start-failed';
import { secrets } from './settings/secrets';
import {
  clientSettings,
  problemsOf,
  readSettings,
  secretNames,
  type Settings,
  type SpaceSettings,
  startSettings,
} from './settings/settings';
import { SettingsProvider, settingsKey } from './settings/use-settings';

interface PageConfig {
  spaces?: Partial<Record<Tier, Partial<SpaceSettings>>>;
  note?: string;
}

async function pageConfig(): Promise<PageConfig> {
  const response = await fetch('config.json', { cache: 'no-store' }).catch(() => undefined);
  if (!response?.ok || !/json/.test(response.headers.get('content-type') ?? '')) return {};
  return (await response.json().catch(() => ({}))) as PageConfig;
}

async function keptSettings(client: Client, start: Settings): Promise<Settings> {
  await secrets.load(client, secretNames);
  const settings = readSettings(await client.getSetting(settingsKey), start);
  if (Object.keys(problemsOf(settings)).length > 0) return start;
  await client.configure(clientSettings(settings));
  return settings;
}

const root = createRoot(document.getElementById('root')!);
try {
  const { spaces, note } = await pageConfig();
  const start = startSettings(spaces ?? {});
  // Kept in this browser, so that a question asked yesterday is answered from the cache today.
  const client = createClient({ ...clientSettings(start), cache: { persist: true }, usage: { appVersion: 'demo' } });
  const early: Warning[] = [];
  client.on('warning', (warning) => early.push(warning));
  const initial = await keptSettings(client, start).catch(() => start);
  root.render(
    <StrictMode>
      <TierwiseProvider client={client}>
        <SettingsProvider initial={initial} start={start} note={note}>
          <App early={early} />
        </SettingsProvider>
      </TierwiseProvider>
    </StrictMode>,
  );
} catch (error) {
  root.render(<StartFailed error={error} />);
}
