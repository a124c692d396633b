/**
 * Which function of a Gradio app answers: the one the caller's `endpoint` names, or the listed one that looks most
 * like a text endpoint. Names may be written `chat`, `/chat`, `/api/chat`, `/call/chat`, `/run/chat`, or be a number
 * (`fn_index`). Failures are `CallFailure` `protocol` with the names to choose from.
 */
import { CallFailure } from './call-failure.js';
import type { GradioConfig, GradioDependency } from './gradio-config.js';
import { findRoles, visibleInputs, type InputMapping } from './gradio-inputs.js';

/** Names of answering functions, likeliest first. ChatInterface: `chat` on 4 and 5, the function's name on 6. */
const likely = [
  /^chat$/,
  /^generate$/,
  /^(respond|answer|ask|reply|bot)$/,
  /^(generate|chat|complete|infer|ask|answer|respond|predict)/,
  /^(predict|run|submit|infer|inference|process|query|main)$/,
  /(generate|chat|answer|respond|predict|complet)/,
];
const unlikely =
  /^(lambda|unnamed|_|js_)|(clear|undo|retry|regenerate|reset|flag|upload|delete|remove|load|save|vote|like|copy|stop|toggle|update|count|example|feedback|log(in|out))|^(user|add_text|add_message|add_user)/;
const textOutputs = new Set([
  'chatbot',
  'textbox',
  'text',
  'markdown',
  'json',
  'code',
  'html',
  'api',
  'highlightedtext',
]);

export function findEndpoint(
  config: GradioConfig,
  wanted: string | undefined,
  mapping?: InputMapping,
): GradioDependency {
  return wanted === undefined ? likeliest(config, mapping) : named(config, wanted);
}

function named({ dependencies }: GradioConfig, wanted: string): GradioDependency {
  const name = wanted.replace(/^\/+|\/+$/g, '');
  const short = name.replace(/^(?:gradio_api\/)?(?:call\/v2|call|run|api)\//, '');
  const found =
    dependencies.find((dependency) => dependency.apiName === name) ??
    dependencies.find((dependency) => dependency.apiName === short) ??
    (/^\d+$/.test(name) ? dependencies.find((dependency) => dependency.id === Number(name)) : undefined);
  if (found !== undefined) return found;
  throw new CallFailure({
    kind: 'protocol',
    message: `This Space has no endpoint ${JSON.stringify(wanted)}. ${choices(dependencies)}`,
  });
}

function likeliest({ dependencies }: GradioConfig, mapping: InputMapping | undefined): GradioDependency {
  let best: GradioDependency | undefined;
  let bestScore = 0;
  const listed = dependencies.filter((dependency) => dependency.listed);
  for (const dependency of listed) {
    const score = rate(dependency, mapping);
    if (score > bestScore) [best, bestScore] = [dependency, score];
  }
  if (best !== undefined) return best;
  throw new CallFailure({
    kind: 'protocol',
    message: `None of this Space's endpoints takes a text and returns one. ${choices(dependencies)}`,
  });
}

/** 0: cannot answer. */
function rate(dependency: GradioDependency, mapping: InputMapping | undefined): number {
  const inputs = visibleInputs(dependency);
  const roles = findRoles(inputs, usable(mapping, inputs.length));
  if (roles.prompt === undefined && roles.history === undefined) return 0;
  if (!dependency.outputs.some((output) => !output.hidden)) return 0;
  const name = (dependency.apiName ?? '').toLowerCase();
  const place = likely.findIndex((pattern) => pattern.test(name));
  let score = place < 0 ? 20 : 30 - place;
  if (unlikely.test(name)) score -= 15;
  if (dependency.outputs.some((output) => textOutputs.has(output.type))) score += 20;
  if (roles.prompt !== undefined) score += 5;
  // The more of the request it takes, the more it is made for one.
  return score + (roles.system ? 1 : 0) + (roles.maxTokens ? 1 : 0) + (roles.temperature ? 1 : 0);
}

/** Names in the mapping are checked later, when parameter names are known. */
function usable(mapping: InputMapping | undefined, count: number): InputMapping {
  const entries = Object.entries(mapping ?? {});
  return Object.fromEntries(entries.filter(([, place]) => typeof place === 'number' && place < count));
}

function choices(dependencies: readonly GradioDependency[]): string {
  const names = dependencies.flatMap(({ listed, apiName }) => (listed && apiName !== undefined ? [`/${apiName}`] : []));
  if (names.length === 0) return 'It lists no endpoint: its author must set api_name on the function to call.';
  return `Set endpoint to one of: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}.`;
}
