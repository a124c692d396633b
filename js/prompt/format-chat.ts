/** A conversation -> the prompt of a model that takes text: its template, its context window, its markers kept its own. */
import type { Core } from '../core.js';
import { ConfigError, RequestError, TierwiseError } from '../errors.js';
import { latestTime } from '../config.js';
import { ofRequest } from '../request.js';
import {
  boolean,
  check,
  demand,
  jsonCopy,
  jsonObject,
  listOf,
  numberFrom,
  oneOf,
  requireObject,
  type Shape,
  text,
  wholeFrom,
} from '../shape.js';
import type { JsonObject } from '../types.js';
import { type CoreMessage, newest, readMessages } from './chat-messages.js';
import { factsOf, families, type Family, familyNamed, type ModelFacts, unknownModel } from './model-data.js';
import type { FindCore } from './prompt-core.js';
import type { ChatMessage, ChatOptions, FormattedChat, PromptWarning } from './prompt-types.js';
import { tokenizerNumber } from './tokenizer-families.js';

/** Of `wasm/prompt/chat.h`. */
export interface CoreChatRequest {
  template: number;
  messages: readonly (CoreMessage | number)[];
  variables: JsonObject;
  special: readonly string[];
  markers: readonly string[];
  foldSystem: boolean;
  continueFinalMessage: boolean;
  neutralise: boolean;
  neutraliseAll: boolean;
  now: number;
  family: number;
  limit: number;
  priorities: readonly number[];
  truncate: boolean;
  contextBlock?: string;
  foldDocuments?: boolean;
  answerMessages?: boolean;
}
export type CoreChatAnswer =
  | { more: true }
  | (Pick<FormattedChat, 'prompt' | 'tokens' | 'atMost' | 'dropped'> & {
      more?: never;
      warnings: PromptWarning['code'][];
    });

export const warningTexts: Record<PromptWarning['code'], string> = {
  'system-folded': 'The template refuses a system message: it stands at the beginning of the user message.',
  'messages-merged': 'The template refuses messages of one role in a row: they were put together.',
  'arguments-kept': 'The arguments of a tool call are text that is no JSON, and were left as they are.',
  'markers-broken': 'What looked like a marker of the model in a text was broken.',
};

const mostTokens = 1e9;
const mostDocuments = 1000;
// A function: nothing is made while the module loads.
const shape = (): Shape => ({
  model: text,
  template: text,
  tools: listOf('objects', isObject),
  documents: listOf(`at most ${String(mostDocuments)} objects`, isObject, mostDocuments),
  variables: requireObject,
  addGenerationPrompt: boolean,
  continueFinalMessage: boolean,
  neutralise: (value, field) => {
    if (value !== 'all') demand(typeof value === 'boolean', field, "true, false or 'all'");
  },
  budget: (value, field) => {
    const tokens = wholeFrom(1, mostTokens);
    if (typeof value === 'number') tokens(value, field);
    else if (value !== false)
      check(
        value,
        { contextWindow: tokens, reservedOutput: wholeFrom(0, mostTokens), truncate: oneOf('middle') },
        field,
      );
  },
  now: numberFrom(-latestTime, latestTime),
});

