/**
 * Asks before what is typed and not saved is lost: on closing what it stands in, on a link to another view or part of Admin,
 * and on leaving the page. The browser's Back is not asked about.
 */
import { useEffect } from 'react';

import { parse } from '../route';

const question = 'Leave without saving? What you typed is lost.';
const unsaved = new Set<object>();

/** True: nothing is lost, or the person said so. */
export function mayLeave(): boolean {
  return unsaved.size === 0 || confirm(question);
}

/** While `changed`, leaving is asked about. */
export function useUnsaved(changed: boolean): void {
  useEffect(() => {
    if (!changed) return undefined;
    const mine = {};
    if (unsaved.size === 0) {
      addEventListener('beforeunload', onUnload);
      addEventListener('click', onClick, { capture: true });
    }
    unsaved.add(mine);
    return () => {
      unsaved.delete(mine);
      if (unsaved.size > 0) return;
      removeEventListener('beforeunload', onUnload);
      removeEventListener('click', onClick, { capture: true });
    };
  }, [changed]);
}

function onUnload(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function onClick(event: MouseEvent): void {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  // Links to elsewhere leave the page: the browser asks.
  if (!link?.hash.startsWith('#/') || link.target === '_blank' || placeOf(link.hash) === placeOf(location.hash)) return;
  if (mayLeave()) return;
  event.preventDefault();
  event.stopPropagation();
}

/** The view and its part; Admin's first part has no name in the address. */
function placeOf(hash: string): string {
  const { view, query } = parse(hash);
  return `${view} ${query.get('part') ?? 'spaces'}`;
}
