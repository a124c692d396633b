/**
 * Where the person is, kept in the address: `#/cache?q=tiers&sort=-storedAt`. So a view can be linked, reloaded and
 * gone back to.
 */
import { useCallback, useMemo, useSyncExternalStore } from 'react';

export const views = ['chat', 'cache', 'usage', 'health', 'settings', 'admin', 'account'] as const;
export type View = (typeof views)[number];

export interface Route {
  view: View;
  query: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { view: views.find((view) => view === path) ?? 'chat', query: new URLSearchParams(query) };
}

export function address(view: View, query: Record<string, string | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(name, value);
  const text = search.toString();
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parse(hash), [hash]);
}

/** One value of the view's query. Setting it replaces the address without a step in the history. */
export function useQuery(name: string): [string | undefined, (value: string | undefined) => void] {
  const { query } = useRoute();
  const set = useCallback(
    (value: string | undefined) => {
      const route = parse(location.hash);
      const next = address(route.view, { ...Object.fromEntries(route.query), [name]: value });
      if (next === location.hash) return;
      history.replaceState(undefined, '', next);
      dispatchEvent(new HashChangeEvent('hashchange'));
    },
    [name],
  );
  return [query.get(name) ?? undefined, set];
}
