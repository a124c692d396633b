/**
 * What `forget` may be told. A misspelt or malformed field is refused: left out of the selector it would make `forget`
 * delete more than was meant, at worst everything.
 */
import { resolvePartition } from './config.js';
import { ConfigError } from './errors.js';
import {
  boolean,
  check,
  demand,
  isText,
  listOf,
  notNegative,
  oneOf,
  requireObject,
  type Shape,
  text,
} from './shape.js';
import { tiers } from './types.js';

/** Throws `ConfigError` naming the field. */
export function requireSelector(selector: unknown): void {
  requirePlain(selector, 'selector', '');
  check(selector, (shape ??= makeShape()), '');
}

/** A Map or a promise has no fields to see, and what is undefined was meant to be something. */
function requirePlain(value: unknown, whole: string, prefix: string): void {
  const object = requireObject(value, whole);
  const prototype: unknown = Object.getPrototypeOf(object);
  // Also of another realm (a frame).
  demand(prototype === null || Object.getPrototypeOf(prototype) === null, whole, 'a plain object');
  for (const [key, inner] of Object.entries(object))
    if (inner === undefined && key !== 'dryRun')
      throw new ConfigError(prefix + key, 'is undefined. Leave it out to forget whatever it is.');
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
    if (value === 'all') return;
    requirePlain(value, field, `${field}.`);
    resolvePartition(value, field);
  },
  dryRun: boolean,
});
