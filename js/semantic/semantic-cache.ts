/**
 * Step 4 of a request, carried out: the core of it (wasm/cache/questions.h) finds candidates and judges them; this file
 * asks the transformer for the vectors it wants, while a request waits or, for what was stored, when the page is idle, and
 * knows which question belongs to which entry of the cache.
 *
 * Without the transformer, or until it is there, the light vectors decide, at a stricter threshold.
 */
import { RequestError } from '../errors.js';
import type { Meaning } from '../embedder/meaning.js';
import type { Transformer } from '../embedder/transformer.js';
import type { SemanticCandidate } from '../types.js';
import { makeVectors, PromptPair } from './compare-prompts.js';
import { within } from './within.js';
import type { Ask, Look, SemanticCache, SemanticDeps, StoredQuestion } from './semantics.js';

// In the same file once bundled, so that a client waits for one.
export { comparePrompts } from './compare-prompts.js';

/** ms a request waits for vectors before the light ones decide. */
const patience = 1_000;
/** ms after a failure before the transformer is tried again. */
const restMs = 60_000;

export function openQuestions(
  meaning: Meaning,
  id: string,
  transformer: Transformer | undefined,
  deps: SemanticDeps,
): SemanticCache {
  return new QuestionCache(meaning, id, transformer, deps);
}

interface Stored {
  readonly entry: string;
  readonly question: StoredQuestion;
}
/** A stored question that may be the same; its number may be another's after a wait. */
interface Likely {
  readonly number: number;
  readonly stored: Stored;
  readonly light: number;
  /** By their words alone. */
  readonly same: boolean;
}

class QuestionCache implements SemanticCache {
  readonly #meaning: Meaning;
  readonly #id: string;
  readonly #transformer: Transformer | undefined;
  readonly #deps: SemanticDeps;
  readonly #questions: number;
  readonly #numbers = new Map<string, number>();
  readonly #stored = new Map<number, Stored>();
  /** How often each number was given back. */
  readonly #uses: number[] = [];
  /** Entries whose questions have no vectors yet. */
  readonly #idle = new Set<string>();
  #idling = false;
  #restUntil = 0;
  #closed = false;
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
      look.candidates.push({ ...named(this.#stored.get(number)!), light, same: false, rule, reason });
    }
    const likely = asked.candidates.map(({ question: number, light, same }) => {
      return { number, stored: this.#stored.get(number)!, light, same };
    });
    const number = asked.question;
    if (number !== undefined) {
      try {
        await this.#decide(look, number, likely, least, signal);
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
    likely: readonly Likely[],
    least: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const refusals = await this.#deps.refusals.all();
    const found: SemanticCandidate[] = [];
    const note = ({ number, stored, light }: Likely): void => {
      const judged = this.#meaning.judge(this.#questions, question, number, look.policy, least);
      const refused = refusals.has(this.#pair(look.partition, look.question, stored.question.text));
      found.push({
        ...named(stored),
        light,
        ...judged,
        ...(refused && { same: false, rule: 'refused-before', reason: 'Somebody said that they do not ask the same.' }),
      });
    };
    for (const one of this.#stillThere(likely)) if (one.same) note(one);
    const undecided = this.#stillThere(likely).filter(({ same }) => !same);
    if (undecided.length > 0 && !found.some(({ same }) => same)) {
      await this.#vectorsFor(question, undecided, signal);
      for (const one of this.#stillThere(undecided)) note(one);
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

  /** What left, or was closed, while something was waited for is not looked at again. */
  #stillThere(likely: readonly Likely[]): Likely[] {
    return likely.filter(({ number, stored }) => this.#stored.get(number) === stored);
  }

  async #vectorsFor(question: number, candidates: readonly Likely[], signal: AbortSignal): Promise<void> {
    const transformer = this.#transformer;
    if (transformer === undefined || Date.now() < this.#restUntil) return;
    if (!transformer.ready) {
      transformer.warm().catch((error: unknown) => this.#rest(error));
      return;
    }
    // What was stored has its vectors from idle time; the last ones may be missing.
    const wanted = [question, ...candidates.map(({ number }) => number).filter((one) => this.#lacks(one))];
    const all = Promise.all(wanted.map((one) => this.#makeVectors(one, signal)));
    try {
      await within(patience, all);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#rest(error);
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
    const { scope, text, turns } = question;
    this.#stored.set(number, { entry, question: { by: this.#id, scope, text, turns } });
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
    return !this.#meaning.hasVectors(this.#questions, number);
  }

  #forget(number: number): void {
    if (this.#closed) return;
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    this.#meaning.dropQuestion(this.#questions, number);
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
        const stored = this.#stored.get(number)!;
        // A look may have made them.
        if (this.#lacks(number)) await this.#makeVectors(number);
        // Left meanwhile, or came anew, and then its turn is yet to come.
        if (this.#stored.get(number) !== stored) continue;
        this.#idle.delete(entry);
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

  async refuse(partition: string, asked: string, stored: string): Promise<void> {
    await this.#deps.refusals.add(this.#pair(partition, asked, stored));
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
    this.#stored.clear();
    this.#idle.clear();
    if (this.#meaning.usable) this.#meaning.closeQuestions(this.#questions);
  }
}

function named({ entry, question }: Stored): { entry: string; prompt: string } {
  return { entry, prompt: question.text };
}

/** More never crosses: WebAssembly memory would keep its size for good. */
const mostUnits = 16 * 1024;
const mostVectorBytes = 32 * 1024;
const mostTurns = 1e6;

function isSound(question: unknown): question is StoredQuestion {
  const { scope, text, turns, vectors } = (question ?? {}) as Record<string, unknown>;
  return (
    typeof scope === 'string' &&
    /^[0-9a-f]{64}$/.test(scope) &&
    typeof text === 'string' &&
    text.length <= mostUnits &&
    Number.isInteger(turns) &&
    (turns as number) >= 1 &&
    (turns as number) <= mostTurns &&
    (vectors === undefined || (vectors instanceof Uint8Array && vectors.length <= mostVectorBytes))
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
