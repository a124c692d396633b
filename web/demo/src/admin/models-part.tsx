/** The models the backend may call by name: which are on, for what, at which price. */
import { useMemo } from 'react';

import { useNow } from '../clock';
import { type Column, DataTable } from '../parts/data-table';
import { Empty } from '../parts/empty';
import { Icon } from '../parts/icon';
import { Sheet } from '../parts/sheet';
import { Mark } from '../parts/state-mark';
import { useQuery } from '../route';
import { CallProblem } from '../session/call-problem';
import { dash } from '../words';
import { ModelEditor, unitWords } from './model-editor';
import { type ModelRow, type Pair, paired } from './rows';
import { mayLeave } from './unsaved';
import { useConfig } from './use-config';
import { Whose } from './whose';

interface Model extends Pair<ModelRow> {
  /** What counts. */
  row: ModelRow;
}

/** In the address instead of a model's name, which always has a slash. */
const adding = 'new';

export function ModelsPart() {
  const config = useConfig<{ rows: ModelRow[] }>('models');
  const [search = '', setSearch] = useQuery('q');
  const [sort, setSort] = useQuery('sort');
  const [open, setOpen] = useQuery('model');
  const now = useNow();
  const models = useMemo<readonly Model[]>(
    () =>
      [...paired(config.value?.rows ?? [], ({ model }) => model).values()].map((pair) => ({
        ...pair,
        row: (pair.own ?? pair.everybodys)!,
      })),
    [config.value],
  );
  const columns = useMemo<Column<Model>[]>(
    () => [
      {
        key: 'model',
        label: 'Model',
        width: 'minmax(0, 3fr)',
        cell: ({ row }) => (
          <span className="cut">
            {row.name ?? row.model} {row.name !== null && <span className="muted mono">{row.model}</span>}
          </span>
        ),
        value: ({ row }) => row.name ?? row.model,
        csv: ({ row }) => row.model,
      },
      {
        key: 'enabled',
        label: 'State',
        width: '72px',
        cell: ({ row }) => <Mark kind={row.enabled ? 'ready' : 'idle'} text={row.enabled ? 'On' : 'Off'} />,
        value: ({ row }) => (row.enabled ? 'on' : 'off'),
      },
      {
        key: 'task',
        label: 'Task',
        width: '136px',
        from: 640,
        cell: ({ row }) => row.task,
        value: ({ row }) => row.task,
      },
      {
        key: 'price',
        label: 'Price',
        width: '168px',
        numeric: true,
        from: 560,
        cell: ({ row }) => price(row),
        value: ({ row }) => row.price ?? undefined,
      },
      {
        key: 'own',
        label: 'Whose',
        width: '168px',
        from: 800,
        cell: ({ own }) => <Whose own={own} now={now} />,
        value: ({ own }) => (own === undefined ? 'everybody' : 'own'),
      },
    ],
    [now],
  );
  const { value, error, reload } = config;
  const opened = models.find(({ row }) => row.model === open);
  const close = () => {
    if (mayLeave()) setOpen(undefined);
  };
  const title = open === adding ? 'Add a model' : (opened?.row.name ?? open ?? '');
  return (
    <>
      {error !== undefined && (
        <CallProblem error={error} onRetry={() => void reload()}>
          {value !== undefined && <p className="muted">What follows is as it was read last.</p>}
        </CallProblem>
      )}
      <div className="row part-bar">
        <p className="muted">Each price change begins now; what was recorded before keeps its cost.</p>
        <button
          type="button"
          className="button primary small"
          disabled={value === undefined}
          onClick={() => setOpen(adding)}
        >
          <Icon name="plus" size={14} /> Add a model
        </button>
      </div>
      {(value !== undefined || error === undefined) && (
        <DataTable
          label="Models"
          rows={models}
          columns={columns}
          rowId={({ row }) => row.model}
          rowLabel={({ row }) => row.model}
          searchText={({ row }) => `${row.model} ${row.name ?? ''} ${row.task} ${row.description ?? ''}`}
          search={search}
          onSearch={setSearch}
          sort={sort ?? 'model'}
          onSort={setSort}
          fileName="tierwise-models.csv"
          loading={value === undefined}
          noun={['model', 'models']}
          onOpen={({ row }) => setOpen(row.model)}
          second={{
            until: 640,
            cell: ({ row, own }) => (
              <>
                {row.task} · {price(row)} · <Whose own={own} />
              </>
            ),
          }}
          empty={
            <Empty icon="admin" title="No models yet">
              <p>A model that is added and on can be called by its name, with its cost by its price.</p>
            </Empty>
          }
        />
      )}
      {open !== undefined && value !== undefined && (
        <Sheet label={title} onClose={close}>
          <div className="panel">
            <header className="panel-head">
              <h2 dir="auto">{title}</h2>
              <button type="button" className="button quiet icon-only" aria-label="Close" title="Close" onClick={close}>
                <Icon name="close" />
              </button>
            </header>
            <div className="panel-body">
              {open !== adding && opened === undefined ? (
                <p>
                  There is no model <code>{open}</code> any more.
                </p>
              ) : (
                <ModelEditor
                  key={open}
                  pair={opened}
                  config={config}
                  onAdded={(model) => setOpen(model)}
                  onGone={() => setOpen(undefined)}
                  known={models.map(({ row }) => row.model)}
                />
              )}
            </div>
          </div>
        </Sheet>
      )}
    </>
  );
}

function price({ price, unit }: ModelRow): string {
  if (price === null) return dash;
  // Prices of a unit are small: all their digits, never 1e-7.
  const text = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 }).format(price);
  return `$${text} ${unitWords[unit ?? ''] ?? ''}`.trim();
}
