/** A tier by name and hue; the same everywhere. */
import type { Tier } from 'tierwise';

import { tierWords } from '../tiers';

export function TierChip({ tier, suffix = '' }: { tier: Tier; suffix?: string }) {
  return <span className={`chip tier tier-${tier}`}>{tierWords[tier].label + suffix}</span>;
}
