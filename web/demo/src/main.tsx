/** Starts the page: what `config.json` beside it names, under what was saved here before. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { Client, Tier, Warning } from 'tierwise';

import { App } from './app';
import { ClientHost, openClient } from './client-host';
import { SessionProvider } from './session/session';
import { type Backend, type Person, SessionStore } from './session/session-store';
import { StartFailed } from './start-failed';
import { secrets } from './settings/secrets';
import {
  clientConfig,
  clientSettings,
  configurable,
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
  backend?: { url: string; people?: readonly Person[] };
}

function backendOf({ backend }: PageConfig): Backend | undefined {
  if (typeof backend?.url !== 'string' || !URL.canParse(backend.url)) return undefined;
  return { url: backend.url, people: Array.isArray(backend.people) ? backend.people : [] };
}

async function pageConfig(): Promise<PageConfig> {
  const response = await fetch('config.json', { cache: 'no-store' }).catch(() => undefined);
  if (!response?.ok || !/json/.test(response.headers.get('content-type') ?? '')) return {};
  return (await response.json().catch(() => ({}))) as PageConfig;
}

async function keptSettings(client: Client, start: Settings): Promise<Settings> {
  await secrets.load(client, secretNames);
  const settings = readSettings(await client.getSetting(settingsKey), start);
  return Object.keys(problemsOf(settings)).length > 0 ? start : settings;
}

const root = createRoot(document.getElementById('root')!);
try {
  const config = await pageConfig();
  const { spaces, note } = config;
  const session = new SessionStore(backendOf(config));
  const start = startSettings(spaces ?? {});
  const { account } = session.state();
  let open = openClient(clientConfig(start, account));
  const early: Warning[] = [];
  open.client.on('warning', (warning) => early.push(warning));
  let initial = await keptSettings(open.client, start).catch(() => start);
  if (configurable(start, initial)) {
    await open.client.configure(clientSettings(initial)).catch(() => (initial = start));
  } else {
    open.close();
    open = openClient(clientConfig(initial, account));
  }
  root.render(
    <StrictMode>
      <SessionProvider store={session}>
        <ClientHost first={open}>
          <SettingsProvider initial={initial} openFor={account} start={start} note={note}>
            <App early={early} />
          </SettingsProvider>
        </ClientHost>
      </SessionProvider>
    </StrictMode>,
  );
} catch (error) {
  root.render(<StartFailed error={error} />);
}
