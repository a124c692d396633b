/**
 * `createClient` and the ten steps of a request (docs/DESIGN.md, section 3): read `#answer` first. Every decision is
 * the core's; this file puts them in order and carries out what was decided.
 */
import { attemptTarget, type AttemptEvent, type AttemptResult, TargetFailed } from './attempts.js';
import { requestKey, targetKey } from './cache-key.js';
import { clientCache, forgetReplies } from './cached-replies.js';
import { isBrowser, requireChangeable, type ResolvedConfig } from './config.js';
import type { FailureClass, Plan, PlannedTarget, Provider } from './core-types.js';
import { AbortedError, CallError, NotCachedError, RequestError, TierwiseError } from './errors.js';
import type { DocumentSearch, Embedder, SearchableDocument } from './embedder/embedder.js';
import { embedTexts, searchFor, similarityOf } from './embeddings.js';
import { Emitter } from './emitter.js';
import { type ExplainedReplies, explanationOf, mostExplained, noteReply } from './explained-replies.js';
import { Flight } from './flight.js';
import { requireSelector } from './forget-selector.js';
import { withFacts } from './prompt/context-facts.js';
import { callError } from './public-error.js';
import { replay, replyStream } from './reply-stream.js';
import {
  maxRequestBytes,
  newId,
  ofRequest,
  type PreparedRequest,
  prepareRequest,
  queryOptions,
  requireCallOptions,
  requireOptions,
  requireTier,
} from './request.js';
import type { Found, Partition, ResponseCache } from './response-cache.js';
import { scopeKey, semanticOptions, turnsOf } from './semantic/scope.js';
import type { Look, StoredQuestion } from './semantic/semantics.js';
import { anyText, check, isText, jsonCopy, jsonOnly, must, oneOf } from './shape.js';
import { SpaceStatuses } from './space-statuses.js';
import { type Running, StartUp } from './start-up.js';
import type { CacheRecord } from './store/store.js';
import { testConnection } from './test-connection.js';
import { ago, preview, utf8Bytes } from './text.js';
import { TraceRecorder } from './trace.js';
import { CallFailure } from './transports/call-failure.js';
import {
  type CachedAs,
  type Client,
  type ClientCache,
  type ClientConfig,
  type ClientEvents,
  type ConnectionReport,
  type ConnectionStep,
  type Explanation,
  type ForgetResult,
  type ForgetSelector,
  type Json,
  type JsonObject,
  type QueryContext,
  type Reply,
  type ReplySource,
  type ReplyStream,
  type RequestOptions,
  type SemanticCandidate,
  type SpaceConfig,
  type SpaceStatus,
  type StreamPart,
  type TargetHealth,
  type Tier,
  type UsageEvent,
  type Warning,
} from './types.js';
import { leaving, unlessLeft } from './unless-left.js';
import { UsageReporter } from './usage/reporter.js';

/** Nothing is loaded and nothing is called until a method is used. Throws `ConfigError` naming the field. */
export function createClient(config: ClientConfig = {}): Client {
  return new GatewayClient(config);
}

type Listener = ((part: StreamPart) => void) | undefined;
/** What a request carries from its first moment. */
interface Begun {
  request: PreparedRequest;
  listener: Listener;
  trace: TraceRecorder;
  startedAt: number;
  deadline: number;
  signal: AbortSignal;
  counter: { attempts: number };
  failures: TargetFailed[];
  shown: string;
  inputTokens: number;
  /** The target being called. */
  current: PlannedTarget | undefined;
  /** Ends its clocks. */
  end(): void;
}
/** What it carries through the steps. */
interface Course extends Begun, Running {
  partition: Partition;
  key: string;
  plan: Plan;
  /** What step 4 found, target by target. */
  looks: Look[];
  /** What step 4 asks, of the target it was asked for last. */
  question: { target: string; of: StoredQuestion } | undefined;
}
type Candidate = { target: string; provider: Provider; tier: Tier };

/** Another target would refuse these too. */
const finalClasses: readonly FailureClass[] = ['abort', 'content-refused'];
const healthCodes = ['cooling-down', 'asleep', 'unavailable', 'quota'];

class GatewayClient implements Client {
  readonly #events = new Emitter<ClientEvents>();
  readonly #usage: UsageReporter;
  readonly #explained: ExplainedReplies = new Map();
  readonly #statuses = new SpaceStatuses((status) => this.#events.emit('status', status));
  readonly #flights = new Map<string, Flight>();
  /** Entries being renewed after a stale reply was shown. */
  readonly #renewing = new Set<string>();
  readonly #underWay = new Set<AbortController>();
  readonly #base: StartUp;

