/**
 * `POST /functions/v1/usage`: events of a page, 1 to 500 and at most 1 MiB unpacked. One verdict for each, in order;
 * `stored`, `duplicate` and `refused` are final, everything that may be tried again is an HTTP status.
 */
import { endpoint } from '../_shared/endpoint.ts';
import { recordBatch } from '../_shared/record-batch.ts';

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
  }),
};
