/** Everything behind the page: functions, database, keys and Spaces as the backend sees them, and this browser's own part. */
import type { ReactNode } from 'react';

import { useNow } from '../clock';
import { Empty } from '../parts/empty';
import { Icon } from '../parts/icon';
import { type Kind, Mark } from '../parts/state-mark';
import { address } from '../route';
import { CallFailed } from '../session/call';
import { CallProblem } from '../session/call-problem';
import { useSession } from '../session/session';
import { tierOrder, tierWords } from '../tiers';
import { ago, count, dash, duration, exactTime, isoTime, plural } from '../words';
import { useBrowserChecks } from './browser-checks';
import { keySaid, spaceSaid } from './check-words';
import {
  type Health,
  type Hour,
  type KeyCheck,
  refreshMs,
  type SpaceCheck,
  useSystemHealth,
} from './use-system-health';

export function SystemHealth() {
  const { status } = useSession();
  return status === 'in' ? (
    <Checks />
  ) : (
    <Empty icon="health" title="Sign in to see how the backend is">
      <p>
        Its database, the keys it keeps for Hugging Face and OpenAI, and each Space: its stage, its last success, and
        how many calls of the last hour failed.
      </p>
      <a className="button primary" href={address('account')}>
        Sign in
      </a>
    </Empty>
  );
}

function Checks() {
  const { health, failure, asking, refreshed, refresh, retry } = useSystemHealth();
  const { user } = useSession();
  const now = useNow(1000);
  const browser = useBrowserChecks(health?.at ?? failure?.at);
  const wait = Math.ceil((refreshed + refreshMs - now) / 1000);
  const value = health?.value;
  const database = databaseSaid(health, failure?.error);
  const reached = functionsSaid(health, failure?.error);
  const bad = [
    reached.kind === 'failing',
    database.kind === 'failing',
    value?.router.key.status === 'invalid',
    value?.openai.key.status === 'invalid',
    ...(value?.spaces ?? []).map((space) => spaceSaid(space).kind === 'failing'),
    ...browser.map(({ kind }) => kind === 'failing'),
  ].filter(Boolean).length;
  const waiting = value === undefined && failure === undefined;
  const lookedAt = health?.at ?? failure?.at;
  return (
    <div className="system" aria-busy={asking}>
      <div className="system-head">
        <p role="status" className="system-verdict">
          {waiting ? (
            <Mark kind="waking" text="Asking the backend" />
          ) : bad > 0 ? (
            <Mark kind="failing" text={`${plural(bad, 'check')} ${bad === 1 ? 'needs' : 'need'} attention`} />
          ) : failure !== undefined ? (
            <Mark kind="idle" text="Not known: the backend did not answer the last look" />
          ) : (
            <Mark kind="ready" text="Everything that is set up works" />
          )}
        </p>
        <span className="muted">
          {lookedAt !== undefined && (
            <>
              {health === undefined ? 'Tried' : 'Checked'}{' '}
              <time dateTime={isoTime(lookedAt)} title={exactTime(lookedAt)}>
                {secondsAgo(lookedAt, now)}
              </time>
              , again every {failure === undefined ? 30 : 10} s while you look.
            </>
          )}
        </span>
        <button
          type="button"
          className="button small"
          disabled={asking || wait > 0}
          title={wait > 0 ? 'Keys and stages are checked anew every 10 s at most' : 'Checks keys and stages now'}
          onClick={refresh}
        >
          <Icon name="refresh" size={14} />
          {asking ? 'Checking…' : wait > 0 ? `Check again in ${String(wait)} s` : 'Check now'}
        </button>
      </div>
      {failure !== undefined && (
        <CallProblem error={failure.error} onRetry={retry} retrying={asking}>
          {value !== undefined && health !== undefined && (
            <p className="muted">What follows is from {ago(health.at, now)}.</p>
          )}
        </CallProblem>
      )}

      <Group title="Backend">
        <Row {...reached} />
        <Row {...database} />
      </Group>

      {value !== undefined ? (
        <>
          <Group title="Keys">
            <KeyRow name="Hugging Face" target="router" key_={value.router.key} hour={value.router} now={now} />
            <KeyRow name="OpenAI" target="openai" key_={value.openai.key} hour={value.openai} now={now} />
          </Group>
          <div className="system-group">
            <h2>Spaces</h2>
            {value.spaces.length === 0 ? (
              <p className="muted">No tier has a Space yet. An administrator sets them under Admin.</p>
            ) : (
              <ul className="targets">
                {inOrder(value.spaces).map((space) => (
                  <Space key={space.target} space={space} now={now} />
                ))}
              </ul>
            )}
          </div>
        </>
      ) : (
        waiting && (
          <>
            <Group title="Keys">
              <Row name="Hugging Face" {...notYet} />
              <Row name="OpenAI" {...notYet} />
            </Group>
            <Bones />
          </>
        )
      )}

      <Group title="This browser">
        {browser.map((check) => (
          <Row key={check.name} {...check} />
        ))}
        <Row
          name="Session"
          kind="ready"
          state="Signed in"
          words={`As ${user?.name ?? dash}. The session renews itself while this page can reach the backend.`}
        />
      </Group>
    </div>
  );
}

