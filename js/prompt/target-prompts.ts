/**
 * Step 6 for a target of which something is known: the template of its model, found by what is configured, applied
 * inside the model's context window. What was left out, and how many tokens there are, is told (`onPrompt`).
 *
 * Where the server counts tokens (`countTokens`), it is asked only when the estimate says that something must be left
 * out: what really fits stays, and what is sent was counted. Each text is asked for once.
 */
import type { Core } from '../core.js';
import { RequestError } from '../errors.js';
import { utf8Bytes } from '../text.js';
import type { ModelRequest, PromptHandlers, PromptNote, TextPrompt } from '../transports/transport.js';
import type { JsonObject, Message, Warning } from '../types.js';
import { newest } from './chat-messages.js';
import { askCore, type CoreChatRequest, isJinja, mentionsDocuments, warningTexts } from './format-chat.js';
import { HubTemplates, templateFor } from './hub-templates.js';
import { factsOf, families, familyNamed, unknownModel } from './model-data.js';
import type { Dropped, PromptWarning } from './prompt-types.js';
import { bytesAround, mayBeMarker, plainPrompt, type PromptDeps, type PromptTarget } from './prompts.js';
import { tokenizerNumber } from './tokenizer-families.js';

/** How a model wants its prompt. */
interface Format {
  /** For people: "the template chatml". */
  name: string;
  source: string;
  bos: string;
  eos: string;
  special: readonly string[];
  markers: readonly string[];
  stop: readonly string[];
  foldSystem: boolean;
}
interface Shaped {
  prompt: string;
  /** Where they were asked for. */
  messages?: readonly Message[];
  tokens: number;
  atMost: number;
  dropped: readonly Dropped[];
  warnings: readonly PromptWarning['code'][];
}
type Counter = (shaped: Shaped) => Promise<number | undefined>;

/** Counts of the server that are kept, and the characters of the texts they are kept for. */
const mostCounts = 64;
const mostCounted = 1 << 20;
const mostTries = 4;
/** A window this full is not tried to be filled further. */
const wellUsed = 0.92;

export class TargetPrompts {
  readonly #target: PromptTarget;
  readonly #deps: PromptDeps;
  readonly #hub: HubTemplates | undefined;
  readonly #counts = new Map<string, number>();

  constructor(target: PromptTarget, deps: PromptDeps) {
    this.#target = target;
    this.#deps = deps;
    this.#hub =
      deps.files &&
      new HubTemplates(
        deps.files,
        deps.now,
        () => {
          deps.onTemplateChanged(target.target);
        },
        // Each target forgets its own replies when it finds that the template changed.
        {
          get: (key) => deps.memory.get(`${key} ${target.target}`),
          set: (key, value) => deps.memory.set(`${key} ${target.target}`, value),
        },
      );
  }

