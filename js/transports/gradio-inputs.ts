/**
 * Which input of a Gradio function receives which part of a request, and the positional `data` list that results.
 *
 * Roles are found in this order: the caller's explicit mapping; names (the function's parameter name as `/info` tells
 * it, then the label); types (the first chatbot is the history, the first text input the prompt); position (the first
 * input is the prompt). Numbers are never guessed by type: an unnamed slider may mean anything.
 * Inputs without a role keep the value the page shows (`props.value`); State and other hidden inputs get `null`.
 * `maxTokens` and `temperature` are brought within the bounds of their slider, since Gradio 5 and 6 refuse others.
 */
import type { GradioRole, Json, JsonObject, Message } from '../types.js';
import { CallFailure } from './call-failure.js';
import type { GradioComponent, GradioDependency } from './gradio-config.js';
import { isList, isObject } from './json.js';
import { transcript } from './transcript.js';
import type { ModelRequest } from './transport.js';

export interface GradioInput {
  component: GradioComponent;
  /** Place in `data`. */
  place: number;
  /** Name of the function's parameter, when known. */
  parameter: string | undefined;
  label: string | undefined;
}
export type InputRoles = Partial<Record<GradioRole, GradioInput>>;
export type InputMapping = Partial<Record<GradioRole, string | number>>;

const textTypes = new Set(['textbox', 'multimodaltextbox', 'text', 'code', 'markdown', 'api']);
const numberTypes = new Set(['slider', 'number', 'api']);
const historyTypes = new Set(['chatbot', 'json', 'api', 'textbox', 'text']);

const accepts: Record<GradioRole, ReadonlySet<string>> = {
  prompt: textTypes,
  system: textTypes,
  history: historyTypes,
  maxTokens: numberTypes,
  temperature: numberTypes,
};

/** Over names in snake case. The first pattern that meets a free input of a fitting type wins. */
const names: Record<GradioRole, readonly RegExp[]> = {
  system: [/(^|_)sys(tem)?(_|$)/, /^(instructions|preamble|pre_?prompt)$/],
  history: [/^(chat_)?history$/, /(^|_)(history|messages|conversation|dialog(ue)?)(_|$)/],
  maxTokens: [
    /(^|_)max(imum)?_(new_|output_|completion_|generated_)*(tokens?|len(gth)?)(_|$)/,
    /^(n_predict|num_predict|(num|number_of)_(new_)?tokens|tokens)$/,
  ],
  temperature: [/(^|_)temp(erature)?(_|$)/],
  prompt: [
    /^(prompt|message)$/,
    /^(user|your|input|text)_(prompt|message|question|query|input|text)$/,
    /^(question|query|instruction|input|inputs|text|msg|content)$/,
    /^(?!.*negative).*(prompt|message|question|query)/,
  ],
};
/** The prompt comes last, so that `system_prompt` is not taken for one. */
const order: readonly GradioRole[] = ['system', 'history', 'maxTokens', 'temperature', 'prompt'];

/** The inputs a person sees on the API page, with parameter names when `/info` listed as many. */
export function visibleInputs(dependency: GradioDependency, parameters?: readonly string[]): GradioInput[] {
  const visible = dependency.inputs.flatMap((component, place) => (component.hidden ? [] : [{ component, place }]));
  const named = parameters !== undefined && parameters.length === visible.length;
  return visible.map((input, index) => {
    const label = input.component.props['label'];
    return {
      ...input,
      parameter: named ? parameters[index] : undefined,
      label: typeof label === 'string' && label !== '' ? label : undefined,
    };
  });
}

/** The parameter names of one function, from `/info`. */
export function parameterNames(info: unknown, apiName: string): string[] | undefined {
  const endpoints = isObject(info) ? info['named_endpoints'] : undefined;
  const endpoint = isObject(endpoints) ? endpoints[`/${apiName}`] : undefined;
  const parameters = isObject(endpoint) ? endpoint['parameters'] : undefined;
  if (!isList(parameters)) return undefined;
  return parameters.map((entry) => {
    const name = isObject(entry) ? entry['parameter_name'] : undefined;
    return typeof name === 'string' ? name : '';
  });
}

/** Throws `CallFailure` when the explicit mapping names an input that is not there. */
export function findRoles(inputs: readonly GradioInput[], mapping: InputMapping = {}): InputRoles {
  const roles: InputRoles = {};
  const free = new Set(inputs);
  const take = (role: GradioRole, input: GradioInput | undefined) => {
    if (input === undefined) return;
    roles[role] = input;
    free.delete(input);
  };

  for (const role of order) {
    const wanted = mapping[role];
    if (wanted !== undefined) take(role, namedInput(inputs, role, wanted));
  }
  for (const role of order) {
    if (roles[role] === undefined) take(role, byName(free, role));
  }
  const fits = (input: GradioInput, role: GradioRole) => accepts[role].has(input.component.type);
  if (roles.history === undefined)
    take(
      'history',
      find(free, (input) => input.component.type === 'chatbot'),
    );
  if (roles.prompt === undefined)
    take(
      'prompt',
      find(free, (input) => fits(input, 'prompt')),
    );
  if (roles.prompt === undefined && roles.history !== undefined && fits(roles.history, 'prompt')) {
    // A lone text box called "messages" is where one writes.
    roles.prompt = roles.history;
    delete roles.history;
  }
  if (roles.prompt === undefined && roles.history === undefined) {
    const [first] = inputs;
    if (first !== undefined && free.has(first) && first.component.type === 'unknown') take('prompt', first);
  }
  return roles;
}

