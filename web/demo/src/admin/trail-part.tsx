/** Who changed what, newest first, a hundred at a time. */
import { useState } from 'react';
import type { Json } from 'tierwise';

import { useNow } from '../clock';
import { Empty } from '../parts/empty';
import { TimeAgo } from '../parts/time-ago';
import { callFunction } from '../session/call';
import { CallProblem } from '../session/call-problem';
import { useSession } from '../session/session';
import { brief, dash } from '../words';
import { PartFrame } from './part-frame';
import type { AuditRow } from './rows';
import { patienceMs, useConfig } from './use-config';

const pageRows = 100;
const valueLength = 200;
/** Of what both values begin with, before their first difference. */
const sharedLength = 40;

const things: Record<string, { thing: string; name: readonly string[] }> = {
  'public.hf_spaces_config': { thing: 'Space', name: ['space_type'] },
  'public.huggingface_models': { thing: 'Model', name: ['model_id'] },
  'public.hf_deployments': { thing: 'Deployment', name: ['deployment_status'] },
  'public.model_registry': { thing: 'Registered model', name: ['model_name'] },
  'tierwise.flags': { thing: 'Flag', name: ['name'] },
  'tierwise.settings': { thing: 'Setting', name: ['key'] },
  'tierwise.prices': { thing: 'Price', name: ['provider', 'model'] },
  'tierwise.secrets': { thing: 'Key', name: ['target'] },
  'tierwise.companies': { thing: 'Company', name: ['name'] },
  'tierwise.members': { thing: 'Member', name: ['user_id'] },
  'tierwise.rate_limits': { thing: 'Limit', name: ['name'] },
};
const actions = { insert: 'added', update: 'changed', delete: 'removed', forget: 'erased' };
/** They say nothing to people. */
const unsaid = new Set(['id', 'company_id', 'created_at', 'updated_at']);

export function TrailPart() {
  const session = useSession();
  const config = useConfig<{ rows: AuditRow[] }>('audit');
  /** `edge`: the last of the newest page, which they follow without a gap. */
  const [asked, setAsked] = useState<{ edge: number; rows: readonly AuditRow[]; more: boolean }>();
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>();
  const now = useNow();

  const load = async (edge: number, before: number) => {
    setAsking(true);
    setError(undefined);
    try {
      const { rows } = await callFunction<{ rows: AuditRow[] }>(session, `config/audit?before=${String(before)}`, {
        signal: AbortSignal.timeout(patienceMs),
      });
      setAsked((known) => {
        const followed = known?.edge === edge ? known.rows : [];
        return (followed.at(-1)?.id ?? edge) === before
          ? { edge, rows: [...followed, ...rows], more: rows.length === pageRows }
          : known;
      });
    } catch (failure) {
      setError(failure);
    } finally {
      setAsking(false);
    }
  };

  return (
    <PartFrame config={config}>
      {({ rows }) => {
        // Newer rows push others off the newest page: older ones that no longer follow it would leave a gap.
        const edge = rows.at(-1)?.id;
        const older = asked !== undefined && asked.edge === edge ? asked : undefined;
        const all = [...rows, ...(older?.rows ?? [])];
        const last = all.at(-1);
        const further = older?.more ?? rows.length === pageRows;
        return all.length === 0 ? (
          <Empty icon="admin" title="Nothing was changed yet">
            <p>
              Each change of a Space, a flag, a model, a key, a price or a member is written here, whoever makes it.
            </p>
          </Empty>
        ) : (
          <>
            <ol className="check-rows trail" aria-label="Changes, newest first">
              {all.map((row) => (
                <Entry key={row.id} row={row} you={session.user?.id} now={now} />
              ))}
            </ol>
            {error !== undefined && <CallProblem error={error} />}
            {further && edge !== undefined && last !== undefined ? (
              <button type="button" className="button" disabled={asking} onClick={() => void load(edge, last.id)}>
                {asking ? 'Reading…' : 'Show older ones'}
              </button>
            ) : (
              <p className="muted">That is all there is.</p>
            )}
          </>
        );
      }}
    </PartFrame>
  );
}

function Entry({ row, you, now }: { row: AuditRow; you: string | undefined; now: number }) {
  const { thing, name } = things[row.table] ?? { thing: row.table, name: [] };
  const whole = row.after ?? row.before ?? {};
  const called = name.map((field) => (field === 'user_id' ? userWord(whole[field]) : text(whole[field]))).join(' ');
  const differences = changesOf(row, row.action === 'update' ? [] : name);
  return (
    <li className="trail-row">
      <p>
        <Who actor={row.actor} you={you} role={row.actingRole} /> {actions[row.action]} {thing}{' '}
        <bdi className="trail-name">{called}</bdi>
        <span className="muted">
          {' '}
          · <TimeAgo at={Date.parse(row.at)} now={now} />
        </span>
      </p>
      {differences.length > 0 && (
        <dl className="trail-changes">
          {differences.map(({ field, before, after }) => (
            <div key={field}>
              <dt>{field}</dt>
              <dd>
                {row.action === 'update' ? (
                  <>
                    <del dir="auto">{before}</del> <span aria-hidden="true">→</span> <ins dir="auto">{after}</ins>
                  </>
                ) : row.action === 'insert' ? (
                  <bdi>{after}</bdi>
                ) : (
                  <del dir="auto">{before}</del>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function Who({ actor, you, role }: { actor: string | null; you: string | undefined; role: string }) {
  if (actor === null) return <span title={`As ${role}, without a user`}>The operator</span>;
  return actor === you ? (
    <strong>You</strong>
  ) : (
    <span title={actor}>
      User <code>…{actor.slice(-6)}</code>
    </span>
  );
}

/** Of an update what became different; else what there was or is, but what names it. */
function changesOf(
  { before, after, action, table }: AuditRow,
  names: readonly string[],
): { field: string; before: string; after: string }[] {
  const fields = [...new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])];
  const changes = fields
    .filter((field) => !unsaid.has(field) && !names.includes(field))
    .filter((field) =>
      action === 'update'
        ? exact(before?.[field]) !== exact(after?.[field])
        : text((action === 'delete' ? before : after)?.[field]) !== dash,
    )
    .map((field) => ({ field: field.replaceAll('_', ' '), ...apart(before?.[field], after?.[field]) }));
  // A key that ends as the one before it.
  return changes.length === 0 && action === 'update' && table === 'tierwise.secrets'
    ? [{ field: 'key', before: 'the one before', after: 'another' }]
    : changes;
}

function userWord(id: Json | undefined): string {
  return typeof id === 'string' ? `user …${id.slice(-6)}` : dash;
}

function text(value: Json | undefined): string {
  if (value === undefined || value === null || value === '') return dash;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function exact(value: Json | undefined): string {
  return JSON.stringify(value ?? null);
}

/** Both shortened so that their first difference is seen. */
function apart(before: Json | undefined, after: Json | undefined): { before: string; after: string } {
  let [was, is] = [text(before), text(after)];
  if (was === is) [was, is] = [exact(before), exact(after)];
  let same = 0;
  while (same < Math.min(was.length, is.length) && was[same] === is[same]) same++;
  const from = Math.max(was.length, is.length) > valueLength ? Math.max(0, same - sharedLength) : 0;
  const cut = (whole: string) => `${from === 0 ? '' : '…'}${brief(whole.slice(from), valueLength)}`;
  return { before: cut(was), after: cut(is) };
}
