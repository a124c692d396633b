/**
 * Runs a task before the next paint; where nothing is painted (hidden tab, server, worker) after 100 ms, because
 * `requestAnimationFrame` would then wait until the tab is seen again. The result cancels it.
 */
export function onNextFrame(task: () => void): () => void {
  if (
    typeof requestAnimationFrame === 'function' &&
    typeof document !== 'undefined' &&
    document.visibilityState === 'visible'
  ) {
    const frame = requestAnimationFrame(task);
    return () => cancelAnimationFrame(frame);
  }
  const timer = setTimeout(task, 100);
  return () => clearTimeout(timer);
}
