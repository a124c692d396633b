/**
 * A model's own chat template from its repository on the Hub, in the order Transformers looks for it:
 * `chat_template.jinja` (for tools `additional_chat_templates/tool_use.jinja` first), else `chat_template` in
 * `tokenizer_config.json`, one text or a list of named ones, else `chat_template.json`. The special tokens come from
 * `tokenizer_config.json`. Files are asked for by commit, so that they belong together.
 *
 * What was found is kept in memory, and by `memory` beyond the page. After `refreshAfter` the commit is asked for again;
 * the files only when it changed. When the Hub cannot be asked, what is kept goes on being used.
 */
import { RequestError } from '../errors.js';
import { CallFailure } from '../transports/call-failure.js';
import { SharedTask } from '../transports/shared-task.js';

export interface HubTemplate {
  /** The commit the files are of. */
  sha: string;
  /** By name: `default`, `tool_use`, … */
  templates: Readonly<Record<string, string>>;
  bos: string;
  eos: string;
  /** Every special token of the tokenizer. */
  special: readonly string[];
}
/** How the Hub is asked; js/transports/hub-files.ts. */
export interface HubFiles {
  /** The commit a revision stands for; undefined: no such repository, or a private one. */
  commit(repository: string, revision: string, signal: AbortSignal): Promise<string | undefined>;
  /** The text of a file; undefined: there is none. */
  file(repository: string, sha: string, path: string, signal: AbortSignal): Promise<string | undefined>;
}
/** Where templates outlive the page. Failing is allowed. */
export interface TemplateMemory {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
}

const refreshAfter = 3_600_000;
/** Larger templates than the largest known, many times over. */
const mostCharacters = 1_000_000;
const mostSpecial = 10_000;

interface Kept {
  found: HubTemplate;
  askedAt: number;
}

export class HubTemplates {
  readonly #hub: HubFiles;
  readonly #memory: TemplateMemory | undefined;
  readonly #now: () => number;
  readonly #changed: (name: string) => void;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, SharedTask<HubTemplate>>();

  /** `changed` hears the name of a repository whose template is another one than what was kept. */
  constructor(
    hub: HubFiles,
    now: () => number,
    changed: (name: string) => void = () => undefined,
    memory?: TemplateMemory,
  ) {
    this.#hub = hub;
    this.#now = now;
    this.#changed = changed;
    this.#memory = memory;
  }

