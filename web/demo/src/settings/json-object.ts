/** Kept JSON as an object, or an empty one when it is anything else. */
import type { Json, JsonObject } from 'tierwise';

export function jsonObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
