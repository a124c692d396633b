/** Settings, as the user guide has them. Nothing is in force before Save; what is wrong is said beside its field. */
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';

import { Icon } from '../parts/icon';
import { Segmented } from '../parts/segmented';
import { Select } from '../parts/select';
import { Switch } from '../parts/switch';
import { TextField } from '../parts/text-field';
import { useTheme } from '../theme';
import { tierOrder, tierWords } from '../tiers';
import { useSession } from '../session/session';
import { isFlagSet, isFlagShown, isSpaceSet } from './administered';
import { BackendCard } from './backend-card';
import { SemanticCard } from './semantic-card';
import { asJson, configuredTiers, flagWords, problemsOf, type Settings } from './settings';
import { SpaceForm } from './space-form';
import { TokenField } from './token-field';
import { useSettings } from './use-settings';

const bySomeone = 'Set by your administrator.';

export function SettingsView() {
  const { settings: counting, own: settings, followed, save, reset } = useSettings();
  const { status } = useSession();
  const set = followed?.set;
  const [draft, setDraft] = useState(settings);
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [outcome, setOutcome] = useState<'saved' | { failed: string }>();
  const [asking, setAsking] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const changed = useMemo(() => JSON.stringify(asJson(draft)) !== JSON.stringify(asJson(settings)), [draft, settings]);

  useEffect(() => {
    if (!changed) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [changed]);

  const update = (change: Partial<Settings>) => {
    setDraft((before) => ({ ...before, ...change }));
    setOutcome(undefined);
  };
  /** Tells what is wrong with the fields below `prefix`; the others keep what was said of them. */
  const check = (prefix: string) => {
    const found = problemsOf(draft);
    setProblems((before) => ({
      ...Object.fromEntries(Object.entries(before).filter(([field]) => !field.startsWith(prefix))),
      ...Object.fromEntries(Object.entries(found).filter(([field]) => field.startsWith(prefix))),
    }));
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found = problemsOf(draft);
    setProblems(found);
    if (Object.keys(found).length > 0) {
      setOutcome({ failed: 'Nothing was saved: correct the marked fields first.' });
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    try {
      await save(draft);
      setOutcome('saved');
    } catch (error) {
      setOutcome({ failed: `Nothing was saved: ${error instanceof Error ? error.message : String(error)}` });
    }
  };
  const startOver = async () => {
    setAsking(false);
    try {
      await reset();
      setProblems({});
      setOutcome('saved');
    } catch (error) {
      setOutcome({ failed: `Not all was reset: ${error instanceof Error ? error.message : String(error)}` });
    }
  };
  // A reset, or another view's change, replaces what was typed.
  useEffect(() => setDraft(settings), [settings]);

  const configured = tierOrder.filter((tier) => configuredTiers(draft).includes(tier) || isSpaceSet(set, tier));
  return (
    <section className="view flowing settings" aria-labelledby="settings-title">
      <header className="view-head">
        <h1 id="settings-title" tabIndex={-1}>
          Settings
        </h1>
        <p className="muted">
          {status === 'in'
            ? 'Yours are kept in this browser. Your administrator’s count before them.'
            : 'Kept in this browser.'}
        </p>
      </header>
      <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
        <BackendCard gateway={draft.gateway} onGateway={(gateway) => update({ gateway })} />
        <fieldset className="card">
          <legend>Hugging Face Spaces</legend>
          <Switch
            label="Enable Hugging Face Spaces"
            help="Off: no question goes to a Space."
            checked={(isFlagSet(set, 'useHuggingFaceSpaces') ? counting : draft).flags.useHuggingFaceSpaces}
            fixed={isFlagSet(set, 'useHuggingFaceSpaces') ? bySomeone : undefined}
            onChange={(useHuggingFaceSpaces) => update({ flags: { ...draft.flags, useHuggingFaceSpaces } })}
          />
          <Select
            label="Default tier"
            value={set?.defaultTier ?? draft.defaultTier}
            disabled={set?.defaultTier !== undefined}
            options={tierOrder.map((tier) => ({
              value: tier,
              label: `${tierWords[tier].label} model${configured.includes(tier) || configured.length === 0 ? '' : ' (not set up)'}`,
            }))}
            onChange={(defaultTier) => update({ defaultTier })}
            help={`Answers when neither you nor a rule picks a tier.${set?.defaultTier === undefined ? '' : ` ${bySomeone}`}`}
          />
        </fieldset>

        <h2 className="section-title">Spaces</h2>
        <p className="muted section-help">Set up any or all of the four. One is enough.</p>
        {tierOrder.map((tier) => (
          <SpaceForm
            key={tier}
            tier={tier}
            space={isSpaceSet(set, tier) ? counting.spaces[tier] : draft.spaces[tier]}
            administered={isSpaceSet(set, tier)}
            problems={problems}
            initiallyOpen={tier === (configured[0] ?? 'base')}
            onChange={(space) => update({ spaces: { ...draft.spaces, [tier]: space } })}
            onCheck={() => check(`spaces.${tier}`)}
          />
        ))}

        <fieldset className="card">
          <legend>OpenAI-compatible provider</legend>
          <p className="muted section-help">
            Any server that speaks the OpenAI chat format: OpenAI itself, vLLM, llama.cpp, a gateway. It answers when no
            Space does, or when you choose it.
          </p>
          <div className="two">
            <TextField
              label="Base URL"
              type="url"
              name="providers.openai.baseUrl"
              placeholder="http://localhost:8080/v1"
              value={draft.openai.baseUrl}
              problem={problems['providers.openai.baseUrl']}
              help="Up to and including /v1."
              onChange={(baseUrl) => update({ openai: { ...draft.openai, baseUrl } })}
              onLeave={() => check('providers.openai')}
            />
            <TextField
              label="Model"
              name="providers.openai.model"
              value={draft.openai.model}
              problem={problems['providers.openai.model']}
              help="As the server names it."
              onChange={(model) => update({ openai: { ...draft.openai, model } })}
              onLeave={() => check('providers.openai')}
            />
          </div>
          <TokenField
            name="openai"
            address={draft.openai.baseUrl}
            label="API key"
            problem={problems['providers.openai.token']}
            onChanged={() => void save(settings).catch(() => undefined)}
          />
        </fieldset>

        <SemanticCard
          semantic={draft.semantic}
          inForce={settings.semantic}
          onChange={(semantic) => update({ semantic })}
        />

        <fieldset className="card">
          <legend>Feature flags</legend>
          <p className="muted section-help">
            Each target needs its flags on. The names are those an application’s own flags use.
          </p>
          {flagWords
            .filter(({ name }) => isFlagShown(set, name))
            .map(({ name, label, help }) => (
              <Switch
                key={name}
                label={label}
                code={name}
                help={help}
                checked={(isFlagSet(set, name) ? counting : draft).flags[name]}
                fixed={isFlagSet(set, name) ? bySomeone : undefined}
                onChange={(enabled) => update({ flags: { ...draft.flags, [name]: enabled } })}
              />
            ))}
        </fieldset>

        <div className="save-bar">
          <p role="status">
            {typeof outcome === 'object' ? (
              <span className="problem">
                <Icon name="alert" size={14} /> {outcome.failed}
              </span>
            ) : changed ? (
              'Not saved yet.'
            ) : outcome === 'saved' ? (
              <span className="ok">
                <Icon name="check" size={14} /> Saved and in force.
              </span>
            ) : (
              <span className="muted">Nothing to save.</span>
            )}
          </p>
          <button
            type="button"
            className="button"
            disabled={!changed}
            onClick={() => {
              setDraft(settings);
              setProblems({});
              setOutcome(undefined);
            }}
          >
            Discard
          </button>
          <button type="submit" className="button primary" disabled={!changed}>
            Save
          </button>
        </div>
      </form>

      <Appearance />

      <section className="card" aria-labelledby="reset-title">
        <h2 id="reset-title" className="legend">
          Start over
        </h2>
        <p className="muted section-help">
          Puts every setting back to what this page came with and forgets the tokens. Cached replies stay.
        </p>
        <div className="row">
          {asking ? (
            <>
              <button type="button" className="button danger" onClick={() => void startOver()}>
                Reset all settings
              </button>
              <button type="button" className="button" onClick={() => setAsking(false)}>
                Keep them
              </button>
            </>
          ) : (
            <button type="button" className="button" onClick={() => setAsking(true)}>
              Reset…
            </button>
          )}
        </div>
      </section>
    </section>
  );
}

function Appearance() {
  const [theme, setTheme] = useTheme();
  return (
    <section className="card" aria-labelledby="look-title">
      <h2 id="look-title" className="legend">
        Appearance
      </h2>
      <Segmented
        legend="Theme"
        value={theme}
        options={[
          { value: 'system', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
        onChange={setTheme}
      />
    </section>
  );
}
