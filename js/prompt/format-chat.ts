/** A conversation -> the prompt of a model that takes text: its template, its context window, its markers kept its own. */
import { ConfigError, RequestError } from '../errors.js';
import { latestTime } from '../config.js';
import { ofRequest } from '../request.js';
import {
  boolean,
  booleanOrAll,
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
import { isObject } from '../transports/json.js';
import { type CoreMessage, readMessages } from './chat-messages.js';
import { documentList } from './documents.js';
import {
  factsOf,
  families,
  type Family,
  familyNames,
  type ModelFacts,
  requireFamily,
  unknownModel,
} from './model-data.js';
import type { FindCore } from './prompt-core.js';
import type { ChatMessage, ChatOptions, FormattedChat } from './prompt-types.js';
import { shapeChat, stopsAt, warningTexts } from './shape-chat.js';

const mostTokens = 1e9;
// A function: nothing is made while the module loads.
const shape = (): Shape => ({
  model: text,
  template: text,
  tools: listOf('objects', isObject),
  documents: documentList,
  variables: requireObject,
  addGenerationPrompt: boolean,
  continueFinalMessage: boolean,
  neutralise: booleanOrAll,
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
  const { read, tools, documents, variables } = ofRequest(() => {
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

  const all = { ...(family && { bos_token: family.bos, eos_token: family.eos }), ...variables };
  const own = isJinja(options.template) ? options.template : undefined;
  const { prompt, tokens, atMost, dropped, warnings } = shapeChat(core, {
    source: own ?? family!.template,
    messages: read,
    variables: all,
    tools,
    documents,
    addGenerationPrompt: addsPrompt,
    continueFinalMessage: continues,
    special: family?.special ?? [],
    markers: family?.markers ?? [],
    // A template of its own may have a place for it: it is asked first.
    foldSystem: own === undefined && family?.system === 'folded',
    neutralise: options.neutralise ?? true,
    now: options.now ?? Date.now(),
    tokenizer: (facts ?? unknownModel).tokenizer,
    limit,
    truncate,
    answerMessages: false,
  });
  return {
    prompt,
    tokens,
    atMost,
    exact: false,
    dropped,
    warnings: warnings.map((code) => ({ code, message: warningTexts[code] })),
    stop: family === undefined ? stopsAt(all['eos_token']) : [...family.stop],
  };
}

export function isJinja(template: string | undefined): boolean {
  return template !== undefined && /\{[{%]/.test(template);
}

/** Throws `ConfigError`. */
function forTemplate({ tools, documents, variables = {} }: ChatOptions) {
  return {
    tools: tools && jsonCopy(tools, 'tools'),
    documents: documents && (jsonCopy(documents, 'documents') as JsonObject[]),
    variables: jsonObject(variables, 'variables'),
  };
}

const jinja = 'Jinja text (with {{ or {%)';

/** Of a template that is given as text: the family of the model, where there is one. */
function familyOf({ model, template }: ChatOptions, facts: ModelFacts | undefined): Family | undefined {
  const ofModel = facts?.template === undefined ? undefined : families[facts.template];
  if (isJinja(template)) return ofModel;
  if (template !== undefined) return requireFamily(template, jinja);
  if (ofModel !== undefined) return ofModel;
  const names = `${jinja} or one of ${familyNames()}`;
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
