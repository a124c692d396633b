/**
 * Step 6 for one target. What needs neither a template nor a context window is done here; the rest, with prompts.wasm
 * and the models' data, is loaded when the first request needs it.
 */
import type { Core } from '../core.js';
import { utf8Bytes } from '../text.js';
import { transcript } from '../transports/transcript.js';
import type { ModelRequest, PromptHandlers, PromptMaker, TextPrompt } from '../transports/transport.js';
import type { JsonObject, Message, PromptsConfig } from '../types.js';
import type { HubFiles, TemplateMemory } from './hub-templates.js';
import type { TargetPrompts } from './target-prompts.js';

export interface PromptTarget {
  /** `space:base`, `openai`… */
  target: string;
  /** Of the model; `false`: the conversation goes as a plain transcript, whatever the model. */
  template?: string | false | undefined;
  model?: string | undefined;
  templateVariables?: JsonObject | undefined;
  contextWindow?: number | undefined;
  settings: PromptsConfig;
}
export interface PromptDeps {
  core: Core;
  now: () => number;
  /** Model repositories, where the target may ask for them. */
  files?: HubFiles | undefined;
  /** Where their templates outlive the page. */
  memory?: TemplateMemory;
  /** The template of a target is another one than before: what was answered with it no longer counts. */
  onTemplateChanged?: (target: string) => void;
}

/** Tokens that a template writes around a message, at most. */
const bytesAround = 32;
/** UTF-16 units. What a text this short needs fits into every window of a server that holds conversations. */
const surelyFits = 3000;
/** Every marker of every family has one of these. */
const mayBeMarker = /[<[｜]|###|^[ \t]*\w+[ \t]*:|(?:user|assistant|system|tool):/im;

/** No token being less than a byte. */
export function surelyWithin(messages: readonly Message[], tokens: number): boolean {
  return messages.reduce((sum, { content }) => sum + utf8Bytes(content) + bytesAround, 0) <= tokens;
}

/** Whether a text that markers are broken in could have one. */
export function mayHoldMarker({ messages, contextBlock }: ModelRequest, { neutralise = true }: PromptsConfig): boolean {
  if (neutralise === false) return false;
  if (contextBlock !== undefined) return true;
  return messages.some(
    ({ role, content }) => (neutralise === 'all' || role === 'user' || role === 'tool') && mayBeMarker.test(content),
  );
}

export class Prompts implements PromptMaker {
  readonly explicit: boolean;
  readonly #target: PromptTarget;
  readonly #deps: PromptDeps | undefined;
  #maker: TargetPrompts | undefined;

  constructor(target: PromptTarget, deps: PromptDeps | undefined) {
    this.#target = target;
    this.#deps = deps;
    this.explicit = deps !== undefined && typeof target.template === 'string';
  }

  async text(request: ModelRequest, handlers: PromptHandlers): Promise<TextPrompt> {
    const maker = await this.#load(request);
    return maker === undefined ? plainPrompt(request, this.#target.settings, handlers) : maker.text(request, handlers);
  }

  async messages(request: ModelRequest, handlers: PromptHandlers): Promise<readonly Message[]> {
    const { messages } = request;
    if (request.documents === undefined && this.#isSafe(request)) return messages;
    const maker = await this.#load(request);
    return maker === undefined ? messages : maker.messages(request, handlers);
  }

  /** There is nothing to leave out and nothing to break. */
  #isSafe(request: ModelRequest): boolean {
    const { messages, parameters } = request;
    const { contextWindow, settings } = this.#target;
    const fits =
      contextWindow === undefined
        ? messages.reduce((sum, { content }) => sum + content.length, 0) <= surelyFits
        : surelyWithin(messages, contextWindow - parameters.maxTokens);
    return fits && !mayHoldMarker(request, settings);
  }

  /** Undefined: nothing is known of the model, or nothing is wanted. */
  async #load({ documents }: ModelRequest): Promise<TargetPrompts | undefined> {
    const { template, model, contextWindow } = this.#target;
    if (this.#deps === undefined) return undefined;
    const isKnown = template !== false && (template ?? model ?? contextWindow) !== undefined;
    if (!isKnown && documents === undefined) return undefined;
    if (this.#maker === undefined) {
      const { TargetPrompts: Maker } = await import('./lazy.js');
      this.#maker ??= new Maker(this.#target, this.#deps);
    }
    return this.#maker;
  }
}

/** What opens a turn of a transcript. */
const label = /^([ \t]*(?:user|assistant|tool|system))(?=[ \t]*:)/gim;

/** What a target sends where nothing is known of its model: a transcript, in which no text opens a turn of its own. */
export function plainPrompt(
  { messages, contextBlock = '', parameters: { stop } }: ModelRequest,
  { neutralise = true }: PromptsConfig,
  { onPrompt }: Pick<PromptHandlers, 'onPrompt'>,
): TextPrompt {
  const given = { prompt: transcript(messages), ...(stop !== undefined && { stop }) };
  // One message alone is no transcript.
  if (neutralise === false || messages.length === 1) return given;
  const broken = (text: string) => text.replace(label, '$1 ');
  const closed = messages.map((message, i) => {
    const { role, content } = message;
    if (neutralise === 'all' || role === 'user' || role === 'tool') return { ...message, content: broken(content) };
    if (i > 0 || !content.endsWith(contextBlock)) return message;
    return { ...message, content: content.slice(0, content.length - contextBlock.length) + broken(contextBlock) };
  });
  const prompt = transcript(closed);
  if (prompt === given.prompt) return given;
  const message = 'What would pass for the beginning of a turn in a text was broken.';
  onPrompt({
    because: `The prompt is a transcript. ${message}`,
    warnings: [{ code: 'markers-broken', message }],
  });
  return { ...given, prompt };
}
