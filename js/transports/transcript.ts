/**
 * A conversation as one text, for servers and endpoints that take a prompt instead of messages and have no chat
 * template of their own. A single user message goes as it is. Anything longer is one paragraph per message: the
 * system text that opens it bare, then `User: …`, `Assistant: …`, `Tool: …`, `System: …`, and last a bare
 * `Assistant:` to go on from, unless the assistant's turn is already open. Contents are not escaped: who writes
 * `Assistant:` is taken at their word.
 */
import type { Message } from '../types.js';

const labels = { user: 'User', assistant: 'Assistant', tool: 'Tool', system: 'System' } as const;

export function transcript(messages: readonly Message[]): string {
  const only = messages[0];
  if (messages.length === 1 && only?.role === 'user') return only.content;
  const turns = messages.map(({ role, content }, index) =>
    index === 0 && role === 'system' ? content : `${labels[role]}: ${content}`,
  );
  const told = turns.join('\n\n');
  return messages.at(-1)?.role === 'assistant' ? told : `${told}\n\nAssistant:`;
}
