/** A conversation as the core is to format it (`wasm/prompt/chat.h`): one way for `formatChat` and for step 6. */
import type { Core } from '../core.js';
import { RequestError, TierwiseError } from '../errors.js';
import type { Json, JsonObject, Message } from '../types.js';
import { type CoreMessage, newest } from './chat-messages.js';
import { byNumber, knownTemplate } from './known-templates.js';
import type { FormattedChat, PromptWarning } from './prompt-types.js';
import { tokenizerNumber } from './tokenizer-families.js';

export interface Chat {
  /** Of the template. */
  source: string;
  messages: readonly CoreMessage[];
  /** What the template sees beside all that is named here; `bos_token` and `eos_token` are no text's to bring. */
  variables: JsonObject;
  tools?: Json | undefined;
  /** With their `priority`. */
  documents: readonly JsonObject[] | undefined;
  addGenerationPrompt: boolean;
  continueFinalMessage: boolean;
  special: readonly string[];
  markers: readonly string[];
  foldSystem: boolean;
  neutralise: boolean | 'all';
  now: number;
  /** Of `models/models.json`. */
  tokenizer: string;
  /** In tokens; 0: none. */
  limit: number;
  truncate: boolean;
  contextBlock?: string | undefined;
  /** For a server that applies the template itself: it is sent messages alone. */
  answerMessages: boolean;
}
export interface ShapedChat extends Pick<FormattedChat, 'prompt' | 'tokens' | 'atMost' | 'dropped'> {
  /** Where they were asked for. */
  messages?: readonly Message[];
  warnings: PromptWarning['code'][];
}

/** What crosses; `wasm/prompt/chat.h` says what each is. */
export interface CoreChatRequest extends Pick<
  Chat,
  'variables' | 'special' | 'markers' | 'foldSystem' | 'continueFinalMessage' | 'now' | 'limit' | 'truncate'
> {
  template: number;
  messages: readonly (CoreMessage | number)[];
  neutralise: boolean;
  neutraliseAll: boolean;
  family: number;
  priorities: readonly number[];
  foldDocuments: boolean;
  contextBlock?: string;
  answerMessages: boolean;
}
export type CoreChatAnswer = { more: true } | (ShapedChat & { more?: never });

export const warningTexts: Record<PromptWarning['code'], string> = {
  'system-folded': 'The template refuses a system message: it stands at the beginning of the user message.',
  'messages-merged': 'The template refuses messages of one role in a row: they were put together.',
  'arguments-kept': 'The arguments of a tool call are text that is no JSON, and were left as they are.',
  'markers-broken': 'What looked like a marker of the model in a text was broken.',
};

/** `bos_token` and `eos_token`, those that are texts. */
function endsOf({ bos_token: bos, eos_token: eos }: JsonObject): string[] {
  return [bos, eos].filter((token): token is string => typeof token === 'string' && token !== '');
}

/** Where a server should end the reply of a model of no family. White space would end it before it began. */
export function stopsAt(eos: unknown): string[] {
  return typeof eos === 'string' && eos.trim() !== '' ? [eos] : [];
}

/** Errors: those of `formatChat` (js/prompt/functions.ts) that a template or a size makes. */
export function shapeChat(core: Core, chat: Chat): ShapedChat {
  const { source, messages, tools = null, documents, neutralise, limit, contextBlock } = chat;
  const template = knownTemplate(core, source);
  const request: Omit<CoreChatRequest, 'template'> = {
    messages: limit > 0 ? newest(messages, limit) : messages,
    variables: {
      ...chat.variables,
      tools,
      documents: documents?.map(({ priority: _, ...document }) => document) ?? null,
      add_generation_prompt: chat.addGenerationPrompt,
    },
    special: [...new Set([...chat.special, ...endsOf(chat.variables)])],
    markers: chat.markers,
    foldSystem: chat.foldSystem,
    continueFinalMessage: chat.continueFinalMessage,
    neutralise: neutralise !== false,
    neutraliseAll: neutralise === 'all',
    now: chat.now,
    family: tokenizerNumber(chat.tokenizer),
    limit,
    priorities: documents?.map(({ priority = 0 }) => Number(priority)) ?? [],
    truncate: chat.truncate,
    // What has no place for documents is given them in the system message.
    foldDocuments: documents !== undefined && (chat.answerMessages || !/\bdocuments\b/.test(source)),
    ...(contextBlock !== undefined && { contextBlock }),
    answerMessages: chat.answerMessages,
  };
  const ask = (more: Pick<CoreChatRequest, 'messages'>): CoreChatAnswer =>
    byNumber(template, (number) => core.formatChat({ ...request, ...more, template: number }));
  try {
    let answer = ask(request);
    if (answer.more === true) answer = ask({ messages });
    if (answer.more === true) throw new TierwiseError('internal', 'The core asked for messages that it has.');
    return answer;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new RequestError('invalid-input', 'messages: must hold JSON values only, without cycles.', 'messages');
  }
}
