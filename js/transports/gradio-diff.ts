/**
 * Gradio's streaming diffs (`sse_v2` and later): the first `process_generating` of a job carries whole outputs, each
 * later one an edit list per output, `[[action, path, value], …]`, applied in order.
 * Semantics as in gradio/client/js/src/utils/stream.ts:
 *
 *   action    path []          path ends in a list index   path ends in a key
 *   replace   becomes value    a[i] = v                    o[k] = v
 *   append    root + v         a[i] += v                   o[k] += v            (strings)
 *   add       error            insert before i             o[k] = v
 *   delete    error            remove i                    delete o[k]
 *
 * Lists and objects are edited in place. Servers are not trusted: only own properties are walked, and an edit that
 * does not fit throws `DiffError`, after which the value is of no use.
 */
import type { Json } from '../types.js';
import { isList, isObject } from './json.js';

/** Entries an insertion may move: a server could otherwise keep the page busy with moving a long list about. */
const mostMoved = 10_000;

export class DiffError extends Error {
  override name = 'DiffError';
}

export function applyDiff(target: Json, edits: Json): Json {
  if (!isList(edits)) throw new DiffError('an edit list is not a list');
  let root = target;
  for (const edit of edits) {
    if (!isList(edit)) throw new DiffError('an edit is not a list');
    const [action, path, value = null] = edit;
    if (!isList(path)) throw new DiffError('an edit has no path');
    root = applyEdit(root, action, path, value);
  }
  return root;
}

/** The text a pure append of one string adds, the commonest case by far; otherwise undefined. */
export function appendedText(edits: Json): string | undefined {
  if (!isList(edits) || edits.length !== 1) return undefined;
  const [edit] = edits;
  if (!isList(edit) || edit[0] !== 'append') return undefined;
  const [, path, value] = edit;
  return isList(path) && path.length === 0 && typeof value === 'string' ? value : undefined;
}

function applyEdit(root: Json, action: Json | undefined, path: Json[], value: Json): Json {
  if (path.length === 0) {
    if (action === 'replace') return value;
    if (action === 'append') return appendTo(root, value);
    throw new DiffError(`${shown(action)} of the whole value`);
  }
  let parent = root;
  for (const step of path.slice(0, -1)) parent = child(parent, step);
  const last = path.at(-1) ?? null;
  if (isList(parent)) editList(parent, action, last, value);
  else if (isObject(parent) && (typeof last === 'string' || typeof last === 'number')) {
    const key = String(last);
    if (action === 'replace' || action === 'add') setOwn(parent, key, value);
    else if (action === 'append') setOwn(parent, key, appendTo(child(parent, key), value));
    else if (action === 'delete') Reflect.deleteProperty(parent, key);
    else throw new DiffError(`unknown action ${shown(action)}`);
  } else throw new DiffError('a path leads into a plain value');
  return root;
}

function editList(list: Json[], action: Json | undefined, index: Json, value: Json): void {
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > list.length) {
    throw new DiffError(`no place ${shown(index)} in a list of ${String(list.length)}`);
  }
  if (list.length - index > mostMoved && (action === 'add' || action === 'delete')) {
    throw new DiffError(`an edit far from the end of a list of ${String(list.length)}`);
  }
  if (action === 'add') {
    list.splice(index, 0, value);
    return;
  }
  if (index === list.length) throw new DiffError(`no element ${String(index)}`);
  if (action === 'replace') list[index] = value;
  else if (action === 'append') list[index] = appendTo(list[index] ?? null, value);
  else if (action === 'delete') list.splice(index, 1);
  else throw new DiffError(`unknown action ${shown(action)}`);
}

function child(parent: Json, step: Json): Json {
  if (isList(parent) && typeof step === 'number') {
    const value = parent[step];
    if (value !== undefined) return value;
  } else if (isObject(parent) && (typeof step === 'string' || typeof step === 'number')) {
    const key = String(step);
    if (Object.hasOwn(parent, key)) return parent[key] ?? null;
  }
  throw new DiffError(`nothing at ${shown(step)}`);
}

function appendTo(value: Json, more: Json): Json {
  if (typeof value === 'string' && typeof more === 'string') return value + more;
  throw new DiffError('append to something that is not text');
}

function setOwn(parent: { [key: string]: Json | undefined }, key: string, value: Json): void {
  if (key === '__proto__') throw new DiffError('forbidden key');
  parent[key] = value;
}

function shown(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : typeof value;
}
