/**
 * `POST /functions/v1/usage`: events of a page, 1 to 500 and at most 1 MiB unpacked. One verdict for each, in order;
 * `stored`, `duplicate` and `refused` are final, everything that may be tried again is an HTTP status.
 * `DELETE /functions/v1/usage` erases the caller's rows, own totals and feedback in the company; `?user=<id>`, for admins, another's.
 */
import { json, Refusal } from '../_shared/answer.ts';
import { asUser, take } from '../_shared/database.ts';
import { type Call, endpoint } from '../_shared/endpoint.ts';
import { recordBatch } from '../_shared/record-batch.ts';
import { uuid } from '../_shared/token.ts';

export default {
  fetch: endpoint('usage', {
    POST: (call) =>
      recordBatch(
        call,
        'events',
        'usage',
        (sql, events, sentAt, company) =>
          sql`select * from tierwise.record_usage(${events}::text::jsonb, ${sentAt}, ${company})`,
      ),
    DELETE: erase,
  }),
};

async function erase({ caller, company, query }: Call): Promise<Response> {
  const person = query.get('user') ?? caller.id;
  if (!uuid.test(person)) throw new Refusal(400, 'invalid-field', 'user must be the id of a person.');
  await take(caller, 'config', company);
  const rows = await asUser(
    caller,
    (sql) => sql<{ table_name: string; deleted: number }[]>`
      select * from tierwise.forget_user(${person}::uuid, ${company ?? null})`,
  );
  return json({
    success: true,
    deleted: Object.fromEntries(rows.map(({ table_name, deleted }) => [table_name, deleted])),
  });
}