  /** Errors: `RequestError` `no-template` that says what to set instead; `CallFailure` when the Hub cannot be asked. */
  async find(repository: string, revision: string, signal: AbortSignal): Promise<HubTemplate> {
    const key = `${repository}@${revision}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#now() - kept.askedAt < refreshAfter) return kept.found;
    let task = this.#asking.get(key);
    if (task?.joinable !== true) {
      task = new SharedTask((own) => this.#ask(repository, revision, key, own).finally(() => this.#asking.delete(key)));
      this.#asking.set(key, task);
    }
    return task.join(signal);
  }

  async #ask(repository: string, revision: string, key: string, signal: AbortSignal): Promise<HubTemplate> {
    const kept =
      this.#kept.get(key)?.found ?? readKept(await this.#memory?.get(`template:${key}`).catch(() => undefined));
    let found: HubTemplate;
    try {
      const sha = await this.#hub.commit(repository, revision, signal);
      if (sha === undefined) throw missing(repository, 'is not on the Hub, or is private');
      found = kept?.sha === sha ? kept : await this.#read(repository, sha, signal);
    } catch (error) {
      if (kept === undefined || !(error instanceof CallFailure) || error.facts.kind === 'abort') throw error;
      found = kept;
    }
    this.#kept.set(key, { found, askedAt: this.#now() });
    if (kept !== undefined && kept.sha !== found.sha && !same(kept, found)) this.#changed(key);
    if (kept !== found) await this.#memory?.set(`template:${key}`, found).catch(() => undefined);
    return found;
  }

  async #read(repository: string, sha: string, signal: AbortSignal): Promise<HubTemplate> {
    const file = (path: string) => this.#hub.file(repository, sha, path, signal);
    const [own, tools, configText] = await Promise.all([
      file('chat_template.jinja'),
      file('additional_chat_templates/tool_use.jinja'),
      file('tokenizer_config.json'),
    ]);
    const config = configText === undefined ? {} : object(configText, repository, 'tokenizer_config.json');
    let templates = named(config['chat_template']);
    // The file stands above the field.
    if (own !== undefined) {
      templates = bounded([['default', own], ...(tools === undefined ? [] : [['tool_use', tools] as const])]);
    }
    if (Object.keys(templates).length === 0) {
      const legacy = await file('chat_template.json');
      if (legacy !== undefined) templates = named(object(legacy, repository, 'chat_template.json')['chat_template']);
    }
    if (Object.keys(templates).length === 0) throw missing(repository, 'has no chat template');
    return {
      sha,
      templates,
      bos: tokenText(config['bos_token']) ?? '',
      eos: tokenText(config['eos_token']) ?? '',
      special: specialTokens(config),
    };
  }
}

/** The one Transformers takes: `tool_use` for tools where there is one. */
export function templateFor({ templates }: HubTemplate, hasTools: boolean): string | undefined {
  return (hasTools ? templates['tool_use'] : undefined) ?? templates['default'] ?? Object.values(templates)[0];
}

function named(value: unknown): Record<string, string> {
  if (typeof value === 'string') return bounded([['default', value]]);
  if (!Array.isArray(value)) return {};
  return bounded(
    value.flatMap((one) => {
      const { name, template } = (one ?? {}) as Record<string, unknown>;
      return typeof name === 'string' && typeof template === 'string' ? [[name, template] as const] : [];
    }),
  );
}

function bounded(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.slice(0, 16).filter(([, template]) => template.length <= mostCharacters));
}

/** A token is its text, or an object that holds it. */
function tokenText(value: unknown): string | undefined {
  const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
  return typeof text === 'string' && text !== '' && text.length <= 1000 ? text : undefined;
}

function specialTokens(config: Record<string, unknown>): string[] {
  const tokens = new Set<string>();
  const take = (value: unknown) => {
    const text = tokenText(value);
    if (text !== undefined && tokens.size < mostSpecial) tokens.add(text);
  };
  for (const [name, value] of Object.entries(config))
    if (/^(bos|eos|unk|pad|sep|cls|mask)_token$/.test(name)) take(value);
  const more = config['additional_special_tokens'];
  for (const value of Array.isArray(more) ? more : []) take(value);
  const added = config['added_tokens_decoder'];
  // Of a text it would be the letters.
  for (const value of Object.values(typeof added === 'object' && added !== null ? added : {})) {
    if ((value as { special?: unknown } | null)?.special === true) take(value);
  }
  return [...tokens];
}

function same(a: HubTemplate, b: HubTemplate): boolean {
  return JSON.stringify({ ...a, sha: '' }) === JSON.stringify({ ...b, sha: '' });
}

/** What an earlier page kept, if it still has its shape. */
function readKept(value: unknown): HubTemplate | undefined {
  const { sha, templates, bos, eos, special } = (value ?? {}) as Partial<Record<keyof HubTemplate, unknown>>;
  const texts = typeof templates === 'object' && templates !== null ? Object.values(templates) : [];
  const sound =
    [sha, bos, eos].every((one) => typeof one === 'string') &&
    texts.length > 0 &&
    texts.every((one) => typeof one === 'string') &&
    Array.isArray(special) &&
    special.every((one) => typeof one === 'string');
  return sound ? (value as HubTemplate) : undefined;
}

function object(text: string, repository: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw missing(repository, `has a ${file} that is no JSON object`);
}

function missing(repository: string, what: string): RequestError {
  return new RequestError(
    'no-template',
    `The model repository ${repository} ${what}: set \`template\` to its Jinja text or to a name of models/templates.json, or false for none.`,
    'template',
  );
}
