/** Copies text and says so. */
import { useEffect, useState } from 'react';

import { Icon } from './icon';

export function CopyButton({
  text,
  label = 'Copy',
  small = true,
}: {
  text: () => string;
  label?: string;
  small?: boolean;
}) {
  const [outcome, setOutcome] = useState<'copied' | 'refused'>();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setOutcome('copied');
    } catch {
      setOutcome('refused');
    }
  };
  return (
    <button type="button" className={small ? 'button quiet small' : 'button'} onClick={() => void copy()}>
      <Icon name={outcome === 'copied' ? 'check' : 'copy'} size={14} />
      <span aria-live="polite">
        {outcome === 'copied' ? 'Copied' : outcome === 'refused' ? 'Not allowed here' : label}
      </span>
    </button>
  );
}
