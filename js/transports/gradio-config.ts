/**
 * Reads a Gradio app's `/config` (3 to 6), tolerantly: unknown fields are ignored, malformed components and
 * dependencies are left out. Nothing in it is trusted with where to send anything: `root` is not even read, because
 * `/config` was answered below the target's own base, and so are all other paths. (A multi-replica host named there
 * would be an origin the server chose; tokens and prompts stay with the one that was configured.)
 */
import type { Json, JsonObject } from '../types.js';
import { isList, isObject } from './json.js';

export interface GradioComponent {
  id: number;
  /** Lower case: `textbox`, `slider`, `chatbot`, `state`… */
  type: string;
  /** Not part of the app's API (State and the like): sent as `null`, not listed by `/info`. */
  hidden: boolean;
  props: JsonObject;
}
/** A function of the app that can be called. */
export interface GradioDependency {
  /** `fn_index`. */
  id: number;
  /** Without slash; absent: cannot be called by name. */
  apiName: string | undefined;
  /** Shown on the app's API page. */
  listed: boolean;
  inputs: readonly GradioComponent[];
  outputs: readonly GradioComponent[];
}
export interface GradioConfig {
  version: string;
  major: number;
  /** `sse_v3`, `ws`… */
  protocol: string;
  /** `/gradio_api`, or empty before 5. */
  apiPrefix: string;
  /** The app has a login page of its own and this page has not passed it. */
  authRequired: boolean;
  dependencies: readonly GradioDependency[];
}

/** Undefined: the JSON is not a Gradio app's. */
export function parseGradioConfig(json: unknown): GradioConfig | undefined {
  if (!isObject(json)) return undefined;
  const { version, dependencies, components } = json;
  // Behind a login, some versions tell no more than that there is one.
  const authRequired = json['auth_required'] === true;
  const locked = authRequired && 'auth_message' in json;
  if (!locked && (typeof version !== 'string' || !isList(dependencies))) return undefined;
  const byId = new Map<number, GradioComponent>();
  for (const entry of isList(components) ? components : []) {
    const component = parseComponent(entry);
    if (component !== undefined) byId.set(component.id, component);
  }
  const text = typeof version === 'string' ? version : '';
  return {
    version: text,
    major: Number.parseInt(text, 10) || 0,
    protocol: typeof json['protocol'] === 'string' ? json['protocol'] : 'ws',
    apiPrefix: safePrefix(json['api_prefix']),
    authRequired,
    dependencies: (isList(dependencies) ? dependencies : []).flatMap((entry: Json, position) => {
      const dependency = parseDependency(entry, position, byId);
      return dependency === undefined ? [] : [dependency];
    }),
  };
}

function parseComponent(entry: Json): GradioComponent | undefined {
  if (!isObject(entry) || typeof entry['id'] !== 'number' || typeof entry['type'] !== 'string') return undefined;
  const type = entry['type'].toLowerCase();
  const props = isObject(entry['props']) ? entry['props'] : {};
  return { id: entry['id'], type, hidden: type === 'state' || entry['skip_api'] === true, props };
}

function parseDependency(
  entry: Json,
  position: number,
  components: ReadonlyMap<number, GradioComponent>,
): GradioDependency | undefined {
  if (!isObject(entry) || entry['backend_fn'] === false) return undefined;
  const { api_name: apiName, api_visibility: visibility } = entry;
  const named = typeof apiName === 'string' && apiName !== '';
  return {
    // Older versions know functions by position alone.
    id: typeof entry['id'] === 'number' ? entry['id'] : position,
    apiName: named ? apiName.replace(/^\//, '') : undefined,
    listed: named && (typeof visibility === 'string' ? visibility === 'public' : entry['show_api'] !== false),
    inputs: resolve(entry['inputs'], components),
    outputs: resolve(entry['outputs'], components),
  };
}

/** An unknown id keeps its place: the data sent and received is positional. */
function resolve(ids: Json | undefined, components: ReadonlyMap<number, GradioComponent>): GradioComponent[] {
  return (isList(ids) ? ids : []).map((entry) => {
    // 5 and later may list [id, property] for inputs that are properties of a component.
    const id = isList(entry) ? entry[0] : entry;
    return (
      (typeof id === 'number' ? components.get(id) : undefined) ?? { id: -1, type: 'unknown', hidden: false, props: {} }
    );
  });
}

/** A path, nothing that could lead to another host. */
function safePrefix(prefix: Json | undefined): string {
  // A longer one is nobody's, and would take the square of its length.
  if (typeof prefix !== 'string' || prefix.length > 200) return '';
  const path = prefix.replace(/^\/+|\/+$/g, '');
  return /^[\w\-./~]+$/.test(path) && !path.split('/').includes('..') ? `/${path}` : '';
}
