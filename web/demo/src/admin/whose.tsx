/** Whose row counts: the company's own or everybody's. A word and a shape. */
import { TimeAgo } from '../parts/time-ago';
import type { Row } from './rows';

export function Whose({ own, now }: { own: Row | undefined; now?: number }) {
  const at = own?.updatedAt == null ? undefined : Date.parse(own.updatedAt);
  return (
    <span className={own === undefined ? 'whose' : 'whose own'}>
      {own === undefined ? 'Everybody’s' : 'Your own'}
      {at !== undefined && now !== undefined && (
        <>
          , <TimeAgo at={at} now={now} />
        </>
      )}
    </span>
  );
}
