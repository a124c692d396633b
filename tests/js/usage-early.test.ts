/** What is recorded while usage.js cannot be loaded: `waiting()` counts what is of the account that is signed in. */
import { expect, jest, test } from '@jest/globals';

import type { ResolvedConfig } from '../../js/config.ts';
import type { PreparedRequest } from '../../js/request.ts';
import type { Warning } from '../../js/types.ts';

jest.unstable_mockModule('../../js/usage/delivery.ts', () => ({
  openDelivery: () => Promise.reject(new Error('not loaded')),
}));
const { UsageReporter } = await import('../../js/usage/reporter.ts');
const { accountOf } = await import('../../js/usage/account.ts');

test('of two accounts, only the one that is signed in', async () => {
  let partition: { user?: string } = { user: 'ada' };
  const config = () =>
    ({
      usage: { sinks: [], backend: { url: 'https://b.test', token: () => undefined } },
      clock: { now: () => 0, after: () => () => undefined },
      partition,
    }) as unknown as ResolvedConfig;
  const warnings: Warning[] = [];
  const reporter = new UsageReporter(
    config,
    () => undefined,
    () => false,
    (warning) => warnings.push(warning),
    false,
  );
  const report = (kind: 'start' | 'complete') =>
    reporter.report({ partition, account: accountOf(partition), context: {} } as PreparedRequest, kind, {});
  report('start');
  report('complete');
  await reporter.feedback({ replyId: 'r', interactionId: 'i', verdict: 'up', comment: undefined });
  expect(await reporter.waiting()).toBe(3);
  partition = { user: 'max' };
  expect(await reporter.waiting()).toBe(0);
  report('start');
  expect(await reporter.waiting()).toBe(1);
  partition = { user: 'ada' };
  expect(await reporter.waiting()).toBe(3);
  expect(warnings.every(({ code }) => code === 'usage-not-loaded')).toBe(true);
});
