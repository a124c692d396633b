/** One row for each target: how it is, how fast, what went wrong last; test it, or wake it. */
import { useEffect, useState } from 'react';
import type { SpaceStatus, TargetHealth, Tier } from 'tierwise';
import { useHealth, useSpaceStatus, useTierwise } from 'tierwise/react';

import { useNow } from '../clock';
import { ConnectionSteps, TestButton, useConnectionTest } from '../connection/connection-test';
import { Empty } from '../parts/empty';
import { Icon } from '../parts/icon';
import { StateMark } from '../parts/state-mark';
import { address } from '../route';
import { useSettings } from '../settings/use-settings';
import { targetName } from '../tiers';
import { count, duration, span } from '../words';

export function PageHealth() {
  const { targets, loaded, error, refresh } = useHealth(3000);
  const statuses = useSpaceStatus();
  const { settings } = useSettings();
  useEffect(() => {
    void refresh();
  }, [settings, statuses, refresh]);
  const spaces = targets.filter(({ tier }) => tier !== undefined);
  return (
    <>
      {error !== undefined && (
        <div className="failure" role="alert">
          <Icon name="alert" size={18} />
          <div>
            <p className="what">Health could not be read: {error.message}</p>
            <button type="button" className="button primary small" onClick={() => void refresh()}>
              Look again
            </button>
          </div>
        </div>
      )}
      {!loaded && error === undefined ? (
        <ul className="targets" aria-hidden="true">
          {[0, 1, 2].map((at) => (
            <li key={at} className="target bone-card">
              <span className="bone" />
              <span className="bone" />
            </li>
          ))}
        </ul>
      ) : (
        <ul className="targets">
          {targets.map((target) => (
            <Target
              key={target.target}
              health={target}
              status={statuses.find((status) => status.target === target.target)}
              onDone={refresh}
            />
          ))}
        </ul>
      )}
      {loaded && spaces.length === 0 && (
        <Empty icon="health" title="No Space is configured">
          <p>Each Space you configure shows here with its state, its speed and its last error.</p>
          <a className="button primary" href={address('settings')}>
            Configure a Space
          </a>
        </Empty>
      )}
    </>
  );
}

const wakeable: readonly TargetHealth['state'][] = ['sleeping', 'unknown', 'cooling-down', 'building'];

function Target({
  health,
  status,
  onDone,
}: {
  health: TargetHealth;
  status: SpaceStatus | undefined;
  onDone: () => Promise<void>;
}) {
  const { tier } = health;
  const now = useNow(1000);
  const calls = health.successes + health.failures;
  const waking = status?.state === 'starting' || status?.state === 'connecting';
  const message = waking || status?.state === 'building' ? status.message : health.message;
  return (
    <li className="target">
      <div className="target-name">
        <h2 className={tier === undefined ? undefined : `tier-name tier-${tier}`}>{targetName(health.target)}</h2>
        <StateMark state={waking ? status.state : health.state} />
      </div>
      <p className="target-message" dir="auto">
        {message}
        {health.coolingUntil !== undefined &&
          health.coolingUntil > now &&
          ` It is tried again in ${span(health.coolingUntil - now)}.`}
      </p>
      <dl className="metrics">
        <div>
          <dt>Half within</dt>
          <dd>{duration(health.p50Ms)}</dd>
        </div>
        <div>
          <dt>95 % within</dt>
          <dd>{duration(health.p95Ms)}</dd>
        </div>
        <div>
          <dt>First words</dt>
          <dd>{duration(health.firstPartP50Ms)}</dd>
        </div>
        <div>
          <dt>Failures</dt>
          <dd>{calls === 0 ? '–' : `${count(health.failures)} of ${count(calls)}`}</dd>
        </div>
        <div>
          <dt>Running, waiting</dt>
          <dd>
            {count(health.running)}, {count(health.queued)}
          </dd>
        </div>
      </dl>
      {health.lastError !== undefined && (
        <p className="last-error" dir="auto">
          <Icon name="alert" size={14} /> Last error: {health.lastError}
        </p>
      )}
      {tier !== undefined && (
        <Actions tier={tier} canWake={!waking && wakeable.includes(health.state)} waking={waking} onDone={onDone} />
      )}
    </li>
  );
}

function Actions({
  tier,
  canWake,
  waking,
  onDone,
}: {
  tier: Tier;
  canWake: boolean;
  waking: boolean;
  onDone: () => Promise<void>;
}) {
  const client = useTierwise();
  const { test, start, cancel } = useConnectionTest(tier);
  const [problem, setProblem] = useState<string>();
  const wake = async () => {
    setProblem(undefined);
    try {
      await client.wake(tier);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    await onDone();
  };
  return (
    <>
      <div className="row">
        <TestButton small test={test} onStart={() => void start().then(onDone)} onStop={cancel} />
        {(canWake || waking) && (
          <button type="button" className="button small" disabled={waking} onClick={() => void wake()}>
            {waking ? 'Waking up…' : 'Wake'}
          </button>
        )}
      </div>
      {problem !== undefined && (
        <p className="problem" role="alert">
          <Icon name="alert" size={14} /> {problem}
        </p>
      )}
      {test !== undefined && <ConnectionSteps test={test} />}
    </>
  );
}
