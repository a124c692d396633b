/* Runs before the first paint, so that a chosen theme does not flash. The switch is in Settings. */
try {
  const theme = localStorage.getItem('tierwise-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the page follows the system.
}
