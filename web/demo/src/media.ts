/** Whether a media query holds, live. */
import { useCallback, useSyncExternalStore } from 'react';

export const wide = '(min-width: 1100px)';
export const narrow = '(max-width: 699px)';

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const list = matchMedia(query);
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
