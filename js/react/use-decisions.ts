/** The last `limit` decisions since this component mounted, newest last: what `reply.trace` will hold, as it happens. */
import type { Decision } from '../types.js';
import { useEventLog } from './event-log.js';

export function useDecisions(limit = 100): readonly Decision[] {
  return useEventLog('decision', limit);
}
