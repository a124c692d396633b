import type { Tier } from './types.js';

const spacePrefix = 'space:';

/** How messages name a target, as in `wasm/route/name.cpp`. */
export function targetName(target: string): string {
  const tier = tierOf(target);
  if (tier !== undefined) return `${tier} Space`;
  if (target === 'router') return 'Hugging Face router';
  if (target === 'openai') return 'OpenAI-compatible provider';
  return target === 'mock' ? 'mock provider' : target;
}

/** Of a Space (`space:company`); undefined for providers. */
export function tierOf(target: string): Tier | undefined {
  return target.startsWith(spacePrefix) ? (target.slice(spacePrefix.length) as Tier) : undefined;
}
