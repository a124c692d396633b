/** What is known of models and their templates. A module of its own, so that it is loaded when the first prompt is made. */
import modelData from '../../models/models.json' with { type: 'json' };
import templateData from '../../models/templates.json' with { type: 'json' };
import { RequestError } from '../errors.js';

/** See `about` of models/templates.json. */
export interface Family {
  template: string;
  bos: string;
  eos: string;
  stop: readonly string[];
  special: readonly string[];
  markers: readonly string[];
  system: string;
  tools: string;
}
/** See `about` of models/models.json. */
export interface ModelFacts {
  contextWindow: number;
  reservedOutput: number;
  tokenizer: string;
  /** Name of a family. */
  template?: string;
}

export const families: Readonly<Record<string, Family>> = templateData.families;
export const unknownModel: ModelFacts = modelData.default;
const models: Readonly<Record<string, ModelFacts>> = modelData.models;

/** `meta-llama/Llama-3.1-8B-Instruct`, or a name without an owner. */
export function factsOf(model: string): ModelFacts | undefined {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  let found: ModelFacts | undefined;
  let longest = -1;
  for (const [pattern, facts] of Object.entries(models)) {
    const isPrefix = pattern.endsWith('*');
    const head = isPrefix ? pattern.slice(0, -1) : pattern;
    // What is exact counts more than any prefix.
    const length = isPrefix ? head.length : Infinity;
    if ((isPrefix ? name.startsWith(head) : name === head) && length > longest) {
      found = facts;
      longest = length;
    }
  }
  return found;
}

/** `ChatML` and `llama3` are `chatml` and `llama-3`. Throws `RequestError`; `others`: what it might have been besides. */
export function requireFamily(name: string, others: string): Family {
  const key = plain(name);
  const found = Object.entries(families).find(([known]) => plain(known) === key)?.[1];
  if (found !== undefined) return found;
  throw new RequestError(
    'unknown-template',
    `template: must be ${others} or one of ${familyNames()}; it is "${name.slice(0, 80)}".`,
    'template',
  );
}

export function familyNames(): string {
  return Object.keys(families).join(', ');
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
