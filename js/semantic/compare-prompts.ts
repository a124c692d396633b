/**
 * Two prompts compared as the semantic cache compares a stored question with the one asked (wasm/cache/guard), whoever asks:
 * neither is searched for, and neither is left out because of what it leans on (wasm/cache/takes_part.h).
 */
import type { Meaning } from '../embedder/meaning.js';
import { guardModel } from '../embedder/model.js';
import type { Transformer } from '../embedder/transformer.js';
import { AbortedError, ConfigError } from '../errors.js';
import { abortSignal, ofRequest } from '../request.js';
import { anyText, check, numberFrom, oneOf, text } from '../shape.js';
import { utf8Bytes, wellFormed } from '../text.js';
import type { ComparePromptsOptions, PromptComparison, SemanticPolicy } from '../types.js';

/** As in wasm/cache/questions.h. */
const mostBytes = 16 * 1024;
const nobody = '0'.repeat(64);

/** `models`: what may be asked for, the default first; `transformer`: that of `minilm`. Errors: see light.ts, minilm.ts. */
export async function comparePrompts(
  a: string,
  b: string,
  options: ComparePromptsOptions & { model?: string },
  models: readonly string[],
  transformer?: (modelUrl: string | undefined) => Transformer,
): Promise<PromptComparison> {
  ofRequest(() => {
    requirePrompt(a, 'a');
    requirePrompt(b, 'b');
    // 'off' would answer no, whatever the prompts.
    const policy = oneOf('strict', 'balanced');
    const shape = { policy, least: numberFrom(0.5, 1), model: oneOf(...models), modelUrl: text, signal: abortSignal };
    check(options, shape, '', 'options');
  });
  const { policy = 'strict', least, model = models[0], modelUrl, signal } = options;
  const meaning = await guardModel({ modelUrl });
  if (signal?.aborted === true) throw new AbortedError(undefined, signal.reason);
  const pair = new PromptPair(meaning, a, b);
  try {
    if (model === 'minilm') await pair.makeVectors(transformer!(modelUrl), signal);
    return pair.judge(policy, least);
  } finally {
    pair.close();
  }
}

/** Close it. */
export class PromptPair {
  readonly #meaning: Meaning;
  readonly #questions: number;
  readonly #stored: number;
  readonly #asked: number;
  #closed = false;

  constructor(meaning: Meaning, stored: string, asked: string) {
    this.#meaning = meaning;
    this.#questions = meaning.openQuestions();
    this.#stored = meaning.openQuestion(this.#questions, nobody, stored);
    this.#asked = meaning.openQuestion(this.#questions, nobody, asked);
  }

  /** By the vectors of the transformer, where they were made. */
  judge(policy: SemanticPolicy, least?: number): PromptComparison {
    return this.#meaning.judge(this.#questions, this.#asked, this.#stored, policy, least);
  }

  async makeVectors(transformer: Transformer, signal?: AbortSignal): Promise<void> {
    const made = [this.#stored, this.#asked].map((question) =>
      makeVectors(this.#meaning, this.#questions, question, transformer, () => !this.#closed, signal),
    );
    await Promise.all(made);
  }

  close(): void {
    this.#closed = true;
    if (this.#meaning.usable) this.#meaning.closeQuestions(this.#questions);
  }
}

/** Of a question; kept if it `stands` once they are there. */
export async function makeVectors(
  meaning: Meaning,
  questions: number,
  question: number,
  transformer: Transformer,
  stands: () => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const ids = meaning.questionTokens(questions, question);
  const vectors = await transformer.run({ ids, lengths: Int32Array.of(ids.length) }, signal);
  if (stands()) meaning.setVectors(questions, question, vectors, ids.length);
}

function requirePrompt(prompt: unknown, field: string): void {
  anyText(prompt, field);
  if (utf8Bytes(wellFormed(prompt as string)) > mostBytes)
    throw new ConfigError(field, `must be at most ${String(mostBytes)} bytes long in UTF-8.`, 'too-large');
}
