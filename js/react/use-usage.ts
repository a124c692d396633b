/** The last `limit` usage events since this component mounted, newest last. */
import type { UsageEvent } from '../types.js';
import { useEventLog } from './event-log.js';

export function useUsage(limit = 1000): readonly UsageEvent[] {
  return useEventLog('usage', limit);
}
