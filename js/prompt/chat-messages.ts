/**
 * A caller's messages -> what the core takes (`wasm/prompt/chat.h`): each checked, wherever it stands, with the field
 * named; parts joined by line ends, `developer` taken for `system`. And of a long history only what may stay.
 */
import { ConfigError } from '../errors.js';
import { demand, jsonCopy, requireObject } from '../shape.js';
import { isList, isObject } from '../transports/json.js';
import type { JsonObject } from '../types.js';

/** As the core takes it. */
export type CoreMessage = JsonObject;

/** UTF-16 units of all contents: each takes up to nine bytes while it is read. */
const mostContent = 16 * 1024 * 1024;
/** As kBytesThatMayFit of `wasm/prompt/budget.h`: histories of fewer are rendered whole first. */
const bytesThatMayFit = 8;
/** Of the newest messages; most texts have fewer for each token that is reckoned with. */
const bytesSent = 6;
const roles: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool'];

/** Throws `ConfigError`. */
export function readMessages(messages: unknown): CoreMessage[] {
  demand(isList(messages) && messages.length > 0, 'messages', 'a list of at least one message');
  let size = 0;
  const read: CoreMessage[] = [];
  // Not `map`: it passes over holes.
  for (let i = 0; i < messages.length; i++) {
    const message = readMessage(messages[i], i);
    read.push(message);
    size += contentSize(message);
  }
  if (size > mostContent)
    throw new ConfigError('messages', `must be at most ${String(mostContent)} UTF-16 units of text.`, 'too-large');
  return read;
}

/**
 * Without those that a prompt of `limit` tokens has no room for, if they are of ordinary text: a number says how many are
 * missing at its place. Where there is room, the core asks for all of them.
 */
export function newest(messages: readonly CoreMessage[], limit: number): (CoreMessage | number)[] {
  let question = messages.length - 1;
  while (question > 0 && messages[question]!['role'] !== 'user') question--;
  // UTF-8 has at least as many bytes as UTF-16 has units.
  const size = messages.reduce((sum, message) => sum + contentSize(message), 0);
  if (messages[question]!['role'] !== 'user' || size <= limit * bytesThatMayFit) return [...messages];
  const kept: (CoreMessage | number)[] = [];
  let sent = 0;
  let missing = 0;
  const close = () => {
    if (missing > 0) kept.push(missing);
    missing = 0;
  };
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!;
    if (i < question && message['role'] !== 'system' && sent > limit * bytesSent) {
      missing++;
      continue;
    }
    close();
    kept.push(message);
    sent += contentSize(message);
  }
  close();
  return kept.reverse();
}

function contentSize({ content }: CoreMessage): number {
  return typeof content === 'string' ? content.length : 0;
}

function readMessage(value: unknown, index: number): CoreMessage {
  const field = (rest = '') => `messages[${String(index)}]${rest}`;
  if (!isObject(value)) demand(false, field(), 'an object with a role and content');
  const message = once(value, field());
  const { role, content } = message;
  if (!roles.includes(role)) demand(false, field('.role'), `one of ${roles.join(', ')}`);
  const calls = message['tool_calls'] ?? [];
  if (!isList(calls)) demand(false, field('.tool_calls'), 'a list');
  for (let i = 0; i < calls.length; i++) {
    const called = (calls[i] as { function?: { name?: unknown } } | null | undefined)?.function?.name;
    if (typeof called !== 'string') demand(false, field(`.tool_calls[${String(i)}].function.name`), 'a string');
  }
  const text = isList(content) ? joined(content, field('.content')) : content;
  const says = typeof text === 'string' && !text.includes('\0');
  if (!says && !((text ?? undefined) === undefined && role === 'assistant' && calls.length > 0))
    demand(false, field('.content'), 'a string without NUL, or a list of text parts');
  if (text === content && role !== 'developer') return message as CoreMessage;
  return {
    ...(message as CoreMessage),
    role: role === 'developer' ? 'system' : (role as string),
    content: text as string,
  };
}

/** A copy: what is sent is what was checked, whatever getters and `toJSON` say when they are asked again. */
function once(value: Record<string, unknown>, field: string): Record<string, unknown> {
  const { role, content, toJSON } = value;
  const names = Object.keys(value);
  if (typeof content === 'string' && typeof toJSON !== 'function' && names.length === 2 && names.includes('role'))
    return { role, content };
  return requireObject(jsonCopy(value, field), field);
}

function joined(parts: readonly unknown[], field: string): string {
  const texts: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as { type?: unknown; text?: unknown } | null | undefined;
    if (part?.type !== 'text' || typeof part.text !== 'string')
      demand(false, `${field}[${String(i)}]`, "{ type: 'text', text }: a prompt is text alone");
    texts.push(part.text);
  }
  return texts.join('\n');
}
