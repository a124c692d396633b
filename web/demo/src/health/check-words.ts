/** What the backend's checks mean: a state, and a sentence that says what to do. */
import type { Kind } from '../parts/state-mark';
import { ago } from '../words';
import type { KeyCheck, SpaceCheck } from './use-system-health';

export interface Said {
  kind: Kind;
  state: string;
  words: string;
}

/** The stages of the Hub (huggingface_hub, SpaceStage), and MISSING of ours. */
const stages: Record<string, Said> = {
  RUNNING: { kind: 'ready', state: 'Running', words: 'It is up.' },
  RUNNING_BUILDING: { kind: 'ready', state: 'Running', words: 'It is up; a newer version is being built.' },
  RUNNING_APP_STARTING: { kind: 'ready', state: 'Running', words: 'It is up; a newer version is starting.' },
  BUILDING: {
    kind: 'waking',
    state: 'Building',
    words: 'It is being built: some minutes. Other tiers answer meanwhile.',
  },
  APP_STARTING: {
    kind: 'waking',
    state: 'Starting',
    words: 'It is starting: about a minute. Other tiers answer meanwhile.',
  },
  SLEEPING: {
    kind: 'idle',
    state: 'Asleep',
    words: 'It fell asleep for want of questions. The next one wakes it, which takes about a minute.',
  },
  PAUSED: { kind: 'failing', state: 'Paused', words: 'Its owner paused it. Restart it on its page on the Hub.' },
  STOPPED: { kind: 'failing', state: 'Stopped', words: 'It was stopped. Restart it on its page on the Hub.' },
  DELETING: { kind: 'failing', state: 'Being deleted', words: 'It is being deleted. Set another Space for this tier.' },
  BUILD_ERROR: { kind: 'failing', state: 'Broken', words: 'It could not be built. Its log on the Hub says why.' },
  RUNTIME_ERROR: {
    kind: 'failing',
    state: 'Broken',
    words: 'Its program ended with an error. Its log on the Hub says why.',
  },
  CONFIG_ERROR: {
    kind: 'failing',
    state: 'Broken',
    words: 'Its README has a wrong configuration. Its page on the Hub says which.',
  },
  NO_APP_FILE: { kind: 'failing', state: 'Empty', words: 'It has no program yet. Add one on the Hub.' },
  MISSING: {
    kind: 'failing',
    state: 'Not found',
    words: 'The Hub knows no such Space, or it is private and the key may not see it. Check its address and its key.',
  },
};

export function spaceSaid(space: SpaceCheck): Said {
  if (space.detail !== undefined)
    return { kind: 'failing', state: 'Not usable', words: `${space.detail} Check its address.` };
  if (space.key?.status === 'invalid')
    return { kind: 'failing', state: 'Key refused', words: 'Its key is not accepted. Put another one.' };
  const known = stages[space.stage];
  if (known !== undefined) return known;
  if (space.stage !== 'UNKNOWN') return { kind: 'idle', state: 'Not known', words: `The Hub says “${space.stage}”.` };
  const { calls = 0, errors = 0 } = space;
  const elsewhere = 'It is not on the Hub, so its calls alone tell.';
  if (calls === 0)
    return { kind: 'idle', state: 'Not known', words: `${elsewhere} Nobody called it in the last hour.` };
  return errors === calls
    ? { kind: 'failing', state: 'Failing', words: `${elsewhere} Every call of the last hour failed.` }
    : { kind: 'ready', state: 'Answering', words: elsewhere };
}

/** Of the router's and OpenAI's keys; `optional`: a Space that may be public. */
export function keySaid(key: KeyCheck, now: number, optional = false): Said {
  const checked = key.checkedAt === undefined ? '' : ` Checked ${ago(Date.parse(key.checkedAt), now)}.`;
  switch (key.status) {
    case 'valid':
      return { kind: 'ready', state: 'Valid', words: `The Hub accepts it.${checked}` };
    case 'present':
      return { kind: 'ready', state: 'Set', words: 'There is one. Whether it is accepted shows with the next call.' };
    case 'invalid':
      return { kind: 'failing', state: 'Invalid', words: `${key.detail ?? 'It is not accepted.'}${checked}` };
    case 'unknown':
      return { kind: 'waking', state: 'Not checked', words: `${key.detail ?? 'It could not be checked.'}${checked}` };
    case 'missing':
      return {
        kind: 'idle',
        state: 'Not set',
        words: optional ? 'None: right for a public Space.' : 'Calls to it are refused until there is one.',
      };
  }
}
