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
      name: { column: 'space_name', is: 'text', required: true },
      url: { column: 'space_url', is: 'text', required: true },
      endpoint: { column: 'api_endpoint', is: 'text' },
      protocol: { column: 'protocol', is: 'text' },
      model: { column: 'model_id', is: 'text' },
      revision: { column: 'model_version', is: 'text' },
      options: { column: 'options', is: 'object' },
    },
  },
  models: {
    table: 'public.huggingface_models',
    name: { field: 'model', column: 'model_id' },
    newest: 'created_at',
    fields: {
      task: { column: 'task', is: 'text', required: true },
      name: { column: 'display_name', is: 'text' },
      description: { column: 'description', is: 'text' },
      enabled: { column: 'is_enabled', is: 'boolean' },
      price: { column: 'price', is: 'number' },
      unit: { column: 'price_unit', is: 'text' },
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
  for (const [name, { column, is, required }] of Object.entries(fields)) {
    const value = body[name];
    if (value === undefined) {
      if (isNew && required) throw new Refusal(400, 'invalid-field', `${name} is missing.`);
      continue;
    }
    if (value === null ? required === true : !checks[is](value))
      throw new Refusal(400, 'invalid-field', `${name} must be ${is === 'json' ? 'a value' : is}.`);
    columns[column] = value;
  }
  return columns;
}

/** The name in the address, when it can be one. */
export function nameOf(kind: Kind, name: string): string {
  const fits =
    kind.name.of?.includes(name) ?? (kind.name.column === 'id' ? uuid.test(name) : /^[\w./-]{1,200}$/.test(name));
  if (!fits) throw new Refusal(400, 'invalid-field', `The address must end with the ${kind.name.field}.`);
  return name;
}
