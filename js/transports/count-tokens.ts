/**
 * Exact token counts from servers that offer them: TGI's and llama.cpp's `POST /tokenize`. Undefined where the server
 * has no such route or does not answer with tokens: then the estimate has to do. The number counts what the server
 * would read: special tokens are recognised, and the one it puts before a prompt is counted.
 */
import { CallFailure } from './call-failure.js';
import type { TransportContext } from './transport.js';

const timeouts = { firstChunk: 10_000, stall: 10_000 };

export function countByTgi(context: TransportContext, text: string, signal: AbortSignal): Promise<number | undefined> {
  return count(context, { inputs: text, add_special_tokens: true }, signal);
}

export function countByLlamaCpp(
  context: TransportContext,
  text: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  return count(context, { content: text, add_special: true, parse_special: true }, signal);
}

async function count(context: TransportContext, json: unknown, signal: AbortSignal): Promise<number | undefined> {
  try {
    const answer = await context.http.json(`${context.base}/tokenize`, { method: 'POST', json, signal, timeouts });
    // TGI: a list of tokens; in a list of lists in some versions. llama.cpp: {tokens: […]}.
    const list: unknown = Array.isArray(answer) ? answer : (answer as { tokens?: unknown } | null)?.tokens;
    if (!Array.isArray(list)) return undefined;
    const tokens = list.length === 1 && Array.isArray(list[0]) ? list[0].length : list.length;
    // No prompt is nothing.
    return tokens > 0 ? tokens : undefined;
  } catch (error) {
    if (error instanceof CallFailure && error.facts.kind !== 'abort') return undefined;
    throw error;
  }
}
