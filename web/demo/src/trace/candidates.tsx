/** Stored questions that were like the one asked: how they compare, and why each did or did not answer. */
import type { SemanticCandidate, SemanticLook } from 'tierwise';

import { Icon } from '../parts/icon';
import { likelihood, plural, threshold } from '../words';
import { Alignment } from './alignment';

/** More than these fold out. */
const shownAtOnce = 3;

export function Candidates({ looks }: { looks: readonly SemanticLook[] }) {
  if (looks.length === 0) return null;
  return (
    <section className="candidates" aria-labelledby="candidates-title">
      <h3 id="candidates-title">Stored questions like this one</h3>
      {looks.map((look, at) => {
        const [first, rest] = [look.candidates.slice(0, shownAtOnce), look.candidates.slice(shownAtOnce)];
        return (
          <div key={at}>
            {look.candidates.length === 0 && <p className="muted">{look.because}</p>}
            <List candidates={first} asked={look.question} />
            {rest.length > 0 && (
              <details>
                <summary>{plural(rest.length, 'more question')}, less alike</summary>
                <List candidates={rest} asked={look.question} />
              </details>
            )}
          </div>
        );
      })}
    </section>
  );
}

function List({ candidates, asked }: { candidates: readonly SemanticCandidate[]; asked: string }) {
  return (
    <ol>
      {candidates.map((candidate) => (
        <li key={candidate.entry}>
          <Candidate candidate={candidate} asked={asked} />
        </li>
      ))}
    </ol>
  );
}

export function Candidate({ candidate, asked }: { candidate: SemanticCandidate; asked: string }) {
  const { same, prompt, alignment, light } = candidate;
  return (
    <div className={same ? 'candidate answered' : 'candidate'}>
      <p className="candidate-head">
        <Icon name={same ? 'check' : 'close'} size={14} />
        <strong>{same ? 'Its reply answered' : 'Not reused'}</strong>
        <span className="muted" title="Cosine of the light vectors, by which it was found: 1 at most">
          {light.toFixed(2)} alike
        </span>
      </p>
      {alignment === undefined ? (
        <p className="asked" dir="auto">
          {prompt}
        </p>
      ) : (
        <Alignment stored={prompt} asked={asked} links={alignment} />
      )}
      <Reason candidate={candidate} asked={asked} />
    </div>
  );
}

function Reason({ candidate, asked }: { candidate: SemanticCandidate; asked: string }) {
  const { same, rule, reason, by, probability, least } = candidate;
  const against = rule !== undefined && (
    <p>
      <span dir="auto">{reason}</span> <span className="chip mono">{rule}</span>
    </p>
  );
  if (by === 'words' && same) return <p>The same words in another form: nothing is left over.</p>;
  if (by === 'words' || probability === undefined || least === undefined) return against || null;
  const doubts = same ? [] : doubtsOf(candidate, asked);
  return (
    <>
      {against}
      <div className="likelihood" aria-hidden="true">
        <span style={{ inlineSize: `${(probability * 100).toFixed(1)}%` }} />
        <i style={{ insetInlineStart: `${(least * 100).toFixed(1)}%` }} />
      </div>
      <p>
        {likelihood(probability)} likely to ask the same, {by === 'minilm' ? 'by MiniLM' : 'by the light vectors'};{' '}
        {threshold(least)} is wanted.
      </p>
      {doubts.length > 0 && (
        <p>
          Doubted:{' '}
          {doubts.map(([then, now], at) => (
            <span key={at}>
              {at > 0 && ', '}“<bdi>{then}</bdi>” for “<bdi>{now}</bdi>”
            </span>
          ))}
          .
        </p>
      )}
    </>
  );
}

/** The most doubtful first; a word that stands in both is no reason. */
function doubtsOf({ doubts = [], prompt }: SemanticCandidate, asked: string): [string, string][] {
  const found = new Map<string, [string, string]>();
  for (const [a, b, c, d] of doubts) {
    const pair: [string, string] = [prompt.slice(a, b), asked.slice(c, d)];
    if (pair[0].toLowerCase() !== pair[1].toLowerCase()) found.set(pair.join('\n').toLowerCase(), pair);
  }
  return [...found.values()].slice(0, 3);
}
