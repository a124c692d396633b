/** Test Connection: each step as it passes, and what the Space said. */
import { useEffect, useRef, useState } from 'react';
import type { ConnectionReport, ConnectionStep, SpaceConfig, Tier } from 'tierwise';
import { useTierwise } from 'tierwise/react';

import { Icon } from '../parts/icon';
import { duration } from '../words';

const stepWords: readonly [ConnectionStep['name'], string][] = [
  ['address', 'Address'],
  ['space', 'Space'],
  ['protocol', 'Protocol'],
  ['call', 'A short call'],
];

interface Test {
  running: boolean;
  steps: readonly ConnectionStep[];
  report: ConnectionReport | undefined;
}

export function useConnectionTest(tier: Tier) {
  const client = useTierwise();
  const [test, setTest] = useState<Test>();
  const controller = useRef<AbortController>(undefined);
  useEffect(() => () => controller.current?.abort(), []);

  const cancel = () => {
    controller.current?.abort();
    setTest(undefined);
  };
  const start = async (space?: SpaceConfig) => {
    controller.current?.abort();
    const own = new AbortController();
    controller.current = own;
    const update = (change: (before: Test) => Test) => {
      if (!own.signal.aborted) setTest((before) => change(before ?? { running: true, steps: [], report: undefined }));
    };
    setTest({ running: true, steps: [], report: undefined });
    try {
      const report = await client.testConnection(tier, {
        signal: own.signal,
        ...(space && { space }),
        onStep: (step) => update((before) => ({ ...before, steps: [...before.steps, step] })),
      });
      update(() => ({ running: false, steps: report.steps, report }));
    } catch (error) {
      // The settings themselves were refused: no step was reached.
      const message = error instanceof Error ? error.message : String(error);
      update((before) => ({
        running: false,
        steps: [...before.steps, { name: 'address', ok: false, message, ms: 0 }],
        report: undefined,
      }));
    }
  };
  return { test, start, cancel };
}

/** Begins the test, or ends one that runs. */
export function TestButton(props: {
  test: Test | undefined;
  onStart: () => void;
  onStop: () => void;
  disabled?: boolean;
  small?: boolean;
}) {
  const { test, onStart, onStop, disabled = false, small = false } = props;
  const className = `button${small ? ' small' : ''}`;
  return test?.running === true ? (
    <button type="button" className={className} onClick={onStop}>
      <Icon name="stop" size={14} /> Stop the test
    </button>
  ) : (
    <button type="button" className={className} disabled={disabled} onClick={onStart}>
      Test Connection
    </button>
  );
}

export function ConnectionSteps({ test }: { test: Test }) {
  const { running, steps, report } = test;
  const failed = steps.some(({ ok }) => !ok);
  return (
    <div className="connection">
      <ol>
        {stepWords.map(([name, label], at) => {
          const step = steps.find((done) => done.name === name);
          const state =
            step === undefined
              ? running && !failed && steps.length === at
                ? 'running'
                : 'waiting'
              : step.ok
                ? 'ok'
                : 'failed';
          return (
            <li key={name} className={`connection-${state}`}>
              <span className="mark" aria-hidden="true">
                {state === 'ok' && <Icon name="check" size={14} />}
                {state === 'failed' && <Icon name="close" size={14} />}
              </span>
              <span className="connection-name">
                {label}
                <span className="only-heard">
                  {{ ok: ' passed', failed: ' failed', running: ' running', waiting: ' not reached' }[state]}
                </span>
              </span>
              <span className="connection-words" dir="auto">
                {step?.message ?? (state === 'running' ? 'Looking…' : '')}
              </span>
              <span className="connection-time">{step === undefined ? '' : duration(step.ms)}</span>
            </li>
          );
        })}
      </ol>
      <p role="status" className={report === undefined ? 'only-heard' : report.ok ? 'verdict ok' : 'verdict failed'}>
        {report?.message ?? steps.at(-1)?.message ?? ''}
      </p>
      {report?.sample !== undefined && report.sample !== '' && (
        <blockquote className="sample" dir="auto">
          {report.sample}
        </blockquote>
      )}
    </div>
  );
}
