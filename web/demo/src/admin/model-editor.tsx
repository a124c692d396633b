/** One model: on or off, its task, name and price; or a new one. */
import { useMemo } from 'react';

import { Icon } from '../parts/icon';
import { Select } from '../parts/select';
import { Switch } from '../parts/switch';
import { TextField } from '../parts/text-field';
import { EditorForm } from './editor-form';
import { type ModelRow, type Pair, seen, versionOf } from './rows';
import { SaveRow } from './save-row';
import { type Config, useWrite } from './use-config';
import { type Problems, useEditor } from './use-editor';
import { useTakeBack } from './use-take-back';

const tasks = ['text-generation', 'feature-extraction', 'text-to-image', 'image-classification'] as const;
type Task = (typeof tasks)[number];
type Unit = '1k-tokens' | 'image';
export const unitWords: Record<string, string> = { '1k-tokens': 'per 1k tokens', image: 'per image' };

interface Draft {
  model: string;
  task: Task;
  name: string;
  description: string;
  enabled: boolean;
  price: string;
  unit: Unit;
}

function draftOf(row: ModelRow | undefined): Draft {
  return {
    model: row?.model ?? '',
    task: tasks.find((task) => task === row?.task) ?? 'text-generation',
    name: row?.name ?? '',
    description: row?.description ?? '',
    enabled: row?.enabled ?? true,
    price: row?.price == null ? '' : decimal(row.price),
    unit: row?.unit === 'image' ? 'image' : '1k-tokens',
  };
}

/** 0.00005, not 5e-5. */
function decimal(value: number): string {
  return value.toFixed(12).replace(/\.?0+$/, '');
}

function bodyOf(draft: Draft): object {
  const orNull = (text: string) => (text.trim() === '' ? null : text.trim());
  return {
    task: draft.task,
    name: orNull(draft.name),
    description: orNull(draft.description),
    enabled: draft.enabled,
    price: draft.price.trim() === '' ? null : Number(draft.price),
    unit: draft.unit,
  };
}

export function ModelEditor(props: {
  /** Undefined: a new one. */
  pair: Pair<ModelRow> | undefined;
  config: Config<unknown>;
  known: readonly string[];
  onAdded: (model: string) => void;
  /** Taken back: what offers to undo it is in the page below. */
  onGone: () => void;
}) {
  const { pair, config, known, onAdded, onGone } = props;
  const { own, everybodys } = pair ?? {};
  const write = useWrite();
  const { failed, takeBack } = useTakeBack(config);
  const kept = useMemo(() => draftOf(own ?? everybodys), [own, everybodys]);
  const check = (draft: Draft): Problems => {
    const problems: Problems = {};
    if (!/^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(draft.model.trim()))
      problems['model'] = 'Enter it as on the Hub: owner/name.';
    else if (pair === undefined && known.includes(draft.model.trim()))
      problems['model'] = 'It is in the table already: open it there.';
    if (draft.price.trim() !== '' && !/^\d+(\.\d+)?$/.test(draft.price.trim()))
      problems['price'] = 'Enter US dollars with a point, as 0.0002, or leave it empty.';
    return problems;
  };
  const editor = useEditor<Draft>({
    kept,
    version: versionOf(own),
    check,
    save: async (draft, version) => {
      const model = draft.model.trim();
      const { row } = await write<{ row: ModelRow }>('PUT', `models/${model}${seen(version)}`, bodyOf(draft));
      if (pair === undefined) {
        await config.reload();
        onAdded(model);
      }
      return versionOf(row);
    },
    reload: config.reload,
  });
  const { draft, update, field } = editor;

  return (
    <EditorForm editor={editor}>
      {pair === undefined ? (
        <TextField label="Model" {...field('model')} placeholder="owner/name" help="Its name on the Hub." />
      ) : (
        <p className="muted">
          <code>{draft.model}</code>{' '}
          {own === undefined
            ? 'is everybody’s. What you save becomes your company’s own, which wins.'
            : everybodys === undefined
              ? 'is your company’s own.'
              : 'is your company’s own; it wins over everybody’s.'}
        </p>
      )}
      <Switch
        label="May be called"
        checked={draft.enabled}
        onChange={(enabled) => update({ enabled })}
        help="Off: the backend refuses calls to it."
      />
      <Select
        label="Task"
        value={draft.task}
        options={tasks.map((task) => ({ value: task, label: task }))}
        onChange={(task) => update({ task, unit: task === 'text-to-image' ? 'image' : '1k-tokens' })}
      />
      <TextField label="Name" {...field('name')} help="For people. Empty: the model’s own." />
      <div className="two">
        <TextField
          label="Price, US dollars"
          type="number"
          {...field('price')}
          placeholder="0.0002"
          help="Empty: not known, and cost is a dash."
        />
        <Select
          label="For"
          value={draft.unit}
          options={[
            { value: '1k-tokens', label: '1,000 tokens, in and out' },
            { value: 'image', label: 'one image' },
          ]}
          onChange={(unit) => update({ unit })}
        />
      </div>
      <TextField label="Description" {...field('description')} lines={2} />
      <SaveRow
        editor={editor}
        theirs={
          own === undefined ? (
            <p>They took your own back.</p>
          ) : (
            <p>
              Theirs: {own.enabled ? 'on' : 'off'}, {own.task},{' '}
              {own.price === null ? 'no price' : `$${decimal(own.price)}`}.
            </p>
          )
        }
        label={pair === undefined ? 'Add' : own === undefined ? 'Save as your own' : 'Save'}
      />
      {own !== undefined && (
        <div className="row apart">
          <button
            type="button"
            className="button danger"
            onClick={() =>
              void takeBack({
                path: `models/${own.model}`,
                row: own,
                was: bodyOf(draftOf(own)),
                words:
                  everybodys === undefined
                    ? `${own.model} is removed.`
                    : `Your own ${own.model} is taken back; everybody’s counts again.`,
                failedWords: 'Nothing was taken back',
                onGone,
              })
            }
          >
            {everybodys === undefined ? 'Remove' : 'Take your own back'}
          </button>
        </div>
      )}
      {failed !== undefined && (
        <p className="problem" role="alert">
          <Icon name="alert" size={14} /> {failed}
        </p>
      )}
    </EditorForm>
  );
}
