/** The state of a target as a shape and a word: never colour alone. */
import type { SpaceStatus, TargetHealth } from 'tierwise';

type State = SpaceStatus['state'] | TargetHealth['state'];
export type Kind = 'ready' | 'waking' | 'failing' | 'idle';

const words: Record<State, [Kind, string]> = {
  ready: ['ready', 'Ready'],
  working: ['ready', 'Working'],
  connecting: ['waking', 'Connecting'],
  queued: ['waking', 'Queued'],
  starting: ['waking', 'Waking up'],
  building: ['waking', 'Building'],
  probing: ['waking', 'Being tried again'],
  'cooling-down': ['waking', 'Left alone for now'],
  sleeping: ['idle', 'Asleep'],
  unknown: ['idle', 'Not asked'],
  paused: ['failing', 'Paused'],
  broken: ['failing', 'Broken'],
  missing: ['failing', 'Not found'],
};

export function stateWord(state: State): string {
  return words[state][1];
}

export function StateMark({ state, word = true }: { state: State; word?: boolean }) {
  const [kind, text] = words[state];
  return <Mark kind={kind} text={text} word={word} />;
}

/** `moving`: something is under way that ends by itself. */
export function Mark(props: { kind: Kind; text: string; word?: boolean; moving?: boolean }) {
  const { kind, text, word = true, moving = kind === 'waking' } = props;
  return (
    <span className={`state state-${kind}`}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" className={moving ? 'turning' : undefined}>
        {kind === 'ready' && <circle cx="6" cy="6" r="4.5" fill="currentColor" />}
        {kind === 'waking' && (
          <path
            d="M6 1.5A4.5 4.5 0 1 1 1.5 6"
            fill="none"
            stroke="currentColor"
            strokeWidth="2"
            strokeLinecap="round"
          />
        )}
        {kind === 'failing' && <path d="M6 1 11.5 11H.5Z" fill="currentColor" />}
        {kind === 'idle' && <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />}
      </svg>
      <span className={word ? undefined : 'only-heard'}>{text}</span>
    </span>
  );
}
