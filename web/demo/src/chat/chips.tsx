/** What is known about a reply at a glance: source, tier, age, tokens, cost, time. */
import type { Reply } from 'tierwise';

import { Icon } from '../parts/icon';
import { TierChip } from '../parts/tier-chip';
import { targetName } from '../tiers';
import { ago, dollars, duration, exactTime, tokens } from '../words';

export function Chips({ reply, askedAt, now }: { reply: Reply; askedAt: number; now: number }) {
  const storedAt = askedAt - reply.age;
  const { usage } = reply;
  return (
    <ul className="chips" aria-label="About this answer">
      {reply.source === 'cache' ? (
        <li className="chip cached" title={`Stored ${exactTime(storedAt)}`}>
          <Icon name="cache" size={12} /> From cache
        </li>
      ) : (
        <li className={`chip ${reply.source === 'mock' ? 'mock' : ''}`} title={reply.model}>
          {reply.source === 'mock' ? 'Mock, no model' : targetName(reply.target)}
        </li>
      )}
      {reply.source === 'cache' && <li className="chip">{targetName(reply.target)}</li>}
      <li>
        <TierChip tier={reply.tier} suffix=" tier" />
      </li>
      <li
        className="chip"
        title={`${tokens(usage.inputTokens)} in, ${tokens(usage.outputTokens)} out${usage.estimated ? ', counted by us' : ', counted by the server'}`}
      >
        {tokens(usage.outputTokens, usage.estimated)}
      </li>
      <li className="chip" title={reply.cost === undefined ? 'The price of this model is not known' : 'US dollars'}>
        {reply.cost === undefined ? 'cost –' : dollars(reply.cost)}
      </li>
      <li
        className="chip"
        title={reply.trace.firstPart === undefined ? undefined : `First words after ${duration(reply.trace.firstPart)}`}
      >
        {duration(reply.trace.total)}
      </li>
      {reply.source !== 'cache' && (
        <li className="chip" title={exactTime(askedAt)}>
          {ago(askedAt, now)}
        </li>
      )}
      {reply.finishReason === 'length' && (
        <li className="chip" title="The reply reached its token limit">
          Cut at the token limit
        </li>
      )}
    </ul>
  );
}
