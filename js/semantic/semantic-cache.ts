/**
 * Step 4 of a request, carried out: the core of it (wasm/cache/questions.h) finds candidates and judges them; this file
 * asks the transformer for the vectors it wants, while a request waits or, for what was stored, when the page is idle, and
 * knows which question belongs to which entry of the cache.
 *
 * Without the transformer, or until it is there, the light vectors decide, at a stricter threshold.
 */
import { RequestError } from '../errors.js';
import type { Judged, Meaning } from '../embedder/meaning.js';
import type { Transformer } from '../embedder/transformer.js';
import type { SemanticCandidate } from '../types.js';
import { makeVectors, PromptPair } from './compare-prompts.js';
import type { Ask, Look, SemanticCache, SemanticDeps, StoredQuestion } from './semantics.js';

// In the same file once bundled, so that a client waits for one.
export { comparePrompts } from './compare-prompts.js';

/** ms a request waits for vectors before the light ones decide. */
const patience = 1_000;
/** ms after a failure before the transformer is tried again. */
const restMs = 60_000;
/** Pairs remembered; the oldest go. */
const mostRefusals = 5_000;

export function openQuestions(
  meaning: Meaning,
  id: string,
  transformer: Transformer | undefined,
  deps: SemanticDeps,
): SemanticCache {
  return new QuestionCache(meaning, id, transformer, deps);
}

class QuestionCache implements SemanticCache {
  readonly #meaning: Meaning;
  readonly #id: string;
  readonly #transformer: Transformer | undefined;
  readonly #deps: SemanticDeps;
  readonly #questions: number;
  readonly #numbers = new Map<string, number>();
  readonly #stored = new Map<number, { entry: string; question: StoredQuestion }>();
  /** How often each number was given back. */
  readonly #uses: number[] = [];
  /** Entries whose questions have no vectors yet. */
  readonly #idle = new Set<string>();
  #idling = false;
  #restUntil = 0;
  #closed = false;
  #refusals: Promise<Set<string>> | undefined;
  #warned = false;

  constructor(meaning: Meaning, id: string, transformer: Transformer | undefined, deps: SemanticDeps) {
    this.#meaning = meaning;
    this.#id = id;
    this.#transformer = transformer;
    this.#deps = deps;
    this.#questions = meaning.openQuestions();
  }

