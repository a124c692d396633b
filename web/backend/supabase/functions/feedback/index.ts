/** `POST /functions/v1/feedback`: verdicts of people on replies; bounds and answers as those of `usage`. */
import { endpoint } from '../_shared/endpoint.ts';
import { recordBatch } from '../_shared/record-batch.ts';

export default {
  fetch: endpoint('feedback', {
    POST: (call) =>
      recordBatch(
        call,
        'feedback',
        'feedback',
        (sql, rows, sentAt, company) =>
          sql`select * from tierwise.record_feedback(${rows}::text::jsonb, ${sentAt}, ${company})`,
      ),
  }),
};
