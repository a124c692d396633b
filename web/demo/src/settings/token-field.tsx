/** A secret: written, replaced or removed, never shown again. Kept in memory unless the person asks otherwise. */
import { useState, useSyncExternalStore } from 'react';
import { useTierwise } from 'tierwise/react';

import { Icon } from '../parts/icon';
import { TextField } from '../parts/text-field';
import { exactTime } from '../words';
import { type SecretName, secrets, serverOf } from './secrets';

export function TokenField(props: {
  name: SecretName;
  label: string;
  /** Of the server it is for. */
  address: string;
  help?: string;
  problem?: string | undefined;
  onChanged: () => void;
}) {
  const { name, label, address, onChanged } = props;
  const client = useTierwise();
  useSyncExternalStore(secrets.subscribe, secrets.version);
  const about = secrets.about(name);
  const [replacing, setReplacing] = useState(false);
  const [value, setValue] = useState('');
  const [keep, setKeep] = useState(false);

  if (about !== undefined && !replacing) {
    return (
      <div className="field">
        <span className="label">{label}</span>
        <p className="secret-set">
          <Icon name="check" size={14} /> Set {exactTime(about.setAt)}.{' '}
          {about.kept ? 'Kept in this browser.' : 'In memory only: gone when the page is closed.'}
          {about.server !== serverOf(address) && ` It is for ${about.server} and is not sent to the address above.`}
          <button type="button" className="button small" onClick={() => setReplacing(true)}>
            Replace
          </button>
          <button
            type="button"
            className="button small"
            onClick={() => {
              void secrets.remove(client, name).then(onChanged);
            }}
          >
            Remove
          </button>
        </p>
      </div>
    );
  }
  const set = () => {
    const token = value.trim();
    setValue('');
    setReplacing(false);
    if (token !== '') void secrets.set(client, name, address, token, keep).then(onChanged);
  };
  return (
    <div className="secret">
      <TextField
        label={label}
        name={`secret.${name}`}
        type="password"
        value={value}
        onChange={setValue}
        problem={props.problem}
        help={address.trim() === '' ? 'Enter the address first: a token is for one server alone.' : props.help}
        after={
          <button
            type="button"
            className="button"
            disabled={value.trim() === '' || address.trim() === ''}
            onClick={set}
          >
            Set
          </button>
        }
      />
      {value !== '' && (
        <label className="check-label">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.target.checked)} />
          <span>
            Keep it in this browser
            <span className="help">
              Unticked, it stays in this page’s memory and is gone when you close it. Ticked, anyone who uses this
              browser, and any script that gets into this page, can read it. It is sent only to the server it is for.
            </span>
          </span>
        </label>
      )}
    </div>
  );
}
