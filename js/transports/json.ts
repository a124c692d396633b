/** Reading JSON of servers: narrow types, and text that is almost JSON. */
import type { Json, JsonObject } from '../types.js';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Array.isArray`, without the `any` it narrows JSON to. */
export function isList(value: unknown): value is Json[] {
  return Array.isArray(value);
}

/**
 * JSON as Python writes it: bare `NaN`, `Infinity` and `-Infinity` outside of strings are read as `null`.
 * Throws `SyntaxError` as `JSON.parse` does.
 */
export function parsePythonJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    // A string that does not end is taken whole: beginning anew at each of its quotes would take for ever.
    const strict = text.replace(/"(?:[^"\\]|\\[^])*(?:"|\\?$)|-?\bInfinity\b|\bNaN\b/g, (token) =>
      token.startsWith('"') ? token : 'null',
    );
    return JSON.parse(strict) as Json;
  }
}
