/**
 * The settings in force, for every view; changing them configures the client, or puts another in its place where that is
 * not enough, and keeps them in this browser. Signed in, what an administrator set is followed and laid over them, and the
 * client is that person's.
 */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { type FollowedConfig, followConfig } from 'tierwise/follow-config';
import { useTierwise } from 'tierwise/react';

import { useReplaceClient } from '../client-host';
import type { Account } from '../session/session-store';
import { useSession } from '../session/session';
import { type Administered, inForce, settingsInForce } from './administered';
import { secrets } from './secrets';
import { asJson, clientConfig, configurable, type ProviderChoice, secretNames, type Settings } from './settings';

export const settingsKey = 'demo.settings';

/** What an administrator set, and how fresh it is. */
export interface Followed extends FollowedConfig {
  /** Undefined: nothing has been heard yet. */
  set: Administered | undefined;
  refresh(): Promise<void>;
}
interface SettingsInForce {
  /** As they count. */
  settings: Settings;
  /** As this person saved them in this browser. */
  own: Settings;
  /** As `config.json` gives them. */
  start: Settings;
  /** What `config.json` has to say to visitors. */
  note: string | undefined;
  choice: ProviderChoice;
  /** Undefined: nobody is signed in. */
  followed: Followed | undefined;
  save(own: Settings): Promise<void>;
  choose(choice: ProviderChoice): Promise<void>;
  reset(): Promise<void>;
}

const Context = createContext<SettingsInForce | undefined>(undefined);

export function SettingsProvider(props: {
  initial: Settings;
  /** Whose the client is. */
  openFor: Account | undefined;
  start: Settings;
  note: string | undefined;
  children: ReactNode;
}) {
  const client = useTierwise();
  const replaceClient = useReplaceClient();
  const { account } = useSession();
  const { start, note, children } = props;
  const [own, setOwn] = useState(props.initial);
  const [choice, setChoice] = useState<ProviderChoice>('auto');
  const [followed, setFollowed] = useState<Followed & { of: Account }>();
  const theirs = followed !== undefined && followed.of === account ? followed : undefined;
  const set = theirs?.set;

  const latest = useRef({ own, choice });
  useEffect(() => {
    latest.current = { own, choice };
  }, [own, choice]);

  // Another person: another client, before anything can be asked of the old one, which has no token any more.
  const openFor = useRef(props.openFor);
  useLayoutEffect(() => {
    if (openFor.current === account) return;
    openFor.current = account;
    void replaceClient(clientConfig(latest.current.own, account, latest.current.choice), true);
  }, [account, replaceClient]);

  useEffect(() => {
    if (account === undefined || openFor.current !== account) return undefined;
    let given: Administered | undefined;
    const follower = followConfig(
      {
        getSetting: (key) => client.getSetting(key),
        setSetting: (key, value) => client.setSetting(key, value),
        configure: async (change) => {
          await client.configure(settingsInForce(latest.current.own, latest.current.choice, change));
          given = change;
        },
      },
      {
        url: `${account.url}/functions/v1`,
        token: account.token,
        user: account.user,
        ...(account.company !== undefined && { company: account.company }),
        onChange: (state) => tell(state),
      },
    );
    const tell = (state: FollowedConfig) =>
      setFollowed({
        ...state,
        of: account,
        set: given,
        refresh: async () => {
          await follower.refresh();
        },
      });
    return () => follower.stop();
  }, [client, account]);

  const apply = useCallback(
    async (next: Settings, kept: Settings | undefined) => {
      // Asked for by who is not signed in any more, and has no client.
      if (openFor.current !== account) throw new Error('Somebody else is signed in now. Try again.');
      let used = client;
      if (configurable(own, next)) await client.configure(settingsInForce(next, choice, set));
      else used = await replaceClient(clientConfig(next, account, choice, set));
      setOwn(next);
      await used.setSetting(settingsKey, kept && asJson(kept));
    },
    [client, replaceClient, own, choice, set, account],
  );
  const save = useCallback(async (next: Settings) => await apply(next, next), [apply]);
  const choose = useCallback(
    async (next: ProviderChoice) => {
      setChoice(next);
      await client.configure(settingsInForce(own, next, set));
    },
    [client, own, set],
  );
  const reset = useCallback(async () => {
    for (const name of secretNames) await secrets.remove(client, name);
    await apply(start, undefined);
  }, [client, start, apply]);

  const settings = useMemo(() => inForce(own, set), [own, set]);
  const value = useMemo(
    () => ({ settings, own, start, note, choice, followed: theirs, save, choose, reset }),
    [settings, own, start, note, choice, theirs, save, choose, reset],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSettings(): SettingsInForce {
  const value = useContext(Context);
  if (value === undefined) throw new Error('useSettings needs a SettingsProvider above it.');
  return value;
}
