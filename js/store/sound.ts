/**
 * What was stored, or said by another tab, read with suspicion: any script of this origin can have written it, and so
 * can another version of this package. What does not hold its shape never reaches the cache.
 */
import type { ForgetRequest } from '../core-types.js';
import { type Tier, tiers } from '../types.js';
import type { CacheRecord, RemoteChange } from './store.js';

export const recordFormat = 1;

export interface StoredRecord extends CacheRecord {
  format: number;
}
/** What was forgotten, and when. */
export interface Tombstone {
  selector: ForgetRequest;
  at: number;
}

export function isNewer(value: unknown): boolean {
  const format = (value as { format?: unknown } | null)?.format;
  return typeof format === 'number' && format > recordFormat;
}

export function isSound(value: unknown): value is StoredRecord {
  return isObject(value) && value['format'] === recordFormat && isRecord(value) && isReply(value['reply']);
}

export function isTombstone(value: unknown): value is Tombstone {
  return isObject(value) && isFinite(value['at']) && isSelector(value['selector']);
}

export function isChange(value: unknown): value is RemoteChange {
  if (!isObject(value)) return false;
  switch (value['type']) {
    case 'put':
      return isObject(value['record']) && isRecord(value['record']);
    case 'removed':
      return isListOf(value['ids'], isId);
    case 'forget':
      return isTombstone(value);
    case 'setting':
      return typeof value['key'] === 'string';
    default:
      return false;
  }
}

function isRecord(record: Record<string, unknown>): boolean {
  return (
    isId(record['id']) &&
    isId(record['partition']) &&
    tiers.includes(record['tier'] as Tier) &&
    isText(record['target']) &&
    isText(record['prompt']) &&
    isListOf(record['tags'], isText) &&
    isFinite(record['storedAt']) &&
    isFinite(record['lastUsedAt']) &&
    isFinite(record['hits']) &&
    isFinite(record['bytes']) &&
    isAbsentOr(isFinite, record['ttlMs'])
  );
}

function isReply(reply: unknown): boolean {
  return (
    isObject(reply) &&
    isText(reply['content']) &&
    isText(reply['id']) &&
    isText(reply['finishReason']) &&
    isText(reply['source']) &&
    isAbsentOr(isText, reply['model']) &&
    isAbsentOr(isFinite, reply['cost']) &&
    isObject(reply['usage']) &&
    isFinite(reply['usage']['inputTokens']) &&
    isFinite(reply['usage']['outputTokens']) &&
    isAbsentOr((files) => isListOf(files, isFile), reply['files'])
  );
}

/** As transports give them: an address that can be shown safely. */
function isFile(file: unknown): boolean {
  return (
    isObject(file) &&
    isText(file['url']) &&
    /^(https?:|data:(image|audio|video)\/)/i.test(file['url']) &&
    isAbsentOr(isText, file['name']) &&
    isAbsentOr(isText, file['mimeType']) &&
    isAbsentOr(isFinite, file['size'])
  );
}

function isSelector(selector: unknown): boolean {
  return (
    isObject(selector) &&
    isAbsentOr((ids) => isListOf(ids, isId), selector['ids']) &&
    ['tag', 'tier', 'target'].every((name) => isAbsentOr(isText, selector[name])) &&
    isAbsentOr(isFinite, selector['before']) &&
    isAbsentOr(isId, selector['partition'])
  );
}

function isId(value: unknown): boolean {
  return isText(value) && /^[0-9a-f]{64}$/.test(value);
}
function isText(value: unknown): value is string {
  return typeof value === 'string';
}
function isFinite(value: unknown): boolean {
  return Number.isFinite(value);
}
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
function isListOf(value: unknown, holds: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(holds);
}
function isAbsentOr(holds: (value: unknown) => boolean, value: unknown): boolean {
  return value === undefined || holds(value);
}
