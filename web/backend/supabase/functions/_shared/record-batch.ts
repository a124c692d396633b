/** What `usage` and `feedback` have in common: a bounded batch in, a verdict for each row out. */
import { json, Refusal } from './answer.ts';
import { readJson } from './body.ts';
import { asUser, take, type Transaction } from './database.ts';
import type { Call } from './endpoint.ts';

interface Verdict {
  event_id: string | null;
  verdict: string;
  code: string | null;
  message: string | null;
}
const kMostBytes = 1_048_576;
const kMostRows = 500;

export async function recordBatch(
  { request, caller, company }: Call,
  field: string,
  limit: string,
  record: (sql: Transaction, rows: string, sentAt: Date | null, company: string | null) => Promise<readonly unknown[]>,
): Promise<Response> {
  const body = await readJson(request, kMostBytes);
  const rows = body[field];
  if (!Array.isArray(rows) || rows.length === 0)
    throw new Refusal(400, 'invalid-body', `${field} must be a list of 1 to ${String(kMostRows)}.`);
  if (rows.length > kMostRows) throw new Refusal(413, 'too-large', `At most ${String(kMostRows)} at once.`);
  const sentAt = time(body.sentAt);
  await take(caller, limit, company, rows.length);
  const verdicts = (await asUser(caller, (sql) => record(sql, text(rows), sentAt, company ?? null))) as Verdict[];
  return json({
    now: Date.now(),
    verdicts: verdicts.map(({ event_id, verdict, code, message }, index) => ({
      eventId: event_id ?? idOf(rows[index]),
      verdict,
      ...(code !== null && { code }),
      ...(message !== null && { message }),
    })),
  });
}

function text(rows: unknown[]): string {
  try {
    return JSON.stringify(rows);
  } catch {
    throw new Refusal(400, 'invalid-json', 'The body is nested too deeply.');
  }
}

/** Of a row whose id is none: as it came, so that the page knows which it was. */
function idOf(row: unknown): string | undefined {
  const id = typeof row === 'object' && row !== null ? (row as { eventId?: unknown }).eventId : undefined;
  return typeof id === 'string' ? id.slice(0, 200) : undefined;
}

function time(value: unknown): Date | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !(value >= 0 && value <= 1e13))
    throw new Refusal(400, 'invalid-sent-at', 'sentAt must be milliseconds since 1970.');
  return new Date(value);
}
