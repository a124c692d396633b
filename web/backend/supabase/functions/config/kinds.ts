/**
 * The kinds of configuration an administrator writes: where each is kept, by which name its rows are called, and what each
 * field must be. The database's own constraints say the rest (addresses, ranges, lengths).
 */
import { Refusal } from '../_shared/answer.ts';
import { uuid } from '../_shared/token.ts';

export interface Field {
  column: string;
  is: 'text' | 'boolean' | 'number' | 'integer' | 'object' | 'json' | 'time';
  /** Must be there when the row is new. */
  required?: true;
  /** What the database wants of it, as words after "must". */
  must?: string;
}
export interface Kind {
  table: string;
  /** The row's name in the address of the request. */
  name: { field: string; column: string; of?: readonly string[] };
  /** Of several rows of that name the active one counts. */
  active?: true;
  newest: string;
  fields: Record<string, Field>;
}

export const kinds: Record<string, Kind> = {
  spaces: {
    table: 'public.hf_spaces_config',
    name: { field: 'tier', column: 'space_type', of: ['base', 'company', 'abstraction', 'user'] },
    active: true,
    newest: 'created_at',
    fields: {
      name: { column: 'space_name', is: 'text', required: true, must: 'be text of 1 to 200 characters' },
      url: {
        column: 'space_url',
        is: 'text',
        required: true,
        must: 'be an https address (http on this computer only) without query and password',
      },
      endpoint: { column: 'api_endpoint', is: 'text', must: 'be a path that begins with /' },
      protocol: { column: 'protocol', is: 'text', must: 'be auto, gradio, tgi, openai, llama.cpp or plain' },
      model: { column: 'model_id', is: 'text', must: 'be text of at most 200 characters' },
      revision: { column: 'model_version', is: 'text', must: 'be text of at most 200 characters' },
      options: { column: 'options', is: 'object', must: 'be an object of at most 16 KB' },
    },
  },
  models: {
    table: 'public.huggingface_models',
    name: { field: 'model', column: 'model_id' },
    newest: 'created_at',
    fields: {
      task: {
        column: 'task',
        is: 'text',
        required: true,
        must: 'be text-generation, text-to-image, feature-extraction or image-classification',
      },
      name: { column: 'display_name', is: 'text', must: 'be text of at most 200 characters' },
      description: { column: 'description', is: 'text', must: 'be text of at most 4000 characters' },
      enabled: { column: 'is_enabled', is: 'boolean' },
      price: { column: 'price', is: 'number', must: 'be US dollars from 0 to 10,000,000' },
      unit: { column: 'price_unit', is: 'text', must: 'be 1k-tokens or image' },
    },
  },
  flags: {
    table: 'tierwise.flags',
    name: { field: 'name', column: 'name' },
    newest: 'created_at',
    fields: {
      enabled: { column: 'enabled', is: 'boolean', required: true },
      visible: { column: 'visible', is: 'boolean' },
    },
  },
  settings: {
    table: 'tierwise.settings',
    name: { field: 'key', column: 'key' },
    newest: 'created_at',
    fields: { value: { column: 'value', is: 'json', required: true } },
  },
  /** By an id the caller makes: another price from a later time on is another row. */
  prices: {
    table: 'tierwise.prices',
    name: { field: 'id', column: 'id' },
    newest: 'created_at',
    fields: {
      provider: { column: 'provider', is: 'text', required: true },
      model: { column: 'model', is: 'text', required: true },
      inputPer1k: { column: 'input_per_1k', is: 'number' },
      outputPer1k: { column: 'output_per_1k', is: 'number' },
      perImage: { column: 'per_image', is: 'number' },
      perSecond: { column: 'per_second', is: 'number' },
      validFrom: { column: 'valid_from', is: 'time' },
      validUntil: { column: 'valid_until', is: 'time' },
      source: { column: 'source', is: 'text' },
    },
  },
};

const checks: Record<Field['is'], (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string' && value.length <= 4000 && !value.includes('\0'),
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number' && value >= 0 && value < 1e7,
  integer: (value) => typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  json: (value) => value !== undefined && value !== null,
  time: (value) =>
    typeof value === 'string' &&
    /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
};

/** The columns of what a body says; null empties a field that may be empty. */
export function columnsOf(
  fields: Kind['fields'],
  body: Record<string, unknown>,
  isNew: boolean,
): Record<string, unknown> {
  const unknown = Object.keys(body).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined)
    throw new Refusal(
      400,
      'invalid-field',
      `There is no field of that name; fields are ${Object.keys(fields).join(', ')}.`,
    );
  const columns: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = body[name];
    if (value === undefined) {
      if (isNew && field.required) throw wrong(name, `${name} is missing.`);
      continue;
    }
    if (value === null ? field.required === true : !checks[field.is](value)) throw refused(name, field);
    columns[field.column] = value;
  }
  return columns;
}

/** What the database refused, as being about the field whose column it is. */
export function aboutField(table: string, fields: Kind['fields'], error: unknown): unknown {
  const constraint = error instanceof Refusal ? error.constraint : undefined;
  const name = Object.keys(fields).find(
    (name) => constraint === `${table.replace(/^\w+\./, '')}_${String(fields[name]?.column)}_check`,
  );
  const field = name === undefined ? undefined : fields[name];
  return name === undefined || field === undefined ? error : refused(name, field);
}

function refused(name: string, { is, must }: Field): Refusal {
  return wrong(name, `${name} must ${must ?? `be ${is === 'json' ? 'a value' : is}`}.`);
}

/** A refusal that says which field it is about. */
export function wrong(field: string, message: string): Refusal {
  return Object.assign(new Refusal(400, 'invalid-field', message), { field });
}

/** The name in the address, when it can be one. */
export function nameOf(kind: Kind, name: string): string {
  const fits =
    kind.name.of?.includes(name) ?? (kind.name.column === 'id' ? uuid.test(name) : /^[\w./-]{1,200}$/.test(name));
  if (!fits) throw new Refusal(400, 'invalid-field', `The address must end with the ${kind.name.field}.`);
  return name;
}
