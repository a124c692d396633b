/**
 * Step 10: one usage event per attempt, hit, cancel and failure, in its final shape, to `on('usage')` and to the
 * caller's sink. A sink that fails is reported once and never holds up a request.
 */
import type { ResolvedConfig } from '../config.js';
import { newId, type PreparedRequest } from '../request.js';
import type { UsageEvent, Warning } from '../types.js';

export class UsageReporter {
  readonly #config: () => ResolvedConfig;
  readonly #emit: (event: UsageEvent) => void;
  readonly #heard: () => boolean;
  readonly #warn: (warning: Warning) => void;
  readonly #sending = new Set<Promise<unknown>>();
  #warned = false;

  /** `heard`: whether anybody listens to `emit`. */
  constructor(
    config: () => ResolvedConfig,
    emit: (event: UsageEvent) => void,
    heard: () => boolean,
    warn: (warning: Warning) => void,
  ) {
    this.#config = config;
    this.#emit = emit;
    this.#heard = heard;
    this.#warn = warn;
  }

  report(request: PreparedRequest, kind: UsageEvent['kind'], facts: Partial<UsageEvent>): void {
    const config = this.#config();
    const sink = config.usageSink;
    if (sink === undefined && !this.#heard()) return;
    const company = request.context['companyId'] ?? request.partition['tenant'];
    const event: UsageEvent = {
      eventId: newId(),
      interactionId: request.interactionId,
      replyId: undefined,
      kind,
      at: config.clock.now(),
      tier: undefined,
      target: undefined,
      provider: undefined,
      model: undefined,
      source: undefined,
      inputTokens: undefined,
      outputTokens: undefined,
      tokensEstimated: undefined,
      cost: undefined,
      saved: undefined,
      firstPartMs: undefined,
      totalMs: undefined,
      status: undefined,
      errorClass: undefined,
      attempt: undefined,
      user: request.partition['user'],
      company: typeof company === 'string' ? company : undefined,
      contextLabel: request.contextLabel,
      experimentArm: undefined,
      appVersion: config.appVersion,
      ...facts,
    };
    this.#emit(event);
    if (sink === undefined) return;
    const sending: Promise<unknown> = Promise.resolve()
      .then(() => sink(event))
      .catch((error: unknown) => {
        if (this.#warned) return;
        this.#warned = true;
        this.#warn({
          code: 'usage-sink-failed',
          message: 'The usage sink threw; requests go on without it.',
          cause: error,
        });
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** A sink that never settles is waited for no longer than this. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#config().clock.after(5000, resolve);
      void this.#sent().then(stop).then(resolve);
    });
  }

  async #sent(): Promise<void> {
    while (this.#sending.size > 0) await Promise.allSettled([...this.#sending]);
  }
}