  async look({ question, partition, policy, least, signal }: Ask): Promise<Look> {
    const { scope, text, turns } = question;
    const look: Look = { question: text, partition, policy, candidates: [], because: '', leftOut: false };
    let asked;
    try {
      asked = this.#meaning.ask(this.#questions, scope, text, turns, policy);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      look.leftOut = true;
      look.because = `Only asked as it is: ${error.message}`;
      return look;
    }
    for (const { question: number, light, rule, reason } of asked.refused) {
      look.candidates.push({ ...this.#named(number), light, same: false, rule, reason });
    }
    const number = asked.question;
    if (number !== undefined) {
      try {
        await this.#decide(look, number, asked.candidates, least, signal);
      } finally {
        this.#forget(number);
      }
    }
    look.because = sentenceOf(look);
    return look;
  }

  /** Of those the rules let pass: the likeliest, where it is likely enough. */
  async #decide(
    look: Look,
    question: number,
    candidates: { question: number; light: number; same: boolean }[],
    least: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const refusals = await this.#refused();
    const judge = (candidate: number): Judged =>
      this.#meaning.judge(this.#questions, question, candidate, look.policy, least);
    const found: SemanticCandidate[] = [];
    const note = (candidate: number, light: number, judged: Judged): void => {
      const named = this.#named(candidate);
      const refused = refusals.has(this.#pair(look.partition, look.question, named.prompt));
      found.push({
        ...named,
        light,
        ...judged,
        ...(refused && { same: false, rule: 'refused-before', reason: 'Somebody said that they do not ask the same.' }),
      });
    };
    const undecided = candidates.filter(({ same }) => !same);
    for (const { question: candidate, light, same } of candidates) {
      if (same) note(candidate, light, judge(candidate));
    }
    if (undecided.length > 0 && !found.some(({ same }) => same)) {
      await this.#vectorsFor(question, undecided, signal);
      for (const { question: candidate, light } of undecided) {
        // Gone while the transformer was asked.
        if (this.#stored.has(candidate)) note(candidate, light, judge(candidate));
      }
    }
    found.sort((a, b) => b.probability! - a.probability!);
    // At most one is said to be the same.
    let answered = false;
    for (const candidate of found) {
      if (answered) candidate.same = false;
      answered ||= candidate.same;
    }
    look.candidates.unshift(...found);
  }

  async #vectorsFor(question: number, candidates: { question: number }[], signal: AbortSignal): Promise<void> {
    const transformer = this.#transformer;
    if (transformer === undefined || Date.now() < this.#restUntil) return;
    if (!transformer.ready) {
      transformer.warm().catch((error: unknown) => this.#rest(error));
      return;
    }
    // What was stored has its vectors from idle time; the last ones may be missing.
    const wanted = [question, ...candidates.map((candidate) => candidate.question).filter((one) => this.#lacks(one))];
    const all = Promise.all(wanted.map((one) => this.#makeVectors(one, signal)));
    let late: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => (late = setTimeout(resolve, patience)));
    try {
      await Promise.race([all, enough]);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#rest(error);
    } finally {
      clearTimeout(late);
      all.catch(() => undefined);
    }
  }

  async #makeVectors(question: number, signal?: AbortSignal): Promise<void> {
    const before = this.#uses[question];
    // Its number may be another's by then.
    const stands = (): boolean => !this.#closed && this.#uses[question] === before;
    await makeVectors(this.#meaning, this.#questions, question, this.#transformer!, stands, signal);
  }

  // --------------------------------------------------------------------------------------------- what is stored

  admit(entry: string, question: StoredQuestion): void {
    this.drop(entry);
    // Any script of this origin may have written it.
    if (!isSound(question)) return;
    let number;
    try {
      number = this.#open(question, question.by === this.#id ? question.vectors : undefined);
    } catch (error) {
      // Left out, too long, or one too many: it is only asked as it is.
      if (error instanceof RequestError) return;
      throw error;
    }
    this.#meaning.keepQuestion(this.#questions, number);
    this.#numbers.set(entry, number);
    this.#stored.set(number, { entry, question: { ...question, by: this.#id } });
    if (this.#transformer !== undefined && this.#lacks(number)) {
      this.#idle.add(entry);
      this.#whenIdle();
    }
  }

  drop(entry: string): void {
    const number = this.#numbers.get(entry);
    if (number === undefined) return;
    this.#numbers.delete(entry);
    this.#stored.delete(number);
    this.#idle.delete(entry);
    this.#forget(number);
  }

  /** With damaged vectors as without any. */
  #open(question: StoredQuestion, vectors: Uint8Array | undefined): number {
    const { scope, text, turns } = question;
    try {
      return this.#meaning.openQuestion(this.#questions, scope, text, turns, vectors);
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'invalid-data') throw error;
      return this.#open(question, undefined);
    }
  }

  #lacks(number: number): boolean {
    return this.#meaning.vectorsOf(this.#questions, number).length === 0;
  }

  #forget(number: number): void {
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    this.#meaning.dropQuestion(this.#questions, number);
  }

  #named(number: number): { entry: string; prompt: string } {
    const { entry, question } = this.#stored.get(number)!;
    return { entry, prompt: question.text };
  }

  #whenIdle(afterMs = 200): void {
    if (this.#idling || this.#closed) return;
    this.#idling = true;
    const work = (): void => {
      void this.#makeIdleVectors().finally(() => {
        this.#idling = false;
        if (this.#idle.size > 0) this.#whenIdle(Math.max(200, this.#restUntil - Date.now()));
      });
    };
    const idle = (globalThis as { requestIdleCallback?: (work: () => void, options: { timeout: number }) => void })
      .requestIdleCallback;
    const timer = setTimeout(() => (idle === undefined ? work() : idle(work, { timeout: 5_000 })), afterMs);
    // Node would wait for it.
    (timer as { unref?: () => void }).unref?.();
  }

  /** One at a time, so that a request that waits for the transformer comes next. */
  async #makeIdleVectors(): Promise<void> {
    try {
      for (const entry of this.#idle) {
        if (this.#closed) return;
        const number = this.#numbers.get(entry)!;
        await this.#makeVectors(number);
        this.#idle.delete(entry);
        const stored = this.#stored.get(number);
        if (stored?.entry !== entry) continue;
        const vectors = this.#meaning.vectorsOf(this.#questions, number);
        if (vectors.length > 0) this.#deps.learned(entry, { ...stored.question, vectors });
      }
    } catch (error) {
      this.#rest(error);
    }
  }

  /** The light vectors do until it is tried again. */
  #rest(error: unknown): void {
    this.#restUntil = Date.now() + restMs;
    if (this.#warned || this.#closed) return;
    this.#warned = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#deps.warn({
      code: 'semantic-cache-limited',
      message: `The semantic cache works without the transformer for now, and finds less: ${reason}`,
      cause: error,
    });
  }

  // ------------------------------------------------------------------------------------------ what people refused

  refuse(partition: string, asked: string, stored: string): void {
    void this.#refused().then((pairs) => {
      const pair = this.#pair(partition, asked, stored);
      pairs.delete(pair);
      pairs.add(pair);
      for (const oldest of pairs) {
        if (pairs.size <= mostRefusals) break;
        pairs.delete(oldest);
      }
      this.#deps.refusals.write([...pairs]);
    });
  }

  #refused(): Promise<Set<string>> {
    return (this.#refusals ??= this.#deps.refusals.read().then(
      (kept) => new Set(Array.isArray(kept) ? kept.filter((pair) => typeof pair === 'string') : []),
      () => new Set<string>(),
    ));
  }

  #pair(partition: string, a: string, b: string): string {
    const told = JSON.stringify([partition, ...[a, b].sort()]);
    return this.#meaning.checksum(new TextEncoder().encode(told));
  }

  explain(look: Look): void {
    for (const candidate of look.candidates) {
      if (candidate.alignment !== undefined) continue;
      const pair = new PromptPair(this.#meaning, candidate.prompt, look.question);
      const { doubts, alignment } = pair.judge(look.policy);
      pair.close();
      Object.assign(candidate, { doubts, alignment });
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#meaning.usable) this.#meaning.closeQuestions(this.#questions);
  }
}

function isSound(question: unknown): question is StoredQuestion {
  const { scope, text, turns, vectors } = (question ?? {}) as Record<string, unknown>;
  return (
    typeof scope === 'string' &&
    /^[0-9a-f]{64}$/.test(scope) &&
    typeof text === 'string' &&
    Number.isFinite(turns) &&
    (turns as number) >= 1 &&
    (vectors === undefined || vectors instanceof Uint8Array)
  );
}

function sentenceOf({ candidates }: Look): string {
  if (candidates.length === 0) return 'No stored question is like it.';
  const same = candidates.find((candidate) => candidate.same);
  if (same !== undefined) {
    return same.by === 'words'
      ? 'A stored question has the same words in another form.'
      : `A stored question very likely asks the same (${percent(same.probability!)}${same.by === 'light' ? ', by the light vectors' : ''}).`;
  }
  const [first] = candidates;
  const why = first!.rule === undefined ? `${percent(first!.probability!)} likely` : first!.rule;
  return `${candidates.length === 1 ? 'A stored question is' : `${String(candidates.length)} stored questions are`} like it, but not the same (${why}).`;
}

function percent(probability: number): string {
  return `${(probability * 100).toFixed(probability > 0.99 ? 1 : 0)} %`;
}
