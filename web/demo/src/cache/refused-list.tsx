/** Stored questions that were like one asked in this session but did not answer it, with the reason, the last ones first. */
import { useMemo } from 'react';
import type { SemanticCandidate } from 'tierwise';

import { useConversation } from '../chat/conversation';
import { useExplanations } from '../chat/explanations';
import { Empty } from '../parts/empty';
import { TimeAgo } from '../parts/time-ago';
import { address } from '../route';
import { useSettings } from '../settings/use-settings';
import { Candidate } from '../trace/candidates';

const mostShown = 100;

export interface Refused {
  key: string;
  asked: string;
  at: number;
  messageId: string;
  candidate: SemanticCandidate;
}

/** Each pair of questions once. */
export function useRefused(): readonly Refused[] {
  const { all } = useExplanations();
  return useMemo(() => {
    const found = new Map<string, Refused>();
    for (const { looks, at, messageId } of [...all].reverse()) {
      for (const { question, candidates } of looks) {
        for (const candidate of candidates) {
          const key = JSON.stringify([question, candidate.prompt]);
          if (wasRefused(candidate) && !found.has(key))
            found.set(key, { key, asked: question, at, messageId, candidate });
        }
      }
    }
    return [...found.values()].slice(0, mostShown);
  }, [all]);
}

/** One that was likely enough stood behind another that was likelier. */
function wasRefused({ same, rule, probability, least }: SemanticCandidate): boolean {
  return !same && (rule !== undefined || (probability !== undefined && least !== undefined && probability < least));
}

export function RefusedList({ refused, now }: { refused: readonly Refused[]; now: number }) {
  const { settings } = useSettings();
  const { messages } = useConversation();
  const off = settings.semantic.embedder === 'off' || settings.semantic.policy === 'off';
  if (refused.length === 0) {
    return off ? (
      <Empty icon="cache" title="Questions in other words are not compared">
        <p>Only a question asked word for word is answered from the cache. Settings can change that.</p>
        <a className="button primary" href={address('settings')}>
          Open Settings
        </a>
      </Empty>
    ) : (
      <Empty icon="cache" title="Nothing was refused in this session">
        <p>
          When a question is like a stored one but does not ask the same, both show here with the reason: “How do I
          enable it?” after “How do I disable it?”, for example.
        </p>
        <a className="button primary" href={address('chat')}>
          Ask a question
        </a>
      </Empty>
    );
  }
  return (
    <div className="refused">
      <p className="muted">Stored questions that were like one asked in this session, but did not answer it.</p>
      <ol>
        {refused.map(({ key, asked, at, messageId, candidate }) => (
          <li key={key}>
            <Candidate candidate={candidate} asked={asked} />
            <p className="row muted">
              <TimeAgo at={at} now={now} />
              {messages.some(({ id }) => id === messageId) && (
                <a href={address('chat', { why: messageId })}>Show the answer’s steps</a>
              )}
            </p>
          </li>
        ))}
      </ol>
    </div>
  );
}
