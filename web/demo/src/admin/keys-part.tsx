/** Keys of the company: which there are and since when. They are put, replaced and removed, and never shown again. */
import { type FormEvent, useEffect, useRef, useState } from 'react';

import { useNow } from '../clock';
import { Icon } from '../parts/icon';
import { Mark } from '../parts/state-mark';
import { TextField } from '../parts/text-field';
import { TimeAgo } from '../parts/time-ago';
import { address, useQuery } from '../route';
import { CallFailed } from '../session/call';
import { problemWords } from '../session/call-problem';
import { useSession } from '../session/session';
import { tierOrder, tierWords } from '../tiers';
import { PartFrame } from './part-frame';
import type { KeyRow } from './rows';
import { type Config, useConfig, useWrite } from './use-config';

const targets: readonly { target: string; label: string; use: string; hub: boolean }[] = [
  {
    target: 'router',
    label: 'Hugging Face',
    use: 'For inference by the model’s name. A token with the permission to make calls to Inference Providers.',
    hub: true,
  },
  { target: 'openai', label: 'OpenAI', use: 'For questions that go to OpenAI.', hub: false },
  ...tierOrder.map((tier) => ({
    target: `space:${tier}`,
    label: `${tierWords[tier].label} Space`,
    use: 'Only for a private Space: a token that may read it. The operator’s key is never sent to a Space of your own.',
    hub: true,
  })),
];

export function KeysPart() {
  const config = useConfig<{ rows: KeyRow[] }>('keys');
  const [asked] = useQuery('key');
  return (
    <PartFrame config={config}>
      {({ rows }) => (
        <>
          <p className="muted part-note">
            A key is sealed before it is stored, used by the backend alone, and in no answer and no log. Where you have
            none, the operator’s counts, if there is one:{' '}
            <a href={address('health', { show: 'system' })}>Health, System</a> says whether a key is there and valid.
          </p>
          <ul className="check-rows keys">
            {targets.map((about) => (
              <Key
                key={about.target}
                about={about}
                row={rows.find(({ target }) => target === about.target)}
                config={config}
                asked={asked === about.target}
              />
            ))}
          </ul>
        </>
      )}
    </PartFrame>
  );
}

function Key(props: {
  about: (typeof targets)[number];
  row: KeyRow | undefined;
  config: Config<unknown>;
  /** The address names this one. */
  asked: boolean;
}) {
  const { about, row, config, asked } = props;
  const { target, label } = about;
  const { backend } = useSession();
  const write = useWrite();
  const now = useNow();
  const [value, setValue] = useState('');
  const [putting, setPutting] = useState(asked);
  const [removing, setRemoving] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [done, setDone] = useState<string>();
  const item = useRef<HTMLLIElement>(null);
  const busyBefore = useRef(putting || removing);
  useEffect(() => {
    if (putting) item.current?.querySelector('input')?.focus();
    else if (removing || busyBefore.current) item.current?.querySelector('button')?.focus();
    busyBefore.current = putting || removing;
  }, [putting, removing]);

  const problemOf = (key: string) =>
    /^[\x21-\x7e]{8,4096}$/.test(key.trim()) ? undefined : 'Enter the whole key: 8 characters or more, without spaces.';
  const run = async (task: () => Promise<unknown>, words: string) => {
    setBusy(true);
    setProblem(undefined);
    setDone(undefined);
    try {
      await task();
      setValue('');
      setPutting(false);
      setRemoving(false);
      await config.reload();
      setDone(words);
    } catch (error) {
      const { what, todo } = problemWords(error, backend?.url ?? '');
      setProblem(
        error instanceof CallFailed && error.field === 'key'
          ? error.message.replace(/^key must/, 'It must')
          : `${what} ${todo}`.trim(),
      );
    } finally {
      setBusy(false);
    }
  };
  const put = (event: FormEvent) => {
    event.preventDefault();
    const found = problemOf(value);
    setProblem(found);
    if (found === undefined)
      void run(
        () => write('PUT', `keys/${target}`, { key: value.trim() }),
        row === undefined ? 'Put. The next call uses it.' : 'Replaced. The next call uses it; now revoke the old one.',
      );
  };

  return (
    <li ref={item} className="key-row">
      <div className="key-head">
        <h2>{label}</h2>
        <Mark kind={row === undefined ? 'idle' : 'ready'} text={row === undefined ? 'None of your own' : 'Set'} />
        {row !== undefined && (
          <span className="muted">
            {row.hint !== null && (
              <>
                ends in <code>{row.hint}</code>,{' '}
              </>
            )}
            set <TimeAgo at={Date.parse(row.updatedAt)} now={now} />, sealed with <code>{row.sealedBy}</code>
          </span>
        )}
        {!putting && !removing && (
          <span className="row key-actions">
            <button
              type="button"
              className="button small"
              aria-label={`${row === undefined ? 'Put a' : 'Replace the'} key for ${label}`}
              onClick={() => {
                setDone(undefined);
                setPutting(true);
              }}
            >
              {row === undefined ? 'Put a key' : 'Replace'}
            </button>
            {row !== undefined && (
              <button
                type="button"
                className="button small"
                aria-label={`Remove the key for ${label}`}
                onClick={() => setRemoving(true)}
              >
                Remove
              </button>
            )}
          </span>
        )}
      </div>
      {putting && (
        <form className="key-form" noValidate onSubmit={put}>
          <TextField
            label={`Key for ${label}`}
            name={`key.${target}`}
            type="password"
            value={value}
            problem={problem}
            onChange={(next) => {
              setValue(next);
              setProblem(undefined);
            }}
            onLeave={() => value !== '' && setProblem(problemOf(value))}
            help={
              <>
                {about.use}{' '}
                {about.hub && (
                  <a href="https://huggingface.co/settings/tokens" target="_blank" rel="noreferrer">
                    Tokens on the Hub
                  </a>
                )}
              </>
            }
            after={
              <>
                <button type="submit" className="button primary" disabled={busy || value === ''}>
                  {busy ? 'Putting…' : 'Put'}
                </button>
                <button
                  type="button"
                  className="button"
                  onClick={() => {
                    setValue('');
                    setProblem(undefined);
                    setPutting(false);
                  }}
                >
                  Cancel
                </button>
              </>
            }
          />
        </form>
      )}
      {removing && (
        <div className="key-form">
          <p>Remove it? Nobody can read it out, so this cannot be taken back; calls fail where it was needed.</p>
          <div className="row">
            <button
              type="button"
              className="button danger"
              disabled={busy}
              onClick={() => void run(() => write('DELETE', `keys/${target}`), 'Removed.')}
            >
              Remove the key
            </button>
            <button type="button" className="button" onClick={() => setRemoving(false)}>
              Keep it
            </button>
          </div>
        </div>
      )}
      {problem !== undefined && !putting && (
        <p className="problem" role="alert">
          <Icon name="alert" size={14} /> {problem}
        </p>
      )}
      <p role="status" className={done === undefined ? 'only-heard' : 'ok'}>
        {done}
      </p>
    </li>
  );
}
