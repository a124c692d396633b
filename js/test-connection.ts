/**
 * `testConnection(tier)`: address, Space, protocol, one short call, each reported as it passes, on connections of its
 * own, so that nothing remembered hides a problem. A failing Space is a report, not an exception.
 */
import { resolveSpace, type ResolvedConfig } from './config.js';
import type { Core } from './core.js';
import type { FailureFacts } from './core-types.js';
import { AbortedError, TierwiseError } from './errors.js';
import { CallFailure } from './transports/call-failure.js';
import { Connections } from './transports/connect.js';
import type { ConnectionReport, ConnectionStep, Protocol, SpaceConfig, Tier } from './types.js';

const question = 'Reply with the single word: ready';

export async function testConnection(
  tier: Tier,
  options: { signal?: AbortSignal; onStep?: (step: ConnectionStep) => void; space?: SpaceConfig },
  config: ResolvedConfig,
  core: Core,
): Promise<ConnectionReport> {
  const { clock } = config;
  const target = `space:${tier}`;
  const steps: ConnectionStep[] = [];
  let began = clock.now();
  let next: ConnectionStep['name'] = 'address';
  const order: ConnectionStep['name'][] = ['address', 'space', 'protocol', 'call'];
  const pass = (name: ConnectionStep['name'], ok: boolean, message: string) => {
    const step: ConnectionStep = { name, ok, message, ms: clock.now() - began };
    steps.push(step);
    began = clock.now();
    next = order[order.indexOf(name) + 1] ?? 'call';
    options.onStep?.(step);
  };
  let protocol: Protocol | undefined;
  let host: string | undefined;
  const controller = new AbortController();
  const abort = () => controller.abort(options.signal?.reason);
  if (options.signal?.aborted === true) throw new AbortedError();
  options.signal?.addEventListener('abort', abort, { once: true });
  const cancelTimer = clock.after(config.timeouts.total, () =>
    controller.abort(new CallFailure({ kind: 'timeout', phase: 'total' })),
  );
  try {
    const space =
      options.space === undefined
        ? config.spaces[tier]
        : resolveSpace(options.space, `spaces.${tier}`, config.dangerouslyAllowBrowserToken);
    if (space === undefined)
      throw new TierwiseError('not-configured', `No Space is configured for the tier ${tier}: set spaces.${tier}.url.`);
    const connections = new Connections(
      { ...config, spaces: { [tier]: space } },
      { core: quietReader(core), prompts: { core, now: () => config.clock.now() } },
    );
    const connection = await connections.connect(target, {
      signal: controller.signal,
      wake: 'fallback',
      onStatus: () => undefined,
      onStep: (name, message) => pass(name, true, message),
    });
    protocol = connection.protocol;
    host = connection.base;
    const result = await connection.call(
      { messages: [{ role: 'user', content: question }], parameters: { maxTokens: 16, temperature: 0 } },
      {
        signal: controller.signal,
        onPart: () => undefined,
        onStatus: () => undefined,
        onPrompt: () => undefined,
      },
    );
    pass('call', true, `It answered over ${result.via}.`);
    return {
      ok: true,
      tier,
      protocol,
      host,
      steps,
      message: `The ${tier} Space works.`,
      sample: result.text.slice(0, 200),
    };
  } catch (error) {
    if (controller.signal.aborted && !(controller.signal.reason instanceof CallFailure)) throw new AbortedError();
    const message = explain(error, target, core, config);
    pass(next, false, message);
    return { ok: false, tier, protocol, host, steps, message, sample: undefined };
  } finally {
    cancelTimer();
    options.signal?.removeEventListener('abort', abort);
  }
}

/** A test may look at a Space's stage without the routing learning of a Space that is not configured. */
function quietReader(core: Core): ConstructorParameters<typeof Connections>[1]['core'] {
  return {
    frame: (protocol, data) => core.frame(protocol, data),
    body: (protocol, text) => core.body(protocol, text),
    stage: (observation) => core.stage({ ...observation, target: `test:${observation.target}` }),
  };
}

function explain(error: unknown, target: string, core: Core, config: ResolvedConfig): string {
  if (TierwiseError.isInstance(error)) return error.message;
  if (!(error instanceof CallFailure)) return error instanceof Error ? error.message : String(error);
  const facts: FailureFacts = error.facts;
  const now = config.clock.now();
  return core.failed({
    target: `test:${target}`,
    facts,
    attempt: 1,
    attempts: 1,
    shown: false,
    more: false,
    startedAt: now,
    deadline: now,
    now,
    random: 0,
  }).message;
}
