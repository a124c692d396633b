/**
 * Which requests step 4 of a client is asked for, under which policy, and what of them must be the same: all but the question.
 */
import { requestKey } from '../cache-key.js';
import type { Core } from '../core.js';
import type { ModelRequest } from '../transports/transport.js';
import type { JsonObject, SemanticConfig, SemanticOptions, SemanticPolicy, Tier } from '../types.js';

/** Undefined: off. */
export function semanticOptions(
  config: SemanticConfig,
  tier: Tier,
  own: SemanticPolicy | SemanticOptions | undefined,
): { policy: SemanticPolicy; least: number | undefined } | undefined {
  let policy: SemanticPolicy = 'strict';
  let least: number | undefined;
  for (const given of [config, config.tiers?.[tier], own]) {
    const options = typeof given === 'string' ? { policy: given } : given;
    // A policy brings its own threshold.
    if (options?.policy !== undefined) [policy, least] = [options.policy, undefined];
    least = options?.least ?? least;
  }
  return policy === 'off' ? undefined : { policy, least };
}

/** Whether it is on for any request. Where it is not, nothing is loaded, and no request can switch it on. */
export function mayAnswer(config: SemanticConfig): boolean {
  return config.policy !== 'off' || Object.keys(config.tiers ?? {}).length > 0;
}

/** The canonical text of all of a request but its question: see cache-key.ts. */
export function scopeKey(
  request: ModelRequest,
  facts: JsonObject | undefined,
  irrelevant: readonly string[] | undefined,
  core: Core,
): string {
  let messages = request.messages.slice(0, -1);
  let differs = '';
  const { contextBlock } = request;
  if (irrelevant !== undefined && irrelevant.length > 0 && facts !== undefined && contextBlock !== undefined) {
    // Replies of a time when other fields might differ are not for now.
    differs = JSON.stringify([...irrelevant].sort());
    const kept = Object.entries(facts).filter(([name]) => !irrelevant.includes(name));
    const [first] = messages;
    // It ends the first message.
    const content = first!.content.slice(0, -contextBlock.length);
    messages = [
      { role: 'system', content: content + core.contextBlock(Object.fromEntries(kept)) },
      ...messages.slice(1),
    ];
  }
  return `scope ${differs}\n${requestKey({ ...request, messages })}`;
}

/** Of the conversation's user. */
export function turnsOf(request: ModelRequest): number {
  return request.messages.filter(({ role }) => role === 'user').length;
}
