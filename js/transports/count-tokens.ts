/**
 * Exact token counts from servers that offer them: TGI's and llama.cpp's `POST /tokenize`; of messages, by the template
 * the server applies, TGI's `POST /chat_tokenize` and llama.cpp's `POST /apply-template`. Undefined where the server has
 * no such route or does not answer with tokens: then the estimate has to do. The number counts what the server would
 * read: special tokens are recognised, and the one it puts before a prompt is counted.
 */
import { CallFailure } from './call-failure.js';
import type { Message } from '../types.js';
import type { TransportContext } from './transport.js';

const timeouts = { firstChunk: 10_000, stall: 10_000 };

export function countByTgi(context: TransportContext, text: string, signal: AbortSignal): Promise<number | undefined> {
  return count(context, { inputs: text, add_special_tokens: true }, signal);
}

export async function countChatByTgi(
  context: TransportContext,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const answer = await ask(context, '/chat_tokenize', { model: 'tgi', messages }, signal);
  return numberOfTokens((answer as { tokenize_response?: unknown } | null | undefined)?.tokenize_response);
}

export function countByLlamaCpp(
  context: TransportContext,
  text: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  return count(context, { content: text, add_special: true, parse_special: true }, signal);
}

/** `/apply-template` gives the prompt. */
export async function countChatByLlamaCpp(
  context: TransportContext,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const answer = await ask(context, '/apply-template', { messages }, signal);
  const prompt = (answer as { prompt?: unknown } | null | undefined)?.prompt;
  return typeof prompt === 'string' ? countByLlamaCpp(context, prompt, signal) : undefined;
}

async function count(context: TransportContext, json: unknown, signal: AbortSignal): Promise<number | undefined> {
  const answer = await ask(context, '/tokenize', json, signal);
  // TGI: a list of tokens. llama.cpp: {tokens: […]}.
  return numberOfTokens(Array.isArray(answer) ? answer : (answer as { tokens?: unknown } | null | undefined)?.tokens);
}

/** Of a list of them; in a list of lists in some versions of TGI. */
function numberOfTokens(list: unknown): number | undefined {
  if (!Array.isArray(list)) return undefined;
  const tokens = list.length === 1 && Array.isArray(list[0]) ? list[0].length : list.length;
  // No prompt is nothing.
  return tokens > 0 ? tokens : undefined;
}

/** Undefined where the server does not answer with JSON. */
async function ask(context: TransportContext, path: string, json: unknown, signal: AbortSignal): Promise<unknown> {
  try {
    return await context.http.json(`${context.base}${path}`, { method: 'POST', json, signal, timeouts });
  } catch (error) {
    if (error instanceof CallFailure && error.facts.kind !== 'abort') return undefined;
    throw error;
  }
}