/** See js/prompt/functions.ts. */
export async function formatChat(
  findCore: FindCore,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): Promise<FormattedChat> {
  // Copies: what is awaited must not find other messages than were checked.
  const { read, tools, documents, priorities, variables } = ofRequest(() => {
    check(options, shape(), '', 'options');
    return { read: readMessages(messages), ...forTemplate(options) };
  });
  const core = await findCore();
  const facts = options.model === undefined ? undefined : factsOf(options.model);
  const family = familyOf(options, facts);
  const { limit, truncate } = ofRequest(() => limitOf(options.budget, facts));
  const continues = options.continueFinalMessage === true;
  const addsPrompt = options.addGenerationPrompt ?? !continues;
  if (continues) ofRequest(() => checkContinued(read, addsPrompt));

  const all: JsonObject = {
    ...(family && { bos_token: family.bos, eos_token: family.eos }),
    ...variables,
    tools: tools ?? null,
    documents: documents ?? null,
    add_generation_prompt: addsPrompt,
  };
  const ends = [all['bos_token'], all['eos_token']].filter(
    (token) => typeof token === 'string' && token !== '',
  ) as string[];
  const own = isJinja(options.template) ? options.template : undefined;
  const source = own ?? family!.template;
  const request: Omit<CoreChatRequest, 'template'> = {
    messages: limit > 0 ? newest(read, limit) : read,
    variables: all,
    special: [...new Set([...(family?.special ?? []), ...ends])],
    markers: family?.markers ?? [],
    // A template of its own may have a place for it: it is asked first.
    foldSystem: own === undefined && family?.system === 'folded',
    continueFinalMessage: continues,
    neutralise: options.neutralise !== false,
    neutraliseAll: options.neutralise === 'all',
    now: options.now ?? Date.now(),
    family: tokenizerNumber(facts?.tokenizer ?? unknownModel.tokenizer),
    limit,
    priorities,
    truncate,
    foldDocuments: documents !== undefined && !mentionsDocuments(source),
  };
  let answer = askCore(core, source, request);
  if (answer.more === true) answer = askCore(core, source, { ...request, messages: read });
  if (answer.more === true) throw new TierwiseError('internal', 'The core asked for messages that it has.');
  const { prompt, tokens, atMost, dropped, warnings } = answer;
  return {
    prompt,
    tokens,
    atMost,
    exact: false,
    dropped,
    warnings: warnings.map((code) => ({ code, message: warningTexts[code] })),
    stop: family === undefined ? ends.slice(-1) : [...family.stop],
  };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJinja(template: string | undefined): boolean {
  return template !== undefined && /\{[{%]/.test(template);
}

/** Throws `ConfigError`. */
function forTemplate({ tools, documents, variables = {} }: ChatOptions) {
  const priorities: number[] = [];
  const shown = documents?.map(({ priority = 0, ...document }, i) => {
    demand(Number.isFinite(priority), `documents[${String(i)}].priority`, 'a number');
    priorities.push(priority as number);
    return document;
  });
  return {
    tools: tools && jsonCopy(tools, 'tools'),
    documents: shown && jsonCopy(shown, 'documents'),
    variables: jsonObject(variables, 'variables'),
    priorities,
  };
}

/** What has no place for documents is given them in the system message. */
export function mentionsDocuments(source: string): boolean {
  return /\bdocuments\b/.test(source);
}

/** Of a template that is given as text: the family of the model, where there is one. */
function familyOf({ model, template }: ChatOptions, facts: ModelFacts | undefined): Family | undefined {
  const ofModel = facts?.template === undefined ? undefined : families[facts.template];
  if (isJinja(template)) return ofModel;
  const names = `Jinja text (with {{ or {%) or one of ${Object.keys(families).join(', ')}`;
  if (template !== undefined) {
    const named = familyNamed(template);
    if (named !== undefined) return named;
    throw new RequestError(
      'unknown-template',
      `template: must be ${names}; it is "${template.slice(0, 80)}".`,
      'template',
    );
  }
  if (ofModel !== undefined) return ofModel;
  if (model === undefined)
    throw new RequestError('invalid-input', `template: must be given, ${names}, or model, a Hub id.`, 'template');
  throw new RequestError(
    'unknown-model',
    `model: there is no template for "${model.slice(0, 80)}": pass template, ${names}.`,
    'model',
  );
}

/** In tokens; 0: none. Throws `ConfigError`. */
function limitOf(budget: ChatOptions['budget'], facts: ModelFacts | undefined): { limit: number; truncate: boolean } {
  if (budget === false || (budget === undefined && facts === undefined)) return { limit: 0, truncate: false };
  if (typeof budget === 'number') return { limit: budget, truncate: false };
  const window = budget?.contextWindow ?? facts?.contextWindow;
  if (window === undefined)
    throw new ConfigError('budget.contextWindow', 'must be given where the model is not known to models/models.json.');
  const reserved = budget?.reservedOutput ?? Math.min(facts?.reservedOutput ?? 512, Math.floor(window / 4));
  demand(reserved < window, 'budget.reservedOutput', `less than the context window of ${String(window)}`);
  return { limit: window - reserved, truncate: budget?.truncate !== undefined };
}

/** Throws `ConfigError`. */
function checkContinued(messages: readonly CoreMessage[], addsPrompt: boolean): void {
  demand(!addsPrompt, 'addGenerationPrompt', 'false where continueFinalMessage is set');
  const last = messages.length - 1;
  demand(typeof messages[last]!['content'] === 'string', `messages[${String(last)}].content`, 'text to be continued');
}

/** Numbers of templates, by their text. */
const known = new WeakMap<Core, Map<string, number>>();
const mostKnown = 16;

export function askCore(core: Core, source: string, request: Omit<CoreChatRequest, 'template'>): CoreChatAnswer {
  const numbers = known.get(core) ?? new Map<string, number>();
  known.set(core, numbers);
  for (;;) {
    const number = numbers.get(source);
    const template = number ?? core.addTemplate(source);
    if (number === undefined) {
      // The core remembers as many.
      if (numbers.size >= mostKnown) numbers.clear();
      numbers.set(source, template);
    }
    try {
      return core.formatChat({ ...request, template });
    } catch (error) {
      if (error instanceof TypeError)
        throw new RequestError('invalid-input', 'messages: must hold JSON values only, without cycles.', 'messages');
      if (number === undefined || !TierwiseError.isInstance(error) || error.code !== 'unknown-template') throw error;
      numbers.delete(source);
    }
  }
}
