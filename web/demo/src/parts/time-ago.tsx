/** "3 days ago", the exact time on hover. */
import { ago, exactTime, isoTime } from '../words';

export function TimeAgo({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={isoTime(at)} title={exactTime(at)}>
      {ago(at, now)}
    </time>
  );
}