function namedInput(inputs: readonly GradioInput[], role: GradioRole, wanted: string | number): GradioInput {
  const found =
    typeof wanted === 'number'
      ? inputs[wanted]
      : (inputs.find((input) => input.parameter === wanted) ??
        inputs.find((input) => input.label === wanted) ??
        inputs.find((input) => namesOf(input).includes(snake(wanted))));
  if (found !== undefined) return found;
  const known = inputs.map(
    (input, index) => `${String(index)} ${input.parameter ?? input.label ?? input.component.type}`,
  );
  throw new CallFailure({
    kind: 'protocol',
    message: `inputs.${role} names ${JSON.stringify(wanted)}, which this endpoint does not have. Its inputs: ${known.join(', ') || 'none'}.`,
  });
}

function byName(free: ReadonlySet<GradioInput>, role: GradioRole): GradioInput | undefined {
  for (const pattern of names[role]) {
    for (const name of ['parameter', 'label'] as const) {
      const found = find(free, (input) => {
        const text = input[name];
        return text !== undefined && accepts[role].has(input.component.type) && pattern.test(snake(text));
      });
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function find(inputs: ReadonlySet<GradioInput>, test: (input: GradioInput) => boolean): GradioInput | undefined {
  for (const input of inputs) if (test(input)) return input;
  return undefined;
}

function namesOf(input: GradioInput): string[] {
  return [input.parameter, input.label].flatMap((name) => (name === undefined ? [] : [snake(name)]));
}

function snake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');
}

/** The `data` list of a call, one entry for every input of the function. */
export function fillInputs(
  dependency: GradioDependency,
  roles: InputRoles,
  request: ModelRequest,
  major: number,
): Json[] {
  const data = dependency.inputs.map(shownValue);
  const put = (input: GradioInput | undefined, value: (component: GradioComponent) => Json) => {
    if (input !== undefined) data[input.place] = value(input.component);
  };

  const system = request.messages.filter((message) => message.role === 'system');
  const turns = request.messages.filter((message) => message.role !== 'system');
  const last = turns.at(-1);
  // What has no input of its own is told in the prompt.
  const untold = roles.system === undefined ? system : [];
  if (system.length > 0) put(roles.system, () => system.map((message) => message.content).join('\n\n'));

  if (roles.prompt === undefined) {
    // The history is all there is: it carries the message to answer as well.
    const told: Message[] =
      last?.role === 'user' && untold.length > 0
        ? [...turns.slice(0, -1), { role: 'user', content: transcript([...untold, last]) }]
        : turns;
    put(roles.history, (component) => historyValue(component, told, major));
  } else if (roles.history === undefined || last?.role !== 'user') {
    put(roles.history, (component) => historyValue(component, [], major));
    put(roles.prompt, (component) => textValue(component, transcript([...untold, ...turns])));
  } else {
    put(roles.history, (component) => historyValue(component, turns.slice(0, -1), major));
    put(roles.prompt, (component) => textValue(component, transcript([...untold, last])));
  }
  put(roles.maxTokens, (component) => withinBounds(component, request.parameters.maxTokens));
  put(roles.temperature, (component) => withinBounds(component, request.parameters.temperature));
  return data;
}

function textValue(component: GradioComponent, text: string): Json {
  return component.type === 'multimodaltextbox' ? { text, files: [] } : text;
}

/** Messages as `{role, content}`, except where a chatbot of Gradio 3 or 4 wants [user, assistant] pairs. */
function historyValue(component: GradioComponent, turns: readonly Message[], major: number): Json {
  const { type, props } = component;
  if (type === 'textbox' || type === 'text') return turns.length === 0 ? '' : transcript(turns);
  if (type === 'chatbot' && (props['type'] === 'tuples' || (major < 5 && props['type'] !== 'messages')))
    return pairs(turns);
  return turns.map(({ role, content }): JsonObject => {
    const speaker = type === 'chatbot' && role === 'tool' ? 'assistant' : role;
    // Gradio 6 keeps a message's content as a list of parts, and refuses plain text in a chatbot.
    return { role: speaker, content: type === 'chatbot' && major >= 6 ? [{ type: 'text', text: content }] : content };
  });
}

function pairs(turns: readonly Message[]): Json[] {
  const list: [string | null, string | null][] = [];
  for (const { role, content } of turns) {
    const open = list.at(-1);
    if (role === 'user') list.push([content, null]);
    else if (open !== undefined && open[1] === null) open[1] = content;
    else list.push([null, content]);
  }
  return list;
}

function withinBounds({ props }: GradioComponent, value: number): number {
  let bounded = value;
  if (typeof props['maximum'] === 'number') bounded = Math.min(bounded, props['maximum']);
  if (typeof props['minimum'] === 'number') bounded = Math.max(bounded, props['minimum']);
  return bounded;
}

const empty: Partial<Record<string, Json>> = {
  textbox: '',
  markdown: '',
  checkbox: false,
  checkboxgroup: [],
  chatbot: [],
};

/** What the app's own page would send for an untouched input. */
function shownValue({ hidden, type, props }: GradioComponent): Json {
  if (hidden) return null;
  const shown = props['value'];
  if (shown !== undefined && shown !== null) return shown;
  if (type === 'multimodaltextbox') return { text: '', files: [] };
  if (type === 'slider') return typeof props['minimum'] === 'number' ? props['minimum'] : 0;
  if (type === 'dropdown' && props['multiselect'] === true) return [];
  return empty[type] ?? null;
}
