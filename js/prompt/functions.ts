/** The functions of prompts that stand alone: what they need is loaded when one of them is called first. */
import { promptCore } from './prompt-core.js';
import type {
  ChatMessage,
  ChatOptions,
  CountOptions,
  FormattedChat,
  RenderOptions,
  TokenCount,
} from './prompt-types.js';

let loaded: typeof import('./lazy.js') | undefined;
const load = async () => (loaded ??= await import('./lazy.js'));

/**
 * Renders a model's own chat template (Jinja, in the environment of Hugging Face Transformers) with any variables:
 * `messages`, `add_generation_prompt`, `bos_token`, `tools`, and whatever else it asks for, as JSON.
 *
 * Errors: `TemplateError` with line and column for what is wrong with the template, or what it raised itself;
 * `RequestError` with the field for a wrong argument; `AbortedError`; `LoadError`.
 */
export function renderChatTemplate(
  template: string,
  variables: Record<string, unknown>,
  options: RenderOptions = {},
): Promise<string> {
  // Not async: a promise around a promise costs a tenth of a short render.
  if (loaded !== undefined) return loaded.renderChatTemplate(promptCore, template, variables, options);
  return load().then((lazy) => lazy.renderChatTemplate(promptCore, template, variables, options));
}

/**
 * A conversation -> the prompt of a model that takes text: its template, its context window, its markers kept its own.
 *
 * Errors: `RequestError` with the field (`messages[3].content`): `invalid-input`; `unknown-model` and
 * `unknown-template`, which say what to pass; `too-large` when what must stay (system messages, the last message of the
 * user and what follows it) does not fit; `cannot-continue` when the template does not write the last message as it is.
 * `TemplateError` for a template that is malformed, fails or meets a limit (`template-error`), and for one that raised an
 * error itself (`template-refused`). `LoadError`.
 */
export async function formatChat(messages: readonly ChatMessage[], options: ChatOptions = {}): Promise<FormattedChat> {
  return (loaded ?? (await load())).formatChat(promptCore, messages, options);
}

/**
 * How many tokens a text is for a model, estimated without its vocabulary (how far off: docs/TOKENS.md), and without
 * special tokens that a tokenizer may put before a text. Lone surrogates count as U+FFFD.
 *
 * Errors: `RequestError` `invalid-input` with the field, `too-large` beyond 4 million UTF-16 units; `LoadError`.
 */
export async function countTokens(text: string, options: CountOptions = {}): Promise<TokenCount> {
  return (loaded ?? (await load())).countTokens(promptCore, text, options);
}
