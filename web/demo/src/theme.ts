/** Light, dark, or what the system says. Remembered where `public/theme.js` finds it before the first paint. */
import { useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const key = 'tierwise-theme';

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    const chosen = document.documentElement.dataset['theme'];
    return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
  });
  return [
    theme,
    (next) => {
      setTheme(next);
      if (next === 'system') delete document.documentElement.dataset['theme'];
      else document.documentElement.dataset['theme'] = next;
      try {
        if (next === 'system') localStorage.removeItem(key);
        else localStorage.setItem(key, next);
      } catch {
        // Storage is blocked: the choice lasts until the page is closed.
      }
    },
  ];
}
