/** What the functions of prompts take and give. */
import type { JsonObject } from '../types.js';

export interface ChatMessage {
  /** `developer` is another name of `system`. */
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  /** Text, or parts of text; null beside `tool_calls`. */
  content?: string | readonly { type: 'text'; text: string }[] | null;
  /** `arguments` as an object, or as JSON text. */
  tool_calls?: readonly { function: { name: string; arguments?: unknown } }[];
  tool_call_id?: string;
  name?: string;
}

export interface ChatBudget {
  /** Tokens of prompt and reply together. Default: the model's; to be given where that is not known. */
  contextWindow?: number;
  /** Of these, tokens kept for the reply. Default: the model's, but at most a quarter of the window. */
  reservedOutput?: number;
  /** Shortens the largest message that must stay in its middle, where it would be refused as too large. */
  truncate?: 'middle';
}

export interface ChatOptions {
  /** A Hub id (`meta-llama/Llama-3.1-8B-Instruct`): gives the template, the context window and the tokenizer. */
  model?: string;
  /** Jinja text (with `{{` or `{%`), or the name of a family in `models/templates.json`: `chatml`, `llama-3`, ... */
  template?: string;
  /** Functions the model may call, as JSON Schema in the shape of OpenAI's API. */
  tools?: readonly JsonObject[];
  /**
   * What the reply should draw on, at most 1,000: for the template, or, where that has no place for them, as a block of
   * data in the system message. Those of a higher `priority` (a number, default 0; the template does not
   * see it) are dropped later, those of 1 or more later than old turns.
   */
  documents?: readonly JsonObject[];
  /** More for the template: `enable_thinking`, `date_string`, and `bos_token`, `eos_token` instead of the family's. */
  variables?: JsonObject;
  /** Whether the prompt ends with the beginning of a reply. Default true, false with `continueFinalMessage`. */
  addGenerationPrompt?: boolean;
  /** Ends the prompt right behind the content of the last message, for the model to go on with it. Default false. */
  continueFinalMessage?: boolean;
  /**
   * Breaks up what looks like a marker of the model. `true` (default): in messages of user and tool and in documents;
   * `'all'`: also in those of assistant and system and in tools.
   */
  neutralise?: boolean | 'all';
  /**
   * What the prompt may be, in tokens: a number, or a context window less what is kept for the reply; old turns and
   * documents are dropped until it is. Default: the model's window where that is known, else `false`: no limit.
   */
  budget?: ChatBudget | number | false;
  /** For templates that write the date, in ms since 1970. Default: now. */
  now?: number;
}

export interface Dropped {
  kind: 'message' | 'document';
  /** Of the first one. */
  index: number;
  /** How many from there on; 1 where it is missing. */
  count?: number;
  /** `shortened`: it is there in part. */
  reason: 'budget' | 'shortened';
}

export interface PromptWarning {
  code: 'system-folded' | 'messages-merged' | 'arguments-kept' | 'markers-broken';
  message: string;
}

export interface FormattedChat {
  prompt: string;
  /** The likely number of tokens. */
  tokens: number;
  /** What the budget is held by: see docs/TOKENS.md. */
  atMost: number;
  /** Whether the model's own tokenizer counted. */
  exact: false;
  dropped: Dropped[];
  warnings: PromptWarning[];
  /** Texts at which a server should end the reply. */
  stop: string[];
}

export interface CountOptions {
  /**
   * A Hub id (`Qwen/Qwen2.5-7B-Instruct`) or a provider's name (`gpt-4o`). Without it, or for a model that
   * `models/models.json` does not list, `atMost` is the highest of all tokenizers.
   */
  model?: string;
}

export interface TokenCount {
  /** The likely number: for prices. */
  tokens: number;
  /** For limits: above the real number for 99.5 % of the texts of each kind that was measured. */
  atMost: number;
  /** Whether the model's own tokenizer counted. */
  exact: false;
}

export interface RenderOptions {
  /** For `strftime_now`: a Date, or ms since 1970. Default: the present. */
  now?: Date | number;
  /** Work a render may do. Default: 5,000,000. */
  maxSteps?: number;
  /** Size of the result in UTF-8. Default: 16 MiB. */
  maxOutputBytes?: number;
  signal?: AbortSignal;
}