interface RowProps {
  name: string;
  kind: Kind;
  state: string;
  words: ReactNode;
  children?: ReactNode;
}

function Row({ name, kind, state, words, children }: RowProps) {
  return (
    <li className="check-row">
      <h3>{name}</h3>
      <Mark kind={kind} text={state} moving={false} />
      <div className="check-words">
        <p dir="auto">{words}</p>
        {children}
      </div>
    </li>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="system-group">
      <h2>{title}</h2>
      <ul className="check-rows">{children}</ul>
    </div>
  );
}

function KeyRow(props: { name: string; target: string; key_: KeyCheck; hour: Hour; now: number }) {
  const { name, target, key_, hour, now } = props;
  const said = keySaid(key_, now);
  const { calls = 0 } = hour;
  return (
    <Row name={name} {...said}>
      <p className="muted">{calls === 0 ? 'No calls in the last hour.' : hourWords(hour)}</p>
      <KeyHelp check={key_} target={target} hub={target === 'router'} />
    </Row>
  );
}

/** Where a key that is missing or refused is set. */
function KeyHelp({ check, target, hub }: { check: KeyCheck; target: string; hub: boolean }) {
  const { company } = useSession();
  if (check.status !== 'missing' && check.status !== 'invalid') return null;
  return (
    <p className="check-links">
      {company?.role === 'admin' ? (
        <a href={address('admin', { part: 'keys', key: target })}>Put a key under Admin</a>
      ) : (
        <span className="muted">An administrator of {company?.name ?? 'your company'} can put one.</span>
      )}
      {hub && (
        <a href="https://huggingface.co/settings/tokens" target="_blank" rel="noreferrer">
          Tokens on the Hub <Icon name="external" size={12} />
        </a>
      )}
    </p>
  );
}

