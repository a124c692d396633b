/** Keeps a scrolled area at its end while it grows, but only if the person had it there. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

const nearPx = 48;

export function useFollowBottom(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  /** False: nothing to follow yet. */
  active: boolean,
): { atBottom: boolean; jump: () => void } {
  const [atBottom, setAtBottom] = useState(true);
  const following = useRef(true);

  const jump = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    following.current = true;
    element.scrollTop = element.scrollHeight;
    setAtBottom(true);
  }, [scroller]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    let before = element.scrollTop;
    const look = () => {
      const near = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx;
      // Only going up is leaving: text that grew since the last jump also leaves the end out of sight for a moment.
      if (near) following.current = true;
      else if (element.scrollTop < before) following.current = false;
      before = element.scrollTop;
      setAtBottom(near || following.current);
    };
    element.addEventListener('scroll', look, { passive: true });
    return () => element.removeEventListener('scroll', look);
  }, [scroller]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!active || !element || !content.current) return undefined;
    const observer = new ResizeObserver(() => {
      if (following.current) element.scrollTop = element.scrollHeight;
      else setAtBottom(false);
    });
    observer.observe(content.current);
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller, content, active]);

  return { atBottom, jump };
}
