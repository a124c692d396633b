/** The rows that `GET config/{kind}` lists, and how a company's own stands over everybody's. */
import type { FlagName, JsonObject, Protocol, Tier } from 'tierwise';

export interface Row {
  id: string;
  /** The company's; else everybody's, which only the operator changes. */
  own: boolean;
  /** Of this very version; undefined or null where the backend does not say. */
  updatedAt?: string | null;
}
export interface SpaceRow extends Row {
  tier: Tier;
  name: string;
  url: string | null;
  endpoint: string | null;
  protocol: Protocol | 'auto' | null;
  model: string | null;
  revision: string | null;
  options: JsonObject | null;
  active: boolean;
}
export interface FlagRow extends Row {
  name: FlagName | (string & {});
  enabled: boolean;
  visible: boolean;
}
export interface ModelRow extends Row {
  model: string;
  task: string;
  name: string | null;
  description: string | null;
  enabled: boolean;
  price: number | null;
  unit: string | null;
}
export interface KeyRow {
  target: string;
  hint: string | null;
  sealedBy: string;
  updatedAt: string;
}
export interface CompanyRow {
  id: string;
  name: string;
  keepsText: boolean;
  retentionDays: number;
  totalsDays: number;
  updatedAt?: string | null;
}
export interface AuditRow {
  id: number;
  at: string;
  actor: string | null;
  actingRole: string;
  action: 'insert' | 'update' | 'delete' | 'forget';
  table: string;
  before: JsonObject | null;
  after: JsonObject | null;
}
export interface DeploymentRow {
  id: string;
  spaceId: string;
  tier: Tier;
  status: string;
  createdAt: string;
  updatedAt: string;
}

export interface Pair<R extends Row> {
  own: R | undefined;
  everybodys: R | undefined;
}

/** By name: the company's own row and everybody's; the first of each counts. */
export function paired<R extends Row>(rows: readonly R[], nameOf: (row: R) => string): Map<string, Pair<R>> {
  const pairs = new Map<string, Pair<R>>();
  for (const row of rows) {
    const pair = pairs.get(nameOf(row)) ?? { own: undefined, everybodys: undefined };
    if (row.own) pair.own ??= row;
    else pair.everybodys ??= row;
    pairs.set(nameOf(row), pair);
  }
  return pairs;
}

/** Of the company's own row; empty where the backend does not say. */
export function versionOf(own: Pick<Row, 'updatedAt'> | undefined): string {
  return own === undefined ? 'none' : (own.updatedAt ?? '');
}

/** What a write says it saw, so that it does not overwrite what somebody else saved meanwhile. */
export function seen(version: string): string {
  return version === '' ? '' : `?seen=${encodeURIComponent(version)}`;
}
