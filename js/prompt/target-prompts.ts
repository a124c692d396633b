/**
 * Step 6 for a target of which something is known: the template of its model, found by what is configured, applied
 * inside the model's context window. What was left out, and how many tokens there are, is told (`onPrompt`).
 *
 * Where the server counts tokens (`countTokens`, `countMessages`), it is asked only when the estimate says that something
 * must be left out: what really fits stays, and what is sent was counted. Each text is asked for once.
 */
import { RequestError } from '../errors.js';
import type { ModelRequest, PromptHandlers, PromptNote, TextPrompt } from '../transports/transport.js';
import type { Json, JsonObject, Message, Warning } from '../types.js';
import { isJinja } from './format-chat.js';
import { HubTemplates, templateFor } from './hub-templates.js';
import { factsOf, families, type ModelFacts, requireFamily, unknownModel } from './model-data.js';
import type { Dropped } from './prompt-types.js';
import { mayHoldMarker, plainPrompt, type PromptDeps, type PromptTarget, surelyWithin } from './prompts.js';
import { type ShapedChat, shapeChat, stopsAt, warningTexts } from './shape-chat.js';

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
type Counter = (shaped: ShapedChat) => Promise<number | undefined>;

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
  readonly #facts: ModelFacts | undefined;
  readonly #window: number | undefined;
  readonly #counts = new Map<string, number>();

  constructor(target: PromptTarget, deps: PromptDeps) {
    this.#target = target;
    this.#deps = deps;
    this.#facts = target.model === undefined ? undefined : factsOf(target.model);
    this.#window = target.contextWindow ?? this.#facts?.contextWindow;
    const { files, memory, now, onTemplateChanged } = deps;
    // Each target forgets its own replies when it finds that the template changed.
    const own = memory && {
      get: (key: string) => memory.get(`${key} ${target.target}`),
      set: (key: string, value: unknown) => memory.set(`${key} ${target.target}`, value),
    };
    this.#hub = files && new HubTemplates(files, now, () => onTemplateChanged?.(target.target), own);
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
    if (request.documents === undefined && this.#staysAsItIs(request, family !== undefined)) return request.messages;
    const format = family === undefined ? plainFormat(true)! : familyFormat(template!);
    const { shaped, counted } = await this.#shape(request, format, handlers, 'messages');
    if (shaped.dropped.length > 0 || shaped.warnings.length > 0 || request.documents !== undefined)
      handlers.onPrompt(this.#note(shaped, 'The server applies the template of its model to the messages', counted));
    return shaped.messages!;
  }

  /** Surely within the window, and without anything that could be a marker. */
  #staysAsItIs(request: ModelRequest, hasMarkers: boolean): boolean {
    if (hasMarkers && mayHoldMarker(request, this.#target.settings)) return false;
    return this.#window === undefined || surelyWithin(request.messages, this.#window - request.parameters.maxTokens);
  }

  /** Undefined: none is configured and none is known. */
  async #format(signal: AbortSignal): Promise<Format | undefined> {
    const { template, model } = this.#target;
    if (template === false) return undefined;
    const known = this.#facts?.template;
    if (typeof template === 'string' && template !== 'hub') {
      if (!isJinja(template)) return familyFormat(template);
      const family = known === undefined ? undefined : families[known];
      const { bos = '', eos = '', special = [], markers = [] } = family ?? {};
      const stop = family?.stop ?? stopsAt(this.#target.templateVariables?.['eos_token']);
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
    const source = templateFor(found, this.#tools !== undefined)!;
    const { bos, eos, special } = found;
    return {
      name: `the template of ${model}`,
      source,
      bos,
      eos,
      special,
      markers: [],
      stop: stopsAt(eos),
      foldSystem: false,
    };
  }

  async #shape(
    request: ModelRequest,
    format: Format,
    handlers: PromptHandlers,
    kind: 'text' | 'messages',
  ): Promise<{ shaped: ShapedChat; counted: boolean }> {
    await this.#deps.core.loadPrompts();
    const limit = this.#limit(request);
    const make = (most: number) => this.#ask(request, format, kind, most);
    const shaped = make(limit);
    const { signal, countTokens, countMessages } = handlers;
    // Messages are counted by the server's own template or not at all: ours may write less around them.
    const asked =
      kind === 'messages'
        ? countMessages &&
          (({ messages }: ShapedChat) =>
            this.#counted(JSON.stringify(messages), () => countMessages(messages!, signal)))
        : countTokens && (({ prompt }: ShapedChat) => this.#counted(prompt, () => countTokens(prompt, signal)));
    if (shaped.dropped.length === 0 || asked === undefined) return { shaped, counted: false };
    const fitting = await this.#byCount(make, limit, asked);
    return { shaped: fitting ?? shaped, counted: fitting !== undefined };
  }

  /** About the most that fits by the server's own count; undefined when it does not count. */
  async #byCount(make: (most: number) => ShapedChat, limit: number, count: Counter): Promise<ShapedChat | undefined> {
    let shaped = make(0);
    let best: ShapedChat | undefined;
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

  /** Declared to the model where its template is rendered here; a server that renders it itself is sent none. */
  get #tools(): Json | undefined {
    return this.#target.templateVariables?.['tools'] ?? undefined;
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

  #ask(request: ModelRequest, format: Format, kind: 'text' | 'messages', limit: number): ShapedChat {
    const { core, now } = this.#deps;
    const { settings, templateVariables } = this.#target;
    const { messages, documents = [], contextBlock } = request;
    const { source, special, markers, foldSystem } = format;
    const { bos, eos } = this.#ends(format);
    const continues = messages.at(-1)?.role === 'assistant';
    return shapeChat(core, {
      source,
      messages: messages as readonly (Message & JsonObject)[],
      variables: { ...templateVariables, bos_token: bos, eos_token: eos },
      tools: kind === 'text' ? this.#tools : undefined,
      documents: documents.length === 0 ? undefined : documents,
      addGenerationPrompt: !continues,
      continueFinalMessage: continues && kind === 'text',
      special,
      markers,
      foldSystem: foldSystem && kind === 'text',
      neutralise: settings.neutralise ?? true,
      now: now(),
      tokenizer: (this.#facts ?? unknownModel).tokenizer,
      limit,
      truncate: settings.truncate !== undefined,
      contextBlock,
      answerMessages: kind === 'messages',
    });
  }

  #note({ tokens, atMost, dropped, warnings }: ShapedChat, what: string, counted: boolean): PromptNote {
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

/** In words: "3 oldest messages were left out". */
function leftOut(dropped: readonly Dropped[]): string[] {
  const words: string[] = [];
  for (const [kind, one, several] of [
    ['message', 'the oldest message', 'oldest messages'],
    ['document', 'a document', 'documents'],
  ] as const) {
    const found = dropped.filter((each) => each.kind === kind);
    const gone = found.reduce((sum, { reason, count = 1 }) => sum + (reason === 'budget' ? count : 0), 0);
    if (gone > 0) words.push(gone === 1 ? `${one} was left out` : `${String(gone)} ${several} were left out`);
    if (found.some(({ reason }) => reason === 'shortened')) words.push(`a ${kind} was shortened`);
  }
  return words;
}

/** Throws `RequestError` that lists the names. */
function familyFormat(name: string): Format {
  const family = requireFamily(name, 'Jinja text (with {{ or {%), "hub",');
  const { template: source, bos, eos, special, markers, stop, system } = family;
  return { name: `the template ${name}`, source, bos, eos, special, markers, stop, foldSystem: system === 'folded' };
}

/** Where only the window is known, conversations go as transcripts that are held to it. */
function plainFormat(isBounded: boolean): Format | undefined {
  return isBounded ? { ...familyFormat('plain'), name: 'no template' } : undefined;
}
