/**
 * The canonical text of a request for the exact cache; the core hashes it (SHA-256) inside the partition.
 * Two requests share a key only when they would be the same call: provider kind, configured address, endpoint, model
 * and revision, every message (normalised by `normaliseForKey`) and every parameter, object keys sorted.
 * Only configured references stand in it, never what must first be fetched, and never a token.
 */
import type { ResolvedConfig } from './config.js';
import { normaliseForKey } from './text.js';
import type { ModelRequest } from './transports/transport.js';
import type { Json, JsonObject, Tier } from './types.js';

const format = 1;

/** The part every target of a request shares. */
export function requestKey(request: ModelRequest): string {
  const { maxTokens, temperature, topP, seed, stop, extra } = request.parameters;
  const messages = request.messages.map(({ role, content }) => [role, normaliseForKey(content)]);
  const parts: unknown[] = [messages, maxTokens, temperature, topP, seed, stop, sorted(extra)];
  if (request.documents !== undefined) parts.push(request.documents);
  // In a list, JSON has null for what is undefined.
  return JSON.stringify(parts);
}

/** The part that tells targets apart. A configuration never changes: another one takes its place. */
export function targetKey(target: string, config: ResolvedConfig): string {
  let keys = keysOf.get(config);
  if (keys === undefined) keysOf.set(config, (keys = new Map<string, string>()));
  let key = keys.get(target);
  if (key === undefined) keys.set(target, (key = made(target, config)));
  return key;
}
const keysOf = new WeakMap<ResolvedConfig, Map<string, string>>();

function made(target: string, config: ResolvedConfig): string {
  if (target.startsWith('space:')) {
    const space = config.spaces[target.slice('space:'.length) as Tier];
    return JSON.stringify([
      format,
      'space',
      space?.url,
      space?.endpoint,
      space?.protocol ?? 'auto',
      space?.model,
      space?.revision,
      sorted(space?.inputs),
      space?.template,
      space?.contextWindow,
      sorted(space?.templateVariables),
      sorted(config.prompts as JsonObject),
    ]);
  }
  const provider = config.providers[target as 'openai' | 'router'];
  return JSON.stringify([
    format,
    target,
    provider?.baseUrl,
    provider?.model,
    provider?.contextWindow,
    sorted(config.prompts as JsonObject),
  ]);
}

function sorted(value: Json | undefined): unknown {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as JsonObject;
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, sorted(object[key])]),
  );
}