  async text(request: ModelRequest, handlers: PromptHandlers): Promise<TextPrompt> {
    const format =
      (await this.#format(handlers.signal)) ??
      plainFormat(this.#window !== undefined || request.documents !== undefined);
    if (format === undefined) return plainPrompt(request, this.#target.settings, handlers);
    const { shaped, counted } = await this.#shape(request, format, handlers, 'text');
    handlers.onPrompt(this.#note(shaped, `The prompt was made with ${format.name}`, counted));
    const { prompt } = shaped;
    // Whoever takes text puts its own first token before it.
    const { bos } = this.#ends(format);
    const own = prompt.startsWith(bos) ? prompt.slice(bos.length) : prompt;
    return { prompt: own, stop: [...new Set([...(request.parameters.stop ?? []), ...format.stop])] };
  }

  async messages(request: ModelRequest, handlers: PromptHandlers): Promise<readonly Message[]> {
    const { template } = this.#facts ?? {};
    const family = template === undefined ? undefined : families[template];
    if (family === undefined && this.#window === undefined && request.documents === undefined) return request.messages;
    if (request.documents === undefined && this.#staysAsItIs(request, family !== undefined)) return request.messages;
    const format = family === undefined ? plainFormat(true)! : familyFormat(template!);
    const { shaped, counted } = await this.#shape(request, format, handlers, 'messages');
    if (shaped.dropped.length > 0 || shaped.warnings.length > 0 || request.documents !== undefined)
      handlers.onPrompt(this.#note(shaped, 'The server applies the template of its model to the messages', counted));
    return shaped.messages!;
  }

  /** Surely within the window, no token being less than a byte, and without anything that could be a marker. */
  #staysAsItIs({ messages, parameters }: ModelRequest, hasMarkers: boolean): boolean {
    if (hasMarkers && messages.some(({ content }) => mayBeMarker.test(content))) return false;
    if (this.#window === undefined) return true;
    const bytes = messages.reduce((sum, { content }) => sum + utf8Bytes(content) + bytesAround, 0);
    return bytes <= this.#window - parameters.maxTokens;
  }

  get #facts() {
    const { model } = this.#target;
    return model === undefined ? undefined : factsOf(model);
  }
  get #window(): number | undefined {
    return this.#target.contextWindow ?? this.#facts?.contextWindow;
  }

  /** Undefined: none is configured and none is known. */
  async #format(signal: AbortSignal): Promise<Format | undefined> {
    const { template, model } = this.#target;
    if (template === false) return undefined;
    const known = this.#facts?.template;
    if (typeof template === 'string' && template !== 'hub') {
      if (!isJinja(template)) return familyFormat(template);
      const family = known === undefined ? undefined : families[known];
      const { bos = '', eos = '', special = [], markers = [], stop = [] } = family ?? {};
      return { name: 'the given template', source: template, bos, eos, special, markers, stop, foldSystem: false };
    }
    if (template === undefined && known !== undefined) return familyFormat(known);
    const isRepository = model !== undefined && /^[\w.-]+\/[\w.-]+$/.test(model);
    if (template === undefined && !isRepository) return undefined;
    if (!isRepository || this.#hub === undefined) {
      throw new RequestError(
        'no-template',
        `template: "hub" needs \`model\`, a repository on the Hub (owner/name)${this.#hub === undefined ? ', and a Space' : ''}.`,
        'template',
      );
    }
    const found = await this.#hub.find(model, 'main', signal);
    const source = templateFor(found, false)!;
    const { bos, eos, special } = found;
    // White space would end a reply before it began.
    const stop = eos.trim() === '' ? [] : [eos];
    return { name: `the template of ${model}`, source, bos, eos, special, markers: [], stop, foldSystem: false };
  }

  async #shape(
    request: ModelRequest,
    format: Format,
    handlers: PromptHandlers,
    kind: 'text' | 'messages',
  ): Promise<{ shaped: Shaped; counted: boolean }> {
    const { core } = this.#deps;
    await core.loadPrompts();
    const limit = this.#limit(request);
    const make = (most: number) => this.#ask(core, request, format, kind, most);
    const shaped = make(limit);
    const { signal, countTokens, countMessages } = handlers;
    const asked =
      kind === 'messages' && countMessages !== undefined
        ? ({ messages }: Shaped) => this.#counted(JSON.stringify(messages), () => countMessages(messages!, signal))
        : countTokens && (({ prompt }: Shaped) => this.#counted(prompt, () => countTokens(prompt, signal)));
    if (shaped.dropped.length === 0 || asked === undefined) return { shaped, counted: false };
    const fitting = await this.#byCount(make, limit, asked);
    return { shaped: fitting ?? shaped, counted: fitting !== undefined };
  }

  /** About the most that fits by the server's own count; undefined when it does not count. */
  async #byCount(make: (most: number) => Shaped, limit: number, count: Counter): Promise<Shaped | undefined> {
    let shaped = make(0);
    let best: Shaped | undefined;
    for (let tries = 0; tries < mostTries; tries++) {
      const tokens = await count(shaped);
      if (tokens === undefined) return undefined;
      if (tokens <= limit && tokens >= (best?.tokens ?? 0)) best = { ...shaped, tokens, atMost: tokens };
      if (best !== undefined && (best.dropped.length === 0 || best.tokens > limit * wellUsed || tokens > limit)) break;
      // The bound counts about so many tokens for one of the server's.
      const most = Math.floor((limit * shaped.atMost) / tokens);
      if (most < 1) break;
      shaped = make(most);
    }
    return best;
  }

  async #counted(text: string, count: () => Promise<number | undefined>): Promise<number | undefined> {
    const known = this.#counts.get(text);
    if (known !== undefined) return known;
    const tokens = await count();
    if (tokens !== undefined && text.length <= mostCounted / mostCounts) {
      if (this.#counts.size >= mostCounts) this.#counts.delete(this.#counts.keys().next().value!);
      this.#counts.set(text, tokens);
    }
    return tokens;
  }

  /** As configured, else as the model has them. */
  #ends({ bos, eos }: Format): { bos: string; eos: string } {
    const { bos_token = bos, eos_token = eos } = this.#target.templateVariables ?? {};
    return { bos: typeof bos_token === 'string' ? bos_token : '', eos: typeof eos_token === 'string' ? eos_token : '' };
  }

  /** 0: none. */
  #limit(request: ModelRequest): number {
    const window = this.#window;
    if (window === undefined) return 0;
    const limit = window - request.parameters.maxTokens;
    if (limit > 0) return limit;
    throw new RequestError(
      'too-large',
      `maxTokens: ${String(request.parameters.maxTokens)} leave no room for a prompt in a context window of ${String(window)} tokens.`,
      'maxTokens',
    );
  }

  #ask(core: Core, request: ModelRequest, format: Format, kind: 'text' | 'messages', limit: number): Shaped {
    const { neutralise = true, truncate } = this.#target.settings;
    const messages = request.messages as readonly (Message & JsonObject)[];
    const { documents = [] } = request;
    const continues = messages.at(-1)?.role === 'assistant';
    const { special, markers, foldSystem } = format;
    const { bos, eos } = this.#ends(format);
    const asked: Omit<CoreChatRequest, 'template'> = {
      messages: limit > 0 ? newest(messages, limit) : messages,
      variables: {
        ...this.#target.templateVariables,
        bos_token: bos,
        eos_token: eos,
        tools: null,
        documents: documents.length === 0 ? null : documents.map(({ priority: _, ...document }) => document),
        add_generation_prompt: !continues,
      },
      special: [...new Set([...special, bos, eos].filter((token) => token !== ''))],
      markers,
      foldSystem: foldSystem && kind === 'text',
      continueFinalMessage: continues && kind === 'text',
      neutralise: neutralise !== false,
      neutraliseAll: neutralise === 'all',
      now: this.#deps.now(),
      family: tokenizerNumber((this.#facts ?? unknownModel).tokenizer),
      limit,
      priorities: documents.map(({ priority }) => Number(priority ?? 0)),
      // A chat server is sent messages alone.
      foldDocuments: documents.length > 0 && (kind === 'messages' || !mentionsDocuments(format.source)),
      truncate: truncate !== undefined,
      ...(request.contextBlock !== undefined && { contextBlock: request.contextBlock }),
      answerMessages: kind === 'messages',
    };
    let answer = askCore(core, format.source, asked);
    if (answer.more === true) answer = askCore(core, format.source, { ...asked, messages });
    return answer as Shaped;
  }

  #note({ tokens, atMost, dropped, warnings }: Shaped, what: string, counted: boolean): PromptNote {
    const { target } = this.#target;
    const told: Warning[] = warnings
      .filter((code) => code === 'markers-broken')
      .map((code) => ({ code, message: `${target}: ${warningTexts[code]}` }));
    const left = leftOut(dropped);
    let because = `${what}: ${counted ? '' : 'about '}${String(tokens)} tokens.`;
    if (left.length > 0) {
      const message = `To fit into the ${String(this.#window)} tokens of the model's window, ${left.join(', ')}.`;
      because += ` ${message}`;
      told.push({ code: 'history-trimmed', message: `${target}: ${message}` });
    }
    const details: JsonObject = { tokens, atMost, exact: counted, window: this.#window };
    if (dropped.length > 0) details['dropped'] = dropped.map((one) => ({ ...one }));
    if (warnings.length > 0) details['changes'] = [...warnings];
    return { because, details, warnings: told };
  }
}

/** In words: "the 3 oldest messages were left out". */
function leftOut(dropped: readonly Dropped[]): string[] {
  const words: string[] = [];
  for (const kind of ['message', 'document'] as const) {
    const what = kind === 'message' ? 'oldest message' : 'document';
    const gone = dropped
      .filter((one) => one.kind === kind && one.reason === 'budget')
      .reduce((sum, { count = 1 }) => sum + count, 0);
    if (gone > 0) words.push(gone === 1 ? `the ${what} was left out` : `${String(gone)} ${what}s were left out`);
    if (dropped.some((one) => one.kind === kind && one.reason === 'shortened')) words.push(`a ${kind} was shortened`);
  }
  return words.map((text) => text.replace('the document', 'a document'));
}

/** Throws `RequestError` that lists the names. */
function familyFormat(name: string): Format {
  const family = familyNamed(name);
  if (family === undefined) {
    throw new RequestError(
      'unknown-template',
      `template: must be Jinja text (with {{ or {%), "hub", or one of ${Object.keys(families).join(', ')}; it is "${name.slice(0, 80)}".`,
      'template',
    );
  }
  const { template: source, bos, eos, special, markers, stop, system } = family;
  return { name: `the template ${name}`, source, bos, eos, special, markers, stop, foldSystem: system === 'folded' };
}

/** Where only the window is known, conversations go as transcripts that are held to it. */
function plainFormat(isBounded: boolean): Format | undefined {
  return isBounded ? { ...familyFormat('plain'), name: 'no template' } : undefined;
}
