/** What stands where nothing is yet: how it fills, and the one thing to do. */
import type { ReactNode } from 'react';

import { Icon, type IconName } from './icon';

export function Empty({ icon, title, children }: { icon: IconName; title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
