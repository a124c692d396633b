/** The first screen: what can be asked, who will answer, and one line on what is going on. */
import { tierWords } from '../tiers';
import { Icon } from '../parts/icon';
import { StateMark } from '../parts/state-mark';
import { address } from '../route';
import { useSession } from '../session/session';
import { configuredTiers } from '../settings/settings';
import { useSettings } from '../settings/use-settings';
import { useSpaceStatus } from 'tierwise/react';
import { useConversation } from './conversation';

const questions = [
  'What is Tierwise, and who is it for?',
  'How is it decided which tier answers?',
  'What happens while a Space is asleep?',
];

export function Welcome() {
  const { ask, asking } = useConversation();
  const { settings, choice, note } = useSettings();
  const through = useSession().status === 'in' && settings.gateway;
  const tiers = configuredTiers(settings);
  const tier = asking.tier ?? settings.defaultTier;
  const status = useSpaceStatus(tier);
  const spaces =
    tiers.includes(tier) && settings.flags.useHuggingFaceSpaces && (choice === 'auto' || choice === 'spaces');
  const mock = !spaces && (choice === 'mock' || (choice === 'auto' && settings.openai.baseUrl === ''));
  return (
    <div className="welcome">
      <h2>What would you like to know?</h2>
      {spaces ? (
        <p className="who">
          <strong>{tierWords[tier].label} Space</strong> will answer{status && <StateMark state={status.state} />}
          <bdi className="mono muted">{settings.spaces[tier].url.replace(/^https?:\/\//, '')}</bdi>
        </p>
      ) : mock ? (
        <div className="notice">
          <Icon name="info" />
          <p>
            {tiers.length === 0 ? 'No Space is configured yet, so a mock will answer.' : 'A mock will answer.'} It is no
            model: it repeats your question, so that you can see the rest work.{' '}
            <a href={address('settings')}>{tiers.length === 0 ? 'Configure a Space' : 'Open Settings'}</a>
          </p>
        </div>
      ) : (
        <p className="who">
          <strong>OpenAI-compatible</strong> will answer{' '}
          <bdi className="mono muted">{settings.openai.baseUrl.replace(/^https?:\/\//, '')}</bdi>
        </p>
      )}
      <ul className="questions">
        {questions.map((question) => (
          <li key={question}>
            <button type="button" onClick={() => ask(question)}>
              <span>{question}</span>
              <Icon name="send" size={14} />
            </button>
          </li>
        ))}
      </ul>
      <p className="muted">
        {through
          ? 'Your question goes through your company’s gateway to the Space.'
          : 'Your question goes from this page straight to the Space.'}{' '}
        A small core in the page picks the tier, looks in the cache first, and keeps the reason for each step: choose{' '}
        <em>Why?</em> under any answer.
      </p>
      {note !== undefined && note !== '' && <p className="muted">{note}</p>}
    </div>
  );
}
