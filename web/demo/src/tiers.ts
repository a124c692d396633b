/** What the four tiers are called and for, in their one order. */
import type { Tier } from 'tierwise';

export const tierOrder: readonly Tier[] = ['base', 'company', 'abstraction', 'user'];

export const tierWords: Record<Tier, { label: string; use: string }> = {
  base: { label: 'Base', use: 'General questions, and what answers when no other tier can.' },
  company: { label: 'Company', use: 'Knowledge and terms of one company.' },
  abstraction: { label: 'Abstraction', use: 'Reasoning, planning and strategy.' },
  user: { label: 'User', use: 'A model made for one person.' },
};

/** `space:base` → "base Space"; `openai` → "OpenAI-compatible". */
export function targetName(target: string): string {
  if (target.startsWith('space:')) return `${target.slice(6)} Space`;
  return { openai: 'OpenAI-compatible', router: 'HF router', mock: 'Mock' }[target] ?? target;
}

export function targetTier(target: string): Tier | undefined {
  const tier = target.startsWith('space:') ? target.slice(6) : '';
  return tierOrder.find((known) => known === tier);
}