function Space({ space, now }: { space: SpaceCheck; now: number }) {
  const said = spaceSaid(space);
  const { key } = space;
  const success = space.lastSuccess == null ? undefined : Date.parse(space.lastSuccess);
  const href = /^https:\/\//.test(space.url) ? space.url : undefined;
  return (
    <li className="target">
      <div className="target-name">
        <h3 className={`tier-name tier-${space.tier}`}>{tierWords[space.tier].label} Space</h3>
        <span className="muted space-name" dir="auto">
          {space.name} ·{' '}
          {href === undefined ? (
            <bdi>{space.url}</bdi>
          ) : (
            <a href={href} target="_blank" rel="noreferrer">
              <bdi>{href.replace(/^https:\/\//, '')}</bdi>
            </a>
          )}
        </span>
        <Mark kind={said.kind} text={said.state} />
      </div>
      <p className="target-message" dir="auto">
        {said.words}
        {space.checkedAt !== undefined && ` Checked ${ago(Date.parse(space.checkedAt), now)}.`}
      </p>
      <dl className="metrics">
        <div>
          <dt>Calls, last hour</dt>
          <dd>{count(space.calls)}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>{share(space)}</dd>
        </div>
        <div>
          <dt>Half within</dt>
          <dd>{duration(space.p50Ms ?? undefined)}</dd>
        </div>
        <div>
          <dt>95 % within</dt>
          <dd>{duration(space.p95Ms ?? undefined)}</dd>
        </div>
        <div>
          <dt>Last success</dt>
          <dd>
            {success === undefined ? (
              dash
            ) : (
              <time dateTime={isoTime(success)} title={exactTime(success)}>
                {ago(success, now)}
              </time>
            )}
          </dd>
        </div>
        <div>
          <dt>Protocol</dt>
          <dd>{protocolWord(space.protocol)}</dd>
        </div>
        <div>
          <dt>Key</dt>
          <dd>{key === undefined ? dash : keySaid(key, now, true).state}</dd>
        </div>
      </dl>
      {key?.status === 'invalid' && <KeyHelp check={key} target={space.target} hub />}
    </li>
  );
}

function inOrder(spaces: readonly SpaceCheck[]): SpaceCheck[] {
  return [...spaces].sort((a, b) => tierOrder.indexOf(a.tier) - tierOrder.indexOf(b.tier));
}

function Bones() {
  return (
    <div className="system-group" aria-hidden="true">
      <h2>Spaces</h2>
      <ul className="targets">
        {[0, 1].map((at) => (
          <li key={at} className="target bone-card">
            <span className="bone" />
            <span className="bone" />
          </li>
        ))}
      </ul>
    </div>
  );
}

const notYet = { kind: 'idle', state: 'Not known yet', words: 'Being asked.' } as const;

type Known = { value: Health; at: number; ms: number } | undefined;

function functionsSaid(health: Known, error: unknown): RowProps {
  const name = 'Functions';
  if (error === undefined)
    return health === undefined
      ? { name, ...notYet }
      : {
          name,
          kind: 'ready',
          state: 'Reachable',
          words: `Answered in ${duration(health.ms)}, the way there and back included.`,
        };
  const { status, code } = error instanceof CallFailed ? error : { status: 0, code: '' };
  if (status === 0 && !navigator.onLine)
    return { name, kind: 'idle', state: 'Not known', words: 'This browser is offline.' };
  if (status === 0) return { name, kind: 'failing', state: 'Not reachable', words: 'Nothing answered.' };
  if (code === 'no-json' || code === 'unknown')
    return { name, kind: 'failing', state: 'Something else', words: 'What answered are not the functions.' };
  if (status === 429)
    return { name, kind: 'ready', state: 'Reachable', words: 'They answer, and ask to be asked later.' };
  if (status === 401 || status === 403)
    return { name, kind: 'ready', state: 'Reachable', words: 'They answer, but not to this session.' };
  if (code === 'database-unavailable' || code === 'busy' || code === 'not-migrated')
    return { name, kind: 'ready', state: 'Reachable', words: 'They answer.' };
  if (code === 'functions-unavailable')
    return { name, kind: 'waking', state: 'Starting', words: 'They ended, and are being started again.' };
  return { name, kind: 'failing', state: 'Failing', words: 'They answer with an error.' };
}

function databaseSaid(health: Known, error: unknown): RowProps {
  const name = 'Database';
  if (error === undefined)
    return health === undefined
      ? { name, ...notYet }
      : {
          name,
          kind: 'ready',
          state: 'Answering',
          words: `Read the configuration in ${duration(health.value.database.ms)}.`,
        };
  const code = error instanceof CallFailed ? error.code : '';
  if (code === 'database-unavailable')
    return {
      name,
      kind: 'failing',
      state: 'Not reachable',
      words: 'It does not take connections. Usage stays in the outbox of each page until it does: nothing is lost.',
    };
  if (code === 'not-migrated')
    return { name, kind: 'failing', state: 'Not set up', words: 'It lacks the schema of this version.' };
  if (code === 'busy') return { name, kind: 'waking', state: 'Busy', words: 'It took too long. It is asked again.' };
  return { name, kind: 'idle', state: 'Not known', words: 'Only the functions can tell.' };
}

function hourWords(hour: Hour): string {
  const { calls = 0 } = hour;
  return `Last hour: ${plural(calls, 'call')}, failed ${share(hour)}; half within ${duration(hour.p50Ms ?? undefined)}, 95 % within ${duration(hour.p95Ms ?? undefined)}.`;
}

function share({ calls = 0, errors = 0, errorShare }: Hour): string {
  if (calls === 0 || errorShare == null) return dash;
  const percent = errorShare * 100;
  return errors === 0 ? 'none' : `${count(errors)} (${percent < 1 ? '<1' : percent.toFixed(0)} %)`;
}

/** "4 s ago": a page that looks every half minute counts in seconds. */
function secondsAgo(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  return seconds < 2 ? 'just now' : seconds < 60 ? `${String(seconds)} s ago` : ago(at, now);
}

function protocolWord(protocol: string | undefined): string {
  return protocol === undefined ? dash : protocol === 'auto' ? 'found out' : protocol;
}
