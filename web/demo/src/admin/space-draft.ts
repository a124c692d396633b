/** A Space as it is typed, how it is checked (by the package's own rules), and what is sent. */
import type { JsonObject, Protocol, SpaceConfig, Tier } from 'tierwise';

import { problemOf } from '../settings/settings';
import { tierWords } from '../tiers';
import type { SpaceRow } from './rows';
import type { Problems } from './use-editor';

export interface SpaceDraft {
  name: string;
  url: string;
  endpoint: string;
  protocol: Protocol | 'auto';
  model: string;
  revision: string;
  contextWindow: string;
  /** JSON of what else a Space's options hold. */
  options: string;
}
export const protocols: readonly { value: SpaceDraft['protocol']; label: string }[] = [
  { value: 'auto', label: 'Found out' },
  { value: 'gradio', label: 'Gradio' },
  { value: 'tgi', label: 'TGI' },
  { value: 'openai', label: 'OpenAI-compatible (vLLM …)' },
  { value: 'llama.cpp', label: 'llama.cpp' },
  { value: 'plain', label: 'Plain: POST /api/generate' },
];

export function draftOf(row: SpaceRow | undefined, tier: Tier): SpaceDraft {
  const { contextWindow, ...others } = row?.options ?? {};
  return {
    name: row?.name ?? `${tierWords[tier].label} Space`,
    url: row?.url ?? '',
    endpoint: row?.endpoint ?? '/api/generate',
    protocol: row?.protocol ?? 'auto',
    model: row?.model ?? '',
    revision: row?.revision ?? '',
    contextWindow: typeof contextWindow === 'number' ? String(contextWindow) : '',
    options: Object.keys(others).length === 0 ? '' : JSON.stringify(others, undefined, 2),
  };
}

/** Undefined: it is not a JSON object. */
function optionsOf({ options, contextWindow }: SpaceDraft): JsonObject | undefined {
  try {
    const parsed = (options.trim() === '' ? {} : JSON.parse(options)) as unknown;
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return {
      ...(parsed as JsonObject),
      ...(contextWindow.trim() !== '' && { contextWindow: Number(contextWindow) }),
    };
  } catch {
    return undefined;
  }
}

/** As the client takes it; a key is the backend's business. */
export function configOf(draft: SpaceDraft): SpaceConfig {
  const text = (name: 'endpoint' | 'model' | 'revision') =>
    draft[name].trim() === '' ? {} : { [name]: draft[name].trim() };
  return {
    ...(optionsOf(draft) as Partial<SpaceConfig> | undefined),
    url: draft.url.trim(),
    ...text('endpoint'),
    ...text('model'),
    ...text('revision'),
    protocol: draft.protocol,
  };
}

export function bodyOf(draft: SpaceDraft): object {
  const orNull = (text: string) => (text.trim() === '' ? null : text.trim());
  return {
    name: draft.name.trim(),
    url: draft.url.trim(),
    endpoint: draft.endpoint.trim() === '' ? '/api/generate' : draft.endpoint.trim(),
    protocol: draft.protocol,
    model: orNull(draft.model),
    revision: orNull(draft.revision),
    options: optionsOf(draft) ?? {},
  };
}

export function checkSpace(draft: SpaceDraft, tier: Tier): Problems {
  const problems: Problems = {};
  if (draft.name.trim() === '') problems['name'] = 'Give it a name: it is shown where answers come from.';
  if (draft.url.trim() === '') problems['url'] = 'Enter the address of the Space.';
  const size = draft.contextWindow.trim();
  if (size !== '' && !/^[1-9]\d{0,7}$/.test(size))
    problems['contextWindow'] = 'Enter whole tokens, as 8192, or leave it empty.';
  if (optionsOf(draft) === undefined)
    problems['options'] = 'Enter a JSON object, as {"quota": {…}}, or leave it empty.';
  if (problems['url'] !== undefined) return problems;
  const prefix = `spaces.${tier}`;
  // What is wrong by itself is left out, so that the rest is checked too.
  const rest = {
    ...draft,
    ...(problems['options'] !== undefined && { options: '' }),
    ...(problems['contextWindow'] !== undefined && { contextWindow: '' }),
  };
  for (const [field, words] of Object.entries(problemOf({ spaces: { [tier]: configOf(rest) } }))) {
    const name = field.startsWith(`${prefix}.`) ? (field.slice(prefix.length + 1).split('.')[0] ?? '') : 'options';
    problems[name in draft ? name : 'options'] ??=
      name in draft ? words : `${field.slice(prefix.length + 1)}: ${words}`;
  }
  return problems;
}
