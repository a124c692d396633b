/**
 * What an administrator set, laid over a person's own settings. It counts wherever there is something; a person's own count for
 * what was left open. The choice of a provider narrows what is allowed and never widens it.
 */
import type { Client, ClientConfig, FlagName, Tier } from 'tierwise';

import { tierOrder } from '../tiers';
import { secrets } from './secrets';
import { choiceFlags, clientSettings, flagWords, type ProviderChoice, type Settings } from './settings';

/** As `followConfig` gives it to a client: Spaces, default tier, flags, rules, wake; each only if it is set. */
export type Administered = Parameters<Client['configure']>[0];

export function isSpaceSet(set: Administered | undefined, tier: Tier): boolean {
  return set?.spaces?.[tier] !== undefined;
}
export function isFlagSet(set: Administered | undefined, name: FlagName): boolean {
  return set?.flags?.[name] !== undefined;
}
/** An administrator can keep a flag from being shown. */
export function isFlagShown(set: Administered | undefined, name: FlagName): boolean {
  const flag = set?.flags?.[name];
  return typeof flag !== 'object' || flag.visible !== false;
}
function flagValue(set: Administered | undefined, name: FlagName): boolean | undefined {
  const flag = set?.flags?.[name];
  return typeof flag === 'object' ? flag.enabled : flag;
}

/** The settings as they count, to be shown. */
export function inForce(own: Settings, set: Administered | undefined): Settings {
  if (set === undefined) return own;
  return {
    ...own,
    defaultTier: set.defaultTier ?? own.defaultTier,
    spaces: Object.fromEntries(
      tierOrder.map((tier) => {
        const space = set.spaces?.[tier];
        const { url = '', endpoint = '', revision = '' } = space ?? {};
        return [tier, space === undefined ? own.spaces[tier] : { url, endpoint, revision }];
      }),
    ) as Settings['spaces'],
    flags: Object.fromEntries(
      flagWords.map(({ name }) => [name, flagValue(set, name) ?? own.flags[name]]),
    ) as Settings['flags'],
  };
}

/** The part that `configure` can change, as it counts. */
export function settingsInForce(
  own: Settings,
  choice: ProviderChoice,
  set: Administered | undefined,
): ReturnType<typeof clientSettings> & Administered {
  const mine = clientSettings(own, choice);
  if (set === undefined) return mine;
  const { spaces = {}, flags: _, ...rest } = set;
  const ownToken = (tier: Tier, url: string) => {
    const token = secrets.source(tier, url);
    return token && { token };
  };
  return {
    ...mine,
    ...rest,
    defaultTier: rest.defaultTier ?? mine.defaultTier,
    spaces: {
      ...mine.spaces,
      ...Object.fromEntries(
        Object.entries(spaces).map(([tier, space]) => [tier, { ...space, ...ownToken(tier as Tier, space.url) }]),
      ),
    },
    flags: Object.fromEntries(
      flagWords.map(({ name }) => {
        const theirs = flagValue(set, name);
        const narrowed = choiceFlags[choice][name] !== false;
        return [name, theirs === undefined ? mine.flags[name] : theirs && narrowed];
      }),
    ) as NonNullable<ClientConfig['flags']>,
  };
}
