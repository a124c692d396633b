/** Where a question is typed, and how it will be asked. Enter sends, Shift+Enter makes a new line. */
import { type FormEvent, type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import type { Tier } from 'tierwise';

import { narrow, useMedia } from '../media';
import { Icon } from '../parts/icon';
import { Segmented } from '../parts/segmented';
import { Select } from '../parts/select';
import { configuredTiers, type ProviderChoice } from '../settings/settings';
import { useSettings } from '../settings/use-settings';
import { tierOrder, tierWords } from '../tiers';
import { useConversation } from './conversation';

export function Composer() {
  const { ask, stop, status, messages } = useConversation();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const isNarrow = useMedia(narrow);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const running = status !== 'idle';

  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${String(Math.min(element.scrollHeight, 200))}px`;
  }, [text]);
  // Where there is a keyboard, a new conversation starts with typing.
  useEffect(() => {
    if (messages.length === 0 && matchMedia('(hover: hover)').matches && document.activeElement === document.body)
      area.current?.focus();
  }, [messages.length]);

  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (text.trim() === '' || running) return;
    ask(text);
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && running) stop();
  };

  return (
    <form className="composer" onSubmit={send}>
      <label htmlFor={id} className="only-heard">
        Your question
      </label>
      <textarea
        ref={area}
        id={id}
        rows={1}
        dir="auto"
        value={text}
        placeholder="Ask a question"
        enterKeyHint="send"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="composer-bar">
        {isNarrow ? (
          <button
            type="button"
            className="button quiet small"
            aria-expanded={open}
            aria-controls={`${id}options`}
            onClick={() => setOpen(!open)}
          >
            <Icon name="options" size={14} /> Options
          </button>
        ) : null}
        {(!isNarrow || open) && (
          <div className="composer-options" id={`${id}options`}>
            <Options />
          </div>
        )}
        {running ? (
          <button type="button" className="button send" onClick={stop}>
            <Icon name="stop" size={16} /> <span>Stop</span>
          </button>
        ) : (
          <button type="submit" className="button primary send" disabled={text.trim() === ''}>
            <Icon name="send" size={16} /> <span>Send</span>
          </button>
        )}
      </div>
    </form>
  );
}

function Options() {
  const { asking, setAsking } = useConversation();
  const { settings, choice, choose } = useSettings();
  const id = useId();
  const configured = configuredTiers(settings);
  const providers: { value: ProviderChoice; label: string }[] = [
    { value: 'auto', label: 'Any provider' },
    ...(configured.length > 0 ? [{ value: 'spaces' as const, label: 'Spaces only' }] : []),
    ...(settings.openai.baseUrl !== '' ? [{ value: 'openai' as const, label: 'OpenAI-compatible' }] : []),
    { value: 'mock', label: 'Mock' },
  ];
  return (
    <>
      <Select<Tier | 'auto'>
        label="Tier"
        hideLabel
        value={asking.tier ?? 'auto'}
        options={[
          { value: 'auto', label: 'Auto tier' },
          ...tierOrder.map((tier) => ({
            value: tier,
            label:
              tierWords[tier].label + (configured.includes(tier) || configured.length === 0 ? '' : ' (not set up)'),
          })),
        ]}
        onChange={(tier) => setAsking({ tier: tier === 'auto' ? undefined : tier })}
      />
      <Select label="Provider" hideLabel value={choice} options={providers} onChange={(next) => void choose(next)} />
      <div className="temperature" title="0: always the likeliest words. 2: the most varied.">
        <label htmlFor={id}>Temperature</label>
        <input
          id={id}
          type="range"
          min={0}
          max={2}
          step={0.1}
          value={asking.temperature}
          onChange={(event) => setAsking({ temperature: Number(event.target.value) })}
        />
        <output htmlFor={id}>{asking.temperature.toFixed(1)}</output>
      </div>
      <Segmented
        legend="Cache"
        hideLegend
        value={asking.fresh ? 'fresh' : 'reuse'}
        options={[
          {
            value: 'reuse',
            label: 'Interactive',
            title: 'A question asked before is answered from the cache, at once.',
          },
          { value: 'fresh', label: 'Fresh', title: 'The Space is asked, whatever the cache holds.' },
        ]}
        onChange={(value) => setAsking({ fresh: value === 'fresh' })}
      />
      <label
        className="check-label"
        title="Sends the conversation so far along with the question. Only a question on its own can be answered from the cache again."
      >
        <input
          type="checkbox"
          checked={asking.followUp}
          onChange={(event) => setAsking({ followUp: event.target.checked })}
        />
        Follow-up
      </label>
    </>
  );
}
