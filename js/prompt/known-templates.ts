/** The templates a core has parsed, by their text: what each is rendered by, until the core forgets it. */
import type { Core } from '../core.js';
import type { Regular } from '../core-types.js';
import { TierwiseError } from '../errors.js';
import { MessagePlans } from './message-plans.js';

export interface KnownTemplate {
  readonly core: Core;
  readonly source: string;
  /** Whether it can see the time. */
  readonly timed: boolean;
  number: number;
  /** How it writes messages, and what it wrote. */
  readonly regular: Regular | undefined;
  readonly messages: MessagePlans | undefined;
  /** Whether short texts are left too: until it compares one. */
  short: boolean;
  /** Renders to come with all texts sent, because one looked into a text. */
  whole: number;
}

/** As kMostTemplates in wasm/prompt/render.h. */
const mostKnown = 16;
/** The core refuses what is longer (kMaxTemplateBytes in wasm/prompt/lexer.h), and need not see all of it for that. */
const mostSource = 1 << 20;

/** Of each core the one used last stands first. */
const known = new WeakMap<Core, KnownTemplate[]>();
let last: KnownTemplate | undefined;

/** Errors: TemplateError, and RequestError `too-large`. */
export function knownTemplate(core: Core, source: string): KnownTemplate {
  if (last?.core === core && last.source === source) return last;
  const list = known.get(core) ?? [];
  known.set(core, list);
  // Not a Map: it would hash every text that is a new string; these are told apart by length, or a few letters.
  const at = list.findIndex((one) => one.source === source);
  last = at >= 0 ? list.splice(at, 1)[0]! : added(core, source);
  list.unshift(last);
  list.length = Math.min(list.length, mostKnown);
  return last;
}

function added(core: Core, source: string): KnownTemplate {
  const { number, regular } = core.addTemplate(source.slice(0, mostSource + 1));
  return {
    core,
    source,
    timed: source.includes('strftime_now'),
    number,
    regular,
    messages: regular && new MessagePlans(regular),
    short: true,
    whole: 0,
  };
}

/** What `use` gives for the template's number; a template that was forgotten is added again. */
export function byNumber<T>(template: KnownTemplate, use: (number: number) => T): T {
  try {
    return use(template.number);
  } catch (error) {
    if (!TierwiseError.isInstance(error) || error.code !== 'unknown-template') throw error;
    template.number = template.core.addTemplate(template.source).number;
    return use(template.number);
  }
}
