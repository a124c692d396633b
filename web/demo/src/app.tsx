/** The frame: where one can go, how the Spaces are, the view, and the panel beside it. */
import { useEffect, useRef } from 'react';
import type { Warning } from 'tierwise';
import { useSpaceStatus } from 'tierwise/react';

import { AdminView } from './admin/admin-view';
import { CacheEntryPanel } from './cache/cache-entry-panel';
import { CacheView } from './cache/cache-view';
import { ChatView } from './chat/chat-view';
import { ConversationProvider, useConversation } from './chat/conversation';
import { ExplanationsProvider } from './chat/explanations';
import { HealthView } from './health/health-view';
import { useMedia, wide } from './media';
import { Icon, type IconName } from './parts/icon';
import { Sheet } from './parts/sheet';
import { StateMark } from './parts/state-mark';
import { UndoProvider } from './parts/undo';
import { Warnings } from './parts/warnings';
import { address, useQuery, useRoute, type View } from './route';
import { AccountLink } from './session/account-link';
import { AccountView } from './session/account-view';
import { useSession } from './session/session';
import { SettingsView } from './settings/settings-view';
import { useSettings } from './settings/use-settings';
import { tierWords } from './tiers';
import { WhyPanel } from './trace/why-panel';
import { UsageLog } from './usage/usage-log';
import { UsageView } from './usage/usage-view';

const links: readonly { view: View; label: string; icon: IconName }[] = [
  { view: 'chat', label: 'Chat', icon: 'chat' },
  { view: 'cache', label: 'Cache', icon: 'cache' },
  { view: 'usage', label: 'Usage', icon: 'usage' },
  { view: 'health', label: 'Health', icon: 'health' },
  { view: 'settings', label: 'Settings', icon: 'settings' },
  { view: 'admin', label: 'Admin', icon: 'admin' },
];

/** `early`: warnings given before there was a page to show them. */
export function App({ early }: { early: readonly Warning[] }) {
  return (
    <UsageLog>
      <ConversationProvider>
        <ExplanationsProvider>
          <UndoProvider>
            <Frame />
            <Warnings early={early} />
          </UndoProvider>
        </ExplanationsProvider>
      </ConversationProvider>
    </UsageLog>
  );
}

function Frame() {
  const { status } = useSession();
  const route = useRoute();
  // Without a backend there is no such place.
  const view = route.view === 'account' && status === 'none' ? 'chat' : route.view;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  useEffect(() => {
    document.title = `${links.find((link) => link.view === view)?.label ?? 'Account'} · Tierwise`;
    if (first.current) {
      first.current = false;
      return;
    }
    // A screen reader starts at the new view's title; the composer keeps its own focus.
    main.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
    main.current?.scrollTo(0, 0);
  }, [view]);

  const [why, setWhy] = useQuery('why');
  const [entry, setEntry] = useQuery('entry');
  const panel =
    view === 'chat' && why !== undefined ? 'why' : view === 'cache' && entry !== undefined ? 'entry' : undefined;
  return (
    <div className="frame" data-panel={panel !== undefined}>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          (
            main.current?.querySelector<HTMLElement>('.composer textarea') ??
            main.current?.querySelector<HTMLElement>('h1')
          )?.focus();
        }}
      >
        Skip to content
      </a>
      <Side view={view} />
      <main ref={main} id="main" className="main">
        {view === 'chat' && <ChatView why={why} onWhy={(id) => setWhy(id === why ? undefined : id)} />}
        {view === 'cache' && <CacheView />}
        {view === 'usage' && <UsageView />}
        {view === 'health' && <HealthView />}
        {view === 'settings' && <SettingsView />}
        {view === 'admin' && <AdminView />}
        {view === 'account' && <AccountView />}
      </main>
      {panel === 'why' && (
        <Beside label="Why this answer" onClose={() => setWhy(undefined)}>
          <WhyPanel messageId={why} onClose={() => setWhy(undefined)} />
        </Beside>
      )}
      {panel === 'entry' && (
        <Beside label="Cached reply" onClose={() => setEntry(undefined)}>
          <CacheEntryPanel id={entry!} onClose={() => setEntry(undefined)} />
        </Beside>
      )}
    </div>
  );
}

/** Beside the view where there is room, over it where there is not. */
function Beside({ label, onClose, children }: { label: string; onClose: () => void; children: React.ReactNode }) {
  return useMedia(wide) ? (
    <aside className="aside" aria-label={label}>
      {children}
    </aside>
  ) : (
    <Sheet label={label} onClose={onClose}>
      {children}
    </Sheet>
  );
}

function Side({ view }: { view: View }) {
  const { status } = useConversation();
  const statuses = useSpaceStatus();
  const { settings } = useSettings();
  const { company } = useSession();
  const shown = links.filter((link) => link.view !== 'admin' || company?.role === 'admin');
  const usual = statuses.find(({ tier }) => tier === settings.defaultTier);
  return (
    <header className="side">
      <a className="brand" href={address('chat')}>
        <Logo />
        Tierwise
      </a>
      <a className="usual" href={address('health')}>
        {usual === undefined ? (
          <span className="chip mock">Mock</span>
        ) : (
          <>
            {tierWords[settings.defaultTier].label} <StateMark state={usual.state} />
          </>
        )}
      </a>
      <nav aria-label="Views">
        <ul>
          {shown.map((link) => (
            <li key={link.view}>
              <a href={address(link.view)} aria-current={link.view === view ? 'page' : undefined}>
                <Icon name={link.icon} size={18} />
                <span>{link.label}</span>
                {link.view === 'chat' && status !== 'idle' && view !== 'chat' && (
                  <span className="only-heard">An answer is arriving</span>
                )}
                {link.view === 'chat' && status !== 'idle' && view !== 'chat' && (
                  <span className="busy" aria-hidden="true" />
                )}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <section className="spaces" aria-labelledby="spaces-title">
        <h2 id="spaces-title">Spaces</h2>
        {statuses.length === 0 ? (
          <p className="muted">
            None yet: a mock answers. <a href={address('settings')}>Set one up</a>
          </p>
        ) : (
          <ul>
            {statuses.map((space) => (
              <li key={space.target}>
                <a href={address('health')} title={space.message}>
                  <span className={`tier-name${space.tier === undefined ? '' : ` tier-${space.tier}`}`}>
                    {space.tier === undefined ? space.target : tierWords[space.tier].label}
                  </span>
                  <StateMark state={space.state} />
                </a>
              </li>
            ))}
          </ul>
        )}
      </section>
      <AccountLink current={view === 'account'} />
    </header>
  );
}

function Logo() {
  return (
    <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true" className="logo">
      <rect width="32" height="32" rx="8" />
      <path d="M8.5 8.5h15M8.5 13.5h11M8.5 18.5h7M8.5 23.5h.01" />
    </svg>
  );
}
