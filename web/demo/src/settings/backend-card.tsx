/** Signed in or not, whose settings count and how fresh they are; and whether requests go through the gateway. */
import { useState } from 'react';

import { useNow } from '../clock';
import { Icon } from '../parts/icon';
import { Switch } from '../parts/switch';
import { address } from '../route';
import { useSession } from '../session/session';
import { tierOrder } from '../tiers';
import { ago, exactTime, plural, span } from '../words';
import { isFlagSet, isSpaceSet } from './administered';
import { flagWords } from './settings';
import { useSettings } from './use-settings';

export function BackendCard({ gateway, onGateway }: { gateway: boolean; onGateway: (on: boolean) => void }) {
  const { status, company } = useSession();
  if (status === 'none') return null;
  return (
    <fieldset className="card">
      <legend>Backend</legend>
      {status === 'out' ? (
        <p>
          You are signed out: the settings below count. <a href={address('account')}>Sign in</a> to use those of your
          company.
        </p>
      ) : company === undefined ? (
        <p>You are in no company: the settings below count.</p>
      ) : (
        <Followed />
      )}
      <Switch
        label="Send requests through the gateway"
        help={
          status === 'in'
            ? 'Spaces and providers are called by the backend, with keys this page never sees. Only what is configured there can be reached.'
            : 'Counts while you are signed in: the backend calls Spaces and providers, with keys this page never sees.'
        }
        checked={gateway}
        onChange={onGateway}
      />
    </fieldset>
  );
}

function Followed() {
  const { followed } = useSettings();
  const now = useNow();
  const [looking, setLooking] = useState(false);
  const look = async () => {
    setLooking(true);
    await followed?.refresh();
    setLooking(false);
  };
  if (followed === undefined)
    return <p className="muted">Asking the backend which settings your administrator made…</p>;
  const { set, source, confirmedAt, error } = followed;
  const spaces = tierOrder.filter((tier) => isSpaceSet(set, tier)).length;
  const flags = flagWords.filter(({ name }) => isFlagSet(set, name)).length;
  const parts = [
    ...(spaces > 0 ? [plural(spaces, 'Space')] : []),
    ...(set?.defaultTier !== undefined ? ['the default tier'] : []),
    ...(flags > 0 ? [plural(flags, 'flag')] : []),
    ...(set?.rules !== undefined ? ['the tier rules'] : []),
    ...(set?.wake !== undefined ? ['what happens while a Space wakes'] : []),
  ];
  const said = confirmedAt === undefined ? undefined : ago(confirmedAt, now);
  return (
    <>
      <p>
        {parts.length === 0
          ? 'Your administrator has set nothing: the settings below count.'
          : `Your administrator has set ${new Intl.ListFormat('en').format(parts)}. ${spaces + flags === 1 && parts.length === 1 ? 'That counts' : 'Those count'}; your own count for what is left open.`}
      </p>
      <div className="row">
        <p className="muted" role="status">
          {source === 'server' && said !== undefined && (
            <time dateTime={new Date(confirmedAt!).toISOString()} title={exactTime(confirmedAt!)}>
              From the backend, confirmed {said}.
            </time>
          )}
          {source === 'kept' && confirmedAt !== undefined && (
            <time dateTime={new Date(confirmedAt).toISOString()} title={exactTime(confirmedAt)}>
              Kept from an earlier visit, {span(now - confirmedAt)} old.
            </time>
          )}
          {source === 'given' && 'Nothing has come from the backend yet.'}
        </p>
        <button type="button" className="button small" aria-disabled={looking} onClick={() => void look()}>
          <Icon name="refresh" size={14} /> {looking ? 'Looking…' : 'Look again'}
        </button>
      </div>
      {error !== undefined && (
        <p className="problem" role="alert">
          <Icon name="alert" size={14} />
          <span>
            The last look brought nothing; what was known stays in force. <bdi>{error}</bdi>
          </span>
        </p>
      )}
    </>
  );
}
