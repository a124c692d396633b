/**
 * Values from outside (configuration, options) against a table of what they must be. Whatever does not fit is a
 * `ConfigError` that names the field (`spaces.base.quota.perMinute`) and says what it must be. `undefined` is absent
 * and always fits; fields that are not in the table are refused.
 */
import { ConfigError } from './errors.js';
import type { Json, JsonObject } from './types.js';

export type Check = (value: unknown, field: string) => void;
/** An object of shapes describes an object with these fields and no others. */
export type Shape = Check | { readonly [field: string]: Shape };

/** `field` is empty for the whole, which `whole` then names. */
export function check(value: unknown, shape: Shape, field: string, whole = field): void {
  if (typeof shape === 'function') {
    shape(value, field);
    return;
  }
  for (const [key, inner] of Object.entries(requireObject(value, whole))) {
    const name = field === '' ? key : `${field}.${key}`;
    const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (known === undefined)
      throw new ConfigError(name, `is not known here; known are ${Object.keys(shape).join(', ')}.`);
    if (inner !== undefined) check(inner, known, name);
  }
}

export function requireObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError(field, 'must be an object.');
  return value as Record<string, unknown>;
}

/** `what` completes "must be …". */
export function must(what: string, holds: (value: unknown) => boolean): Check {
  return (value, field) => demand(holds(value), field, what);
}
export function demand(holds: boolean, field: string, what: string): asserts holds {
  if (!holds) throw new ConfigError(field, `must be ${what}.`);
}

// Functions, not `must(…)`: nothing is called while the module loads, so all of it can be shaken off.
export const anything: Check = () => undefined;
export const anyText: Check = (value, field) => demand(isText(value), field, 'a string');
export const text: Check = (value, field) => demand(isText(value) && value.trim() !== '', field, 'a non-empty string');
export const boolean: Check = (value, field) => demand(typeof value === 'boolean', field, 'true or false');
export const booleanOrAll: Check = (value, field) =>
  demand(typeof value === 'boolean' || value === 'all', field, "true, false or 'all'");
export const number: Check = (value, field) => demand(typeof value === 'number', field, 'a number');
export const callable: Check = (value, field) => demand(isFunction(value), field, 'a function');
export const positive: Check = (value, field) => demand(isFinite(value) && value > 0, field, 'a number greater than 0');
export const notNegative: Check = (value, field) =>
  demand(isFinite(value) && value >= 0, field, 'a number of at least 0');

export function wholeFrom(least: number, most: number): Check {
  return numberFrom(least, most, 'whole ');
}
export function numberFrom(least: number, most: number, whole = ''): Check {
  return must(
    `a ${whole}number from ${String(least)} to ${String(most)}`,
    (value) => isFinite(value) && value >= least && value <= most && (whole === '' || Number.isInteger(value)),
  );
}
export function oneOf(...allowed: readonly string[]): Check {
  return must(`one of ${allowed.join(', ')}`, (value) => allowed.includes(value as string));
}
export function listOf(what: string, holds: (entry: unknown) => boolean, most = Infinity): Check {
  return must(
    `a list of ${what}`,
    // `every` passes over holes; to `includes` they are undefined.
    (value) => Array.isArray(value) && value.length <= most && !value.includes(undefined) && value.every(holds),
  );
}
/** The shape, or `false` to switch it off. */
export function orFalse(shape: Shape): Check {
  return (value, field) => {
    if (value !== false) check(value, shape, field);
  };
}

/** A copy as it would be sent, which no later change of the caller's objects reaches. */
export function jsonCopy(
  value: unknown,
  field: string,
  most = Infinity,
  replace?: (key: string, inner: unknown) => unknown,
): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, replace);
  } catch {
    // Said below.
  }
  if (text === undefined) throw new ConfigError(field, 'must hold JSON values only, without cycles.');
  if (text.length > most) throw new ConfigError(field, `is larger than ${String(most)} bytes as JSON.`, 'too-large');
  return JSON.parse(text) as Json;
}
/** For `jsonCopy`: refuses what JSON would leave out or make null of. */
export function jsonOnly(_key: string, value: unknown): unknown {
  const kind = Object.prototype.toString.call(value);
  demand(Number.isFinite(value) || / (?:Array|Boolean|Null|Object|String|Undefined)]/.test(kind), '', '');
  return value;
}
export function jsonObject(value: unknown, field: string, most?: number): JsonObject {
  return requireObject(jsonCopy(value, field, most), field) as JsonObject;
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
export function isText(value: unknown): value is string {
  return typeof value === 'string';
}
function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}