  constructor(config: ClientConfig) {
    this.#base = new StartUp(config, {
      onStatus: (status) => this.#statuses.note(status),
      onWarning: (warning) => this.#warn(warning),
      onCache: () => (this.#events.has('cache') ? (totals) => this.#events.emit('cache', totals) : undefined),
    });
    this.#usage = new UsageReporter(
      () => this.#config,
      (event) => this.#events.emit('usage', event),
      () => this.#events.has('usage'),
      (warning) => this.#warn(warning),
      isBrowser(),
    );
  }

  get #config(): ResolvedConfig {
    return this.#base.config;
  }
  get #running(): Running | undefined {
    return this.#base.running;
  }
  get #closing(): AbortSignal {
    return this.#base.closing.signal;
  }

  async generate(
    prompt: string,
    second?: Tier | RequestOptions,
    context?: JsonObject,
    options: RequestOptions = {},
  ): Promise<Reply> {
    requireOptions(options);
    const asked: RequestOptions =
      typeof second === 'object'
        ? second
        : { ...options, ...(second !== undefined && { tier: second }), ...(context !== undefined && { context }) };
    return this.#answer(this.#prepare(prompt, asked), undefined);
  }

  stream(prompt: string, options: RequestOptions = {}): ReplyStream {
    return replyStream(async (push, ownSignal) => {
      const request = this.#prepare(prompt, options);
      return this.#answer({ ...request, signal: ownSignal(request.signal) }, push);
    });
  }

  async query(input: string, context: QueryContext = {}, options: RequestOptions = {}): Promise<Reply> {
    const query = ofRequest(() => queryOptions(context, options));
    const request = this.#prepare(input, query.options);
    request.context = query.routing;
    request.contextLabel = query.label;
    return this.#answer(request, undefined);
  }

  #prepare(prompt: string, options: RequestOptions): PreparedRequest {
    this.#base.begin();
    this.#usage.begin();
    return prepareRequest(prompt, options, this.#config);
  }

  // ------------------------------------------------------------------------------------------- the ten steps

  async #answer(request: PreparedRequest, listener: Listener): Promise<Reply> {
    const begun = this.#begin(request, listener);
    try {
      const course = await this.#enter(begun);
      this.#check(course); //                                                     1
      course.plan = this.#plan(course); //                                        2
      const early = await this.#preferredFromCache(course); //                    3, for a target that cannot be called now
      if (early !== undefined) return early;
      for (const [i, target] of course.plan.targets.entries()) {
        if (!this.#stillConfigured(course, target)) continue;
        const found = await this.#lookUp(course, target); //                      3
        const known = await this.#known(course, target, found); //                4
        if (known !== undefined) return known;
        if (request.cache.onlyIfCached) continue;
        try {
          const more = i + 1 < course.plan.targets.length;
          const result = await this.#joinOrCall(course, target, found, more); //  5, 6, 7
          return this.#finish(course, target, found, result); //                  8, 9, 10
        } catch (error) {
          this.#noteFailure(course, error);
        }
      }
      return await this.#lastResort(course);
    } catch (error) {
      throw this.#publicError(begun, error);
    } finally {
      begun.end();
    }
  }

  /** Starts the clocks. */
  #begin(request: PreparedRequest, listener: Listener): Begun {
    const { clock } = this.#config;
    const startedAt = clock.now();
    const tell = this.#events.has('decision')
      ? (decision: ClientEvents['decision']) => this.#events.emit('decision', decision)
      : undefined;
    const trace = new TraceRecorder(request.id, clock, tell);
    const controller = new AbortController();
    const abort = () => controller.abort(request.signal?.reason);
    if (request.signal?.aborted === true) abort();
    else request.signal?.addEventListener('abort', abort, { once: true });
    this.#underWay.add(controller);
    const { total } = request.timeouts;
    const cancelTimer = clock.after(total, () =>
      controller.abort(new CallFailure({ kind: 'timeout', phase: 'total' })),
    );
    const end = () => {
      cancelTimer();
      request.signal?.removeEventListener('abort', abort);
      this.#underWay.delete(controller);
    };
    return {
      request,
      listener,
      trace,
      startedAt,
      end,
      deadline: startedAt + total,
      signal: controller.signal,
      counter: { attempts: 0 },
      failures: [],
      shown: '',
      inputTokens: 0,
      current: undefined,
    };
  }

  /** Loads what is missing: the core with the first request, the store with the first that may persist. */
  async #enter(begun: Begun): Promise<Course> {
    const { request, signal } = begun;
    if (signal.aborted) throw leaving(signal);
    const running = this.#running ?? (await unlessLeft(this.#base.run(), signal));
    const kept = this.#usage.ready();
    if (kept !== undefined) await unlessLeft(kept, signal);
    if (request.facts !== undefined || request.model.documents !== undefined) {
      const { trace } = begun;
      const warn = (warning: Warning) => this.#warn(warning);
      const told = withFacts(request.model, request.facts, running.config.prompts, running.core, trace, warn);
      request.model = await unlessLeft(told, signal);
    }
    const partition = running.cache.partition(request.partition);
    if (partition.persist && !running.cache.opened) await unlessLeft(this.#base.persist(running), signal);
    return Object.assign(begun, running, {
      partition,
      key: '',
      plan: { tier: 'base', targets: [], passedOver: [] } satisfies Plan,
      looks: [],
      question: undefined,
    });
  }

  /** Step 1: malformed requests are refused with what to change; the others are sized. */
  #check(course: Course): void {
    const { request, core, trace } = course;
    const record = trace.begin('check');
    const { messages, parameters } = request.model;
    // Text far over the limit never crosses: WebAssembly memory would keep its size for good.
    let units = 0;
    for (const { content } of messages) units += content.length;
    if (units > maxRequestBytes) {
      throw new RequestError(
        'too-large',
        `The request is larger than ${String(maxRequestBytes)} bytes: shorten the prompt or its history.`,
        'prompt',
      );
    }
    const { extra: _, ...known } = parameters;
    const sized = core.check({ messages: [...messages], parameters: known, maxBytes: maxRequestBytes });
    course.inputTokens = sized.inputTokens;
    course.key = requestKey(request.model);
    record(
      'done',
      `The request is sound: about ${String(sized.inputTokens)} tokens in ${String(messages.length)} message${messages.length === 1 ? '' : 's'}.`,
    );
  }

  /** Step 2, on the configuration of this moment: the request stays with it to its end. */
  #plan(course: Course): Plan {
    const { request, core, trace } = course;
    if (this.#running !== undefined) Object.assign(course, this.#running);
    const record = trace.begin('plan');
    const plan = core.plan({
      tier: request.tier,
      permissions: request.permissions,
      context: request.context,
      mode: request.mode,
      prefer: request.prefer,
      wake: request.wake,
      inputTokens: course.inputTokens,
      outputTokens: request.model.parameters.maxTokens,
      now: course.config.clock.now(),
    });
    const first = plan.targets[0];
    record(first === undefined ? 'failed' : 'done', first?.reason ?? 'No configured target may answer this request.', {
      tier: plan.tier,
    });
    for (const target of plan.targets.slice(1)) trace.begin('plan', target.target)('done', `Next: ${target.reason}`);
    for (const target of plan.passedOver)
      trace.begin('plan', target.target)('passed-over', target.reason, { code: target.code });
    return plan;
  }

  /** Step 3. Undefined when this target's replies are never cached. */
  async #lookUp(course: Course, target: { target: string; provider: Provider }): Promise<Found | undefined> {
    const { request, cache, trace, partition, config } = course;
    if (config.cache === undefined || target.provider === 'mock') return undefined;
    if (request.variety || (request.cache.noCache && request.cache.noStore)) return undefined;
    const record = trace.begin('cache', target.target);
    const text = `${targetKey(target.target, config)}\n${course.key}`;
    const found = request.cache.noCache
      ? cache.place(partition, text)
      : await cache.find(partition, text, request.cache.maxAge);
    if (request.cache.noCache) {
      record('skipped', 'noCache: a fresh reply was asked for.');
      return found;
    }
    if (found.record !== undefined)
      record(
        'hit',
        found.stale
          ? 'A stored reply, past its life, answers while a fresh one is fetched.'
          : 'The same request was answered before.',
      );
    else
      record(
        'miss',
        found.refused === undefined ? 'This request is not in the cache.' : 'The stored reply is too old.',
      );
    return found;
  }

  /** Step 4: what step 3 found answers, else a reply to a question that asks the same. */
  async #known(course: Course, target: Candidate, found: Found | undefined): Promise<Reply | undefined> {
    if (found?.record !== undefined) return this.#hit(course, target, found, undefined);
    const { request, cache, config, partition, semantic, signal, trace } = course;
    if (found === undefined || semantic === undefined) return undefined;
    const options = semanticOptions(config.cache!.semantic, target.tier, request.cache.semantic);
    const last = request.model.messages.at(-1)!.content;
    if (options === undefined || last.length > mostQuestionUnits) return undefined;
    const scope = `${target.tier} ${targetKey(target.target, config)}\n${scopeKey(request.model, request.facts, config.cache!.semantic.irrelevant, course.core)}`;
    const question = {
      by: semantic.id,
      scope: cache.place(partition, scope).id,
      text: last,
      turns: turnsOf(request.model),
    };
    course.question = { target: target.target, of: question };
    // The fresh reply may answer others.
    if (request.cache.noCache) return undefined;
    const record = trace.begin('semantic', target.target);
    const asked = { question, partition: partition.id, ...options, signal };
    const look = await unlessLeft(semantic.look(asked), signal);
    if (look?.leftOut === true) course.question = undefined;
    if (look === undefined) {
      record('skipped', 'The semantic cache is not there (yet).');
      return undefined;
    }
    course.looks.push(look);
    const same = look.candidates.find((candidate) => candidate.same);
    const alike = same && (await cache.take(partition, same.entry, request.cache.maxAge));
    const details = { candidates: look.candidates.length };
    if (alike?.record !== undefined) {
      record('hit', look.because, details);
      return this.#hit(course, target, alike, same);
    }
    if (same !== undefined) {
      same.same = false;
      look.because = 'A stored question asks the same; its reply is too old.';
      if (alike?.refused === undefined) semantic.drop(same.entry);
    }
    record('miss', look.because, details);
    return undefined;
  }

  /** A target that cannot be called now (asleep, cooling down) may still have answered this before. */
  async #preferredFromCache(course: Course): Promise<Reply | undefined> {
    const { plan } = course;
    const preferred = `space:${plan.tier}`;
    if (plan.targets[0]?.target === preferred) return undefined;
    const known =
      plan.targets.find(({ target }) => target === preferred) ??
      plan.passedOver.find(({ target, code }) => target === preferred && healthCodes.includes(code));
    if (known === undefined) return undefined;
    return this.#known(course, known, await this.#lookUp(course, known));
  }

  /** `configure` may have taken away a target that this request has not come to yet. */
  #stillConfigured(course: Course, { target, provider, tier }: PlannedTarget): boolean {
    if (course.config === this.#config) return true;
    const { spaces, providers } = this.#config;
    if ((provider === 'space' ? spaces[tier] : providers[provider]) !== undefined) return true;
    course.trace.begin('plan', target)('passed-over', 'It was taken out of the configuration meanwhile.');
    return false;
  }

  /** Steps 5 to 7: ride along with an identical call under way, or make one. */
  async #joinOrCall(
    course: Course,
    target: PlannedTarget,
    found: Found | undefined,
    more: boolean,
  ): Promise<AttemptResult> {
    const { request, trace, signal, deadline, config } = course;
    if (signal.aborted) throw leaving(signal);
    course.current = target;
    const shareable = found !== undefined && !request.cache.noStore && !request.cache.noCache && !request.variety;
    const underWay = shareable ? this.#flights.get(found.id) : undefined;
    const passenger = {
      signal,
      deadline,
      onPart: course.listener && this.#show(course),
      onStatus: (status: Omit<SpaceStatus, 'tier'>) => this.#status(course, target, status),
    };
    if (underWay?.open === true) {
      const record = trace.begin('join', target.target);
      try {
        const result = await underWay.ride(passenger);
        record('hit', 'An identical request was already under way; both get its reply.');
        // Whoever is there first when the call ends settles it; for the others it was a hit.
        return underWay.claim() ? result : { ...result, attempt: 0 };
      } catch (error) {
        record('failed', 'The identical request that was under way did not get a reply.');
        throw error;
      }
    }
    const flight = new Flight(deadline);
    if (shareable) {
      this.#flights.set(found.id, flight);
    }
    flight.start(async () => {
      try {
        return await attemptTarget(
          {
            target: target.target,
            request: request.model,
            mode: request.mode,
            wake: request.wake,
            timeouts: request.timeouts,
            more,
            startedAt: course.startedAt,
            deadline: () => flight.deadline,
            signal: flight.signal,
            trace,
            counter: course.counter,
            onPart: (part) => {
              trace.firstPart();
              flight.part(part);
            },
            onStatus: (status) => flight.status(status),
            shown: () => flight.shown,
            onRestart: () => flight.restart(),
            onAttempt: (event) => this.#reportAttempt(course, target, event),
          },
          {
            core: course.core,
            clock: config.clock,
            random: config.random,
            connections: course.connections,
            turnstile: course.turnstile,
            onStatus: (status) => this.#statuses.note({ ...status, tier: target.tier }),
            onWarning: (warning) => this.#warn(warning),
            closing: this.#closing,
          },
        );
      } finally {
        if (shareable && this.#flights.get(found.id) === flight) this.#flights.delete(found.id);
      }
    });
    const result = await flight.ride(passenger);
    return flight.claim() ? result : { ...result, attempt: 0 };
  }

  /** Steps 8 to 10 for a fresh reply. */
  #finish(course: Course, target: PlannedTarget, found: Found | undefined, result: AttemptResult): Reply {
    const { request, core, trace, config } = course;
    const record = trace.begin('reply', target.target);
    const configured = configuredModel(target.target, config);
    const model = configured ?? result.model;
    const settled = core.settle({
      provider: target.provider,
      protocol: result.protocol,
      model,
      usage: result.usage,
      inputTokens: course.inputTokens,
      // Read only to estimate what the server did not count.
      content: isCount(result.usage?.output) ? '' : result.text,
      totalMs: result.ms,
      images: result.files?.filter((file) => file.mimeType?.startsWith('image/') === true).length,
    });
    const { inputTokens, outputTokens, estimated, cost } = settled;
    record(
      'done',
      `${estimated ? 'About ' : ''}${String(outputTokens)} tokens; ${cost === undefined ? 'the price is unknown' : 'priced from the table'}.`,
      {
        finishReason: result.finish,
      },
    );
    const replyId = newId();
    const stored = {
      id: replyId,
      content: result.text,
      model,
      usage: { inputTokens, outputTokens, estimated },
      cost,
      finishReason: result.finish,
      files: result.files,
    };
    const joined = result.attempt === 0;
    if (!joined) this.#statuses.answered(target);
    const cacheId = joined ? found?.id : this.#keep(course, target, found, stored);
    this.#usage.report(request, joined ? 'hit' : 'complete', {
      ...this.#targetFacts(target, model),
      replyId,
      source: target.provider,
      inputTokens,
      outputTokens,
      tokensEstimated: estimated,
      cost: joined ? 0 : cost,
      saved: joined ? cost : undefined,
      firstPartMs: trace.firstPartMs ?? result.firstPartMs,
      totalMs: trace.elapsed(),
      status: 'ok',
      attempt: joined ? undefined : result.attempt,
    });
    if (course.listener !== undefined && course.shown !== result.text)
      course.listener({ type: 'replace', text: result.text });
    return this.#reply(course, target, { ...stored, source: target.provider, age: 0 }, cacheId);
  }

  /** Step 9: stored under the target that answered. Gives the entry's id when it was. */
  #keep(
    course: Course,
    target: PlannedTarget,
    found: Found | undefined,
    reply: Omit<CacheRecord['reply'], 'source'>,
  ): string | undefined {
    const { request, cache, trace, partition } = course;
    if (course.config.cache === undefined) return undefined;
    const record = trace.begin('store', target.target);
    const outcome = {
      // A transport that did not see the end of a reply fails.
      complete: true,
      filtered: reply.finishReason === 'content-filter',
      finishReason: reply.finishReason,
      provider: target.provider,
      temperature: request.model.parameters.temperature,
      variety: request.variety,
      noStore: request.cache.noStore,
      bytes: utf8Bytes(reply.content),
    };
    if (found === undefined || target.provider === 'mock') {
      const { reason } = course.core.storable(outcome);
      record('skipped', reason);
      return undefined;
    }
    const now = course.config.clock.now();
    const question = course.question?.target === target.target ? course.question.of : undefined;
    const entry: CacheRecord = {
      id: found.id,
      partition: partition.id,
      tier: target.tier,
      target: target.target,
      tags: request.cache.tags,
      storedAt: now,
      ttlMs: request.cache.ttl,
      lastUsedAt: now,
      hits: 0,
      bytes:
        outcome.bytes +
        utf8Bytes(course.request.prompt.slice(0, 200)) +
        recordOverhead +
        (question === undefined ? 0 : question.text.length * bytesOfUnit + questionOverhead),
      prompt: preview(request.prompt, 200),
      question,
      reply: { ...reply, source: target.provider },
    };
    const { stored, reason } = cache.put(entry, course.startedAt, outcome, partition.persist);
    record(stored ? 'done' : 'skipped', reason);
    return stored ? found.id : undefined;
  }

  /** A stored reply answers. */
  #hit(course: Course, target: Candidate, found: Found, same: SemanticCandidate | undefined): Reply {
    const { request, trace, listener } = course;
    const record = found.record!;
    const { reply } = record;
    if (listener !== undefined) replay(reply.content, listener);
    trace.firstPart();
    const replyId = newId();
    this.#usage.report(request, 'hit', {
      ...this.#targetFacts(target, reply.model),
      replyId,
      source: 'cache',
      inputTokens: reply.usage.inputTokens,
      outputTokens: reply.usage.outputTokens,
      tokensEstimated: reply.usage.estimated,
      cost: 0,
      saved: reply.cost,
      firstPartMs: trace.firstPartMs,
      totalMs: trace.elapsed(),
      status: 'ok',
    });
    if (found.stale && !request.cache.onlyIfCached) this.#revalidate(request, found.id);
    const cached = {
      entry: found.id,
      by: same?.by ?? ('exact' as const),
      note: `Answered from the cache, asked ${ago(found.ageMs)}.`,
      ...(same && { prompt: same.prompt, probability: same.probability! }),
    };
    const from = { ...reply, id: replyId, source: 'cache' as const, age: found.ageMs, cost: 0, cached };
    return this.#reply(course, target, from, found.id);
  }

  // ------------------------------------------------------------------------------------ when steps do not succeed

  /** Notes a target's failure and returns when the next target may answer; throws when nothing else may. */
  #noteFailure(course: Course, error: unknown): void {
    if (error instanceof CallFailure) throw error; // This caller left, or its time is over.
    if (!(error instanceof TargetFailed)) throw error;
    course.failures.push(error);
    // Once a part was shown there is no silent fallback.
    if (course.shown !== '' || finalClasses.includes(error.verdict.class) || course.signal.aborted) throw error;
  }

  /** Every target failed or none may be called: whatever is stored may still answer. */
  async #lastResort(course: Course): Promise<Reply> {
    const { plan, request, failures } = course;
    for (const target of plan.passedOver.filter(({ code }) => healthCodes.includes(code))) {
      const known = await this.#known(course, target, await this.#lookUp(course, target));
      if (known !== undefined) return known;
    }
    if (request.cache.onlyIfCached) throw new NotCachedError();
    if (failures.length > 0) throw failures[failures.length - 1];
    const reasons = plan.passedOver.map(({ reason }) => reason).join(' ');
    throw new CallError(
      'no-target',
      `No target may answer this request. ${reasons || 'Configure a Space (spaces.base.url) or a provider.'}`,
      {
        trace: course.trace.done(),
      },
    );
  }

  #publicError(course: Begun, error: unknown): unknown {
    const { trace, shown } = course;
    const partial = shown === '' ? undefined : shown;
    const aborted = course.request.signal?.aborted === true || this.#closing.aborted;
    if (aborted && (error instanceof CallFailure || error instanceof TargetFailed || wasClosed(course, error))) {
      if (course.current !== undefined) this.#statuses.left(course.current, shown !== '');
      this.#usage.report(course.request, 'cancel', {
        ...this.#currentFacts(course),
        inputTokens: course.inputTokens,
        tokensEstimated: true,
        firstPartMs: trace.firstPartMs,
        totalMs: trace.elapsed(),
        status: 'cancelled',
      });
      return new AbortedError(partial);
    }
    const failure = callError(error, {
      partial,
      failures: course.failures,
      trace: trace.done(),
      total: course.request.timeouts.total,
      status: course.current && this.#statuses.of(course.current.target),
    });
    // Failed attempts of its own have been reported; this request made none.
    if (failure !== undefined && course.counter.attempts === 0) {
      this.#usage.report(course.request, 'error', {
        ...this.#currentFacts(course),
        inputTokens: course.inputTokens,
        tokensEstimated: true,
        totalMs: trace.elapsed(),
        status: 'error',
        errorClass: failure instanceof CallError ? failure.class : failure.code,
      });
    }
    return failure ?? error;
  }

  #currentFacts({ current }: Begun): Partial<UsageEvent> {
    return current === undefined ? {} : this.#targetFacts(current, configuredModel(current.target, this.#config));
  }

  /** Fetches a fresh reply behind a stale one; once, however many were shown the stale one. */
  #revalidate(request: PreparedRequest, entry: string): void {
    if (this.#renewing.has(entry)) return;
    this.#renewing.add(entry);
    const fresh: PreparedRequest = {
      ...request,
      id: newId(),
      signal: undefined,
      mode: 'background',
      cache: { ...request.cache, noCache: true },
    };
    this.#answer(fresh, undefined)
      .catch((error: unknown) => {
        if (this.#closing.aborted) return;
        this.#warn({
          code: 'revalidation-failed',
          message: 'A stale reply was shown and could not be renewed.',
          cause: error,
        });
      })
      .finally(() => this.#renewing.delete(entry));
  }

  // ------------------------------------------------------------------------------------------------ small parts

  #reply(
    course: Course,
    target: { target: string; tier: Tier },
    from: Omit<CacheRecord['reply'], 'source'> & { source: ReplySource; age: number; cached?: CachedAs },
    cacheId: string | undefined,
  ): Reply {
    const trace = course.trace.done();
    const { files, cached } = from;
    const { interactionId } = course.request;
    noteReply(this.#explained, from.id, { trace, interactionId, cacheId, looks: course.looks });
    return {
      id: from.id,
      content: from.content,
      role: 'assistant',
      source: from.source,
      tier: target.tier,
      target: target.target,
      model: from.model,
      age: from.age,
      // Copies: what the caller does to its reply must not reach the cache, nor what `explain` says.
      usage: { ...from.usage },
      cost: from.cost,
      finishReason: from.finishReason,
      trace: { ...trace, steps: trace.steps.slice() },
      ...(cached && { cached }),
      ...(files && { files: files.map((file) => ({ ...file })) }),
    };
  }

  #show(course: Course): (part: { type: 'text' | 'replace'; text: string }) => void {
    return (part) => {
      course.shown = part.type === 'replace' ? part.text : course.shown + part.text;
      course.trace.firstPart();
      course.listener?.(part);
    };
  }

  #status(course: Course, target: PlannedTarget, status: Omit<SpaceStatus, 'tier'>): void {
    const full: SpaceStatus = { ...status, tier: target.provider === 'space' ? target.tier : undefined };
    this.#statuses.note(full);
    course.listener?.({ type: 'status', status: full });
  }

  #reportAttempt(course: Course, target: PlannedTarget, event: AttemptEvent): void {
    const facts = {
      ...this.#targetFacts(target, configuredModel(target.target, course.config)),
      attempt: event.attempt,
      source: target.provider,
    };
    if (event.type === 'start') {
      this.#usage.report(course.request, 'start', { ...facts, inputTokens: course.inputTokens, tokensEstimated: true });
    } else if (event.type === 'error') {
      this.#usage.report(course.request, 'error', {
        ...facts,
        totalMs: event.ms,
        status: 'error',
        errorClass: event.verdict.class,
        inputTokens: course.inputTokens,
        tokensEstimated: true,
      });
      this.#statuses.failed(target, event.verdict);
    }
    // A cancel is the caller's, not the attempt's: `#publicError` reports it once.
  }

  #targetFacts(
    target: { target: string; provider: Provider; tier: Tier },
    model: string | undefined,
  ): { tier: Tier; target: string; provider: Provider; model: string | undefined } {
    return { tier: target.tier, target: target.target, provider: target.provider, model };
  }

  #warn(warning: Warning): void {
    this.#events.emit('warning', warning);
  }

  // ---------------------------------------------------------------------------------------------- other methods

  async testConnection(
    tier: Tier,
    options: { signal?: AbortSignal; onStep?: (step: ConnectionStep) => void; space?: SpaceConfig } = {},
  ): Promise<ConnectionReport> {
    requireTier(tier);
    requireCallOptions(options);
    const { core } = await this.#base.run();
    return testConnection(tier, options, this.#config, core);
  }

  async health(): Promise<TargetHealth[]> {
    const { core } = await this.#base.run();
    return core.health(this.#config.clock.now());
  }

  async wake(tier: Tier, options: { signal?: AbortSignal } = {}): Promise<void> {
    requireTier(tier);
    requireCallOptions(options);
    const { connections } = await this.#base.run();
    const target = `space:${tier}`;
    if (this.#config.spaces[tier] === undefined)
      throw new RequestError('not-configured', `No Space is configured for the tier ${tier}.`, 'tier');
    try {
      await connections.wake(target, {
        ...(options.signal && { signal: options.signal }),
        onStatus: (status) => this.#statuses.note({ ...status, target, tier }),
      });
    } catch (error) {
      if (options.signal?.aborted === true) throw new AbortedError();
      if (!(error instanceof CallFailure)) throw error;
      throw new CallError('asleep', error.message, { cause: error });
    }
  }

  async embed(texts: readonly string[], options: { signal?: AbortSignal } = {}): Promise<Float32Array[]> {
    return embedTexts(this.#embedder(options), texts, options, (warning) => this.#warn(warning));
  }

  async similarity(a: string, b: string, options: { signal?: AbortSignal } = {}): Promise<number> {
    return similarityOf(this.#embedder(options), [a, b], options, (warning) => this.#warn(warning));
  }

  async search<D extends SearchableDocument>(
    documents: readonly D[],
    options: { signal?: AbortSignal } = {},
  ): Promise<DocumentSearch<D>> {
    return searchFor(this.#embedder(options), documents, options, (warning) => this.#warn(warning));
  }

  #embedder(options: unknown): Embedder | undefined {
    requireCallOptions(options);
    this.#base.requireOpen();
    return this.#config.embedder;
  }

  explain(replyId: string): Explanation | undefined {
    const explained = this.#explained.get(replyId);
    return explained && explanationOf(explained, this.#running?.semantic);
  }

  async feedback(replyId: string, verdict: 'up' | 'down', options: { comment?: string } = {}): Promise<void> {
    ofRequest(() => {
      oneOf('up', 'down')(verdict, 'verdict');
      const most = `a string of at most ${String(mostCommentUnits)} characters`;
      check(
        options,
        { comment: must(most, (comment) => isText(comment) && comment.length <= mostCommentUnits) },
        '',
        'options',
      );
    });
    this.#base.requireOpen();
    const explained = this.#explained.get(replyId);
    if (explained === undefined) {
      const what = `replyId: must be the id of one of the last ${String(mostExplained)} replies.`;
      throw new RequestError('unknown-reply', what, 'replyId');
    }
    const { looks, cacheId, interactionId } = explained;
    await this.#usage.feedback({ replyId, interactionId, verdict, comment: options.comment });
    if (verdict === 'up') return;
    for (const { partition, question, candidates } of looks) {
      const same = candidates.find((candidate) => candidate.same);
      if (same === undefined) continue;
      await this.#running?.semantic?.refuse(partition, question, same.prompt);
      return;
    }
    if (cacheId !== undefined) await this.forget({ ids: [cacheId], partition: 'all' });
  }

  readonly cache: ClientCache = clientCache(() => this.#ownCache());

  async #ownCache(): Promise<{ cache: ResponseCache; partition: Partition }> {
    const running = await this.#base.run();
    const partition = running.cache.partition(this.#config.partition as Record<string, string>);
    if (partition.persist) await this.#base.persist(running);
    return { cache: running.cache, partition };
  }

  async forget(selector: ForgetSelector = {}): Promise<ForgetResult> {
    ofRequest(() => requireSelector(selector));
    selector = jsonCopy(selector, 'selector') as ForgetSelector;
    const running = await this.#base.run();
    const { partition = this.#config.partition } = selector;
    const scope = partition === 'all' ? undefined : running.cache.partition(partition as Record<string, string>);
    if (scope === undefined || scope.persist) await this.#base.persist(running);
    const result = await forgetReplies(
      running.cache,
      scope,
      selector,
      (replyId) => this.#explained.get(replyId)?.cacheId,
      this.#config.clock.now(),
    );
    if (!result.dryRun) this.#tellNoMore(new Set(result.ids));
    return result;
  }

  /** Of prompts that were forgotten. */
  #tellNoMore(entries: ReadonlySet<string>): void {
    for (const explained of this.#explained.values()) {
      if (explained.cacheId !== undefined && entries.has(explained.cacheId)) explained.looks = [];
      for (const look of explained.looks) look.candidates = look.candidates.filter(({ entry }) => !entries.has(entry));
    }
  }

  async flush(): Promise<void> {
    await this.#usage.flush();
    if (this.#running !== undefined) await this.#running.cache.flush();
  }

  async waiting(): Promise<number> {
    return await this.#usage.waiting();
  }

  async configure(change: Parameters<Client['configure']>[0]): Promise<void> {
    requireChangeable(change);
    for (const target of await this.#base.configure(change)) this.#statuses.forget(target);
    if (change.partition !== undefined) this.#usage.accountChanged();
    for (const status of this.statuses()) this.#events.emit('status', status);
  }

  async getSetting(key: string): Promise<Json | undefined> {
    return (await this.#base.openStore()).getSetting(key);
  }
  async setSetting(key: string, value: Json | undefined): Promise<void> {
    ofRequest(() => {
      anyText(key, 'key');
      if (value !== undefined) value = jsonCopy(value, 'value', Infinity, jsonOnly);
    });
    return (await this.#base.openStore()).setSetting(key, value);
  }

  statuses(): SpaceStatus[] {
    return this.#statuses.all(this.#config.spaces);
  }

  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  close(): void {
    if (this.#closing.aborted) return;
    for (const controller of this.#underWay) controller.abort();
    this.#usage.close();
    this.#base.close();
  }
}

/** Beside its texts, an entry takes about this much of the page's memory (`npm run bench -- hit` weighs it). */
const recordOverhead = 960;
/** What the semantic cache takes for a question: its light vector and texts, and each of its tokens. */
const questionOverhead = 1_600;
const bytesOfUnit = 22;
/** Of a comment with feedback. */
const mostCommentUnits = 2000;
/** A longer question is only asked as it is (kMostBytes of wasm/cache/questions.h). */
const mostQuestionUnits = 16 * 1024;

function configuredModel(target: string, config: ResolvedConfig): string | undefined {
  if (target.startsWith('space:')) return config.spaces[target.slice(6) as Tier]?.model;
  return config.providers[target as 'openai' | 'router']?.model;
}

/** The core went away under a request that was running. */
function wasClosed({ signal }: Begun, error: unknown): boolean {
  return signal.aborted && TierwiseError.isInstance(error) && error.code === 'closed';
}

/** As `wasm/reply/settle` takes it for one. */
function isCount(tokens: number | undefined): boolean {
  return Number.isInteger(tokens) && tokens! > 0 && tokens! <= 1e9;
}
