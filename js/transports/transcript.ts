/**
 * A conversation as one text, for servers that take a prompt instead of messages and have no chat template of their
 * own. A single user message goes as it is; anything longer is labelled, and ends where the assistant's turn begins.
 */
import type { Message } from '../types.js';

const labels = { user: 'User', assistant: 'Assistant', tool: 'Tool', system: 'System' } as const;

export function transcript(messages: readonly Message[]): string {
  const only = messages[0];
  if (messages.length === 1 && only?.role === 'user') return only.content;
  const turns = messages.map(({ role, content }, index) =>
    index === 0 && role === 'system' ? content : `${labels[role]}: ${content}`,
  );
  return `${turns.join('\n\n')}\n\nAssistant:`;
}
