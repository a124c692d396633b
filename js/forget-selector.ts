/**
 * What `forget` may be told. A misspelt or malformed field is refused: left out of the selector it would make `forget`
 * delete more than was meant, at worst everything.
 */
import { resolvePartition } from './config.js';
import { ConfigError } from './errors.js';
import { boolean, check, isText, listOf, notNegative, oneOf, type Shape, text } from './shape.js';
import { tiers } from './types.js';

/** Throws `ConfigError` naming the field. */
export function requireSelector(selector: unknown): void {
  check(selector, (shape ??= makeShape()), '', 'selector');
  for (const field of ['replyId', 'ids', 'tag', 'tier', 'target', 'olderThan']) {
    if (Object.hasOwn(selector as object, field) && (selector as Record<string, unknown>)[field] === undefined)
      throw new ConfigError(field, 'is undefined. Leave it out to forget whatever it is.');
  }
}

let shape: Shape | undefined;
const makeShape = (): Shape => ({
  replyId: text,
  ids: listOf('ids', isText),
  tag: text,
  tier: oneOf(...tiers),
  target: text,
  olderThan: notNegative,
  partition: (value, field) => {
    if (value !== 'all') resolvePartition(value, field);
  },
  dryRun: boolean,
});
