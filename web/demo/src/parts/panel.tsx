/** What stands beside a view: its title, a button that closes it, and a body that scrolls. */
import type { ReactNode } from 'react';

import { Icon } from './icon';

/** `label`: of the body, for those who cannot see it. */
export function Panel(props: { title: string; label: string; onClose: () => void; children: ReactNode }) {
  const { title, label, onClose, children } = props;
  return (
    <div className="panel">
      <header className="panel-head">
        <h2>{title}</h2>
        <button type="button" className="button quiet icon-only" aria-label="Close" title="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="panel-body" tabIndex={0} role="group" aria-label={label}>
        {children}
      </div>
    </div>
  );
}
