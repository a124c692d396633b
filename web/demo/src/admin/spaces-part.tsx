/** The Space of each tier: everybody's and the company's own, which wins. */
import { useEffect, useMemo, useState } from 'react';
import { type Client, createClient, type Tier } from 'tierwise';
import { TierwiseProvider } from 'tierwise/react';

import { useNow } from '../clock';
import { ConnectionSteps, TestButton, useConnectionTest } from '../connection/connection-test';
import { Icon } from '../parts/icon';
import { Select } from '../parts/select';
import { TextField } from '../parts/text-field';
import { TierChip } from '../parts/tier-chip';
import { TimeAgo } from '../parts/time-ago';
import { address, useQuery } from '../route';
import { tierOrder, tierWords } from '../tiers';
import { plural } from '../words';
import { EditorForm } from './editor-form';
import { PartFrame } from './part-frame';
import { type DeploymentRow, type Pair, paired, seen, type SpaceRow, versionOf } from './rows';
import { SaveRow } from './save-row';
import { bodyOf, checkSpace, configOf, draftOf, protocols } from './space-draft';
import { type Config, useConfig, useWrite } from './use-config';
import { useEditor } from './use-editor';
import { useTakeBack } from './use-take-back';
import { Whose } from './whose';

export function SpacesPart() {
  const spaces = useConfig<{ rows: SpaceRow[] }>('spaces');
  const deployments = useConfig<{ rows: DeploymentRow[] }>('deployments');
  // What is typed here is tested from this page, as it stands: not through the backend, which knows only what is saved.
  const [tester, setTester] = useState<Client>();
  useEffect(() => {
    const client = createClient({ cache: false });
    setTester(client);
    return () => void client.close();
  }, []);
  if (tester === undefined) return null;
  return (
    <TierwiseProvider client={tester}>
      <PartFrame config={spaces}>
        {({ rows }) => {
          const pairs = paired(
            rows.filter(({ active }) => active),
            ({ tier }) => tier,
          );
          return (
            <ul className="targets">
              {tierOrder.map((tier) => (
                <TierSpace
                  key={tier}
                  tier={tier}
                  pair={pairs.get(tier) ?? { own: undefined, everybodys: undefined }}
                  earlier={rows.filter((row) => row.tier === tier && row.own && !row.active)}
                  deployments={deployments.value?.rows.filter((row) => row.tier === tier) ?? []}
                  config={spaces}
                />
              ))}
            </ul>
          );
        }}
      </PartFrame>
    </TierwiseProvider>
  );
}

interface TierSpaceProps {
  tier: Tier;
  pair: Pair<SpaceRow>;
  earlier: readonly SpaceRow[];
  deployments: readonly DeploymentRow[];
  config: Config<unknown>;
}

function TierSpace(props: TierSpaceProps) {
  const { tier, pair } = props;
  const [open, setOpen] = useQuery('tier');
  const row = pair.own ?? pair.everybodys;
  const isOpen = open === tier;
  // Once opened it stays, hidden, with what was typed into it.
  const [opened, setOpened] = useState(isOpen);
  if (isOpen && !opened) setOpened(true);
  const id = `admin-${tier}`;
  const now = useNow();
  return (
    <li className="card tier-card">
      <h2>
        <button
          type="button"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(isOpen ? undefined : tier)}
        >
          <TierChip tier={tier} />
          <span className="tier-summary" dir="auto">
            {row === undefined ? (
              <span className="muted">{tierWords[tier].use}</span>
            ) : (
              <>
                {row.name} <span className="muted">{row.url}</span>
              </>
            )}
          </span>
          {row === undefined ? <span className="muted not-set">Not set up</span> : <Whose own={pair.own} now={now} />}
          <Icon name={isOpen ? 'up' : 'chevron'} />
        </button>
      </h2>
      {opened && (
        <div id={id} className="tier-body" hidden={!isOpen}>
          <SpaceEditor {...props} />
        </div>
      )}
    </li>
  );
}

function SpaceEditor({ tier, pair, earlier, deployments, config }: TierSpaceProps) {
  const { own, everybodys } = pair;
  const write = useWrite();
  const { failed, takeBack } = useTakeBack(config);
  const now = useNow();
  const kept = useMemo(() => draftOf(own ?? everybodys, tier), [own, everybodys, tier]);
  const editor = useEditor({
    kept,
    version: versionOf(own),
    check: (draft) => checkSpace(draft, tier),
    save: async (draft, version) =>
      versionOf((await write<{ row: SpaceRow }>('PUT', `spaces/${tier}${seen(version)}`, bodyOf(draft))).row),
    reload: config.reload,
  });
  const { draft, update, leave, field } = editor;
  const { test, start, cancel } = useConnectionTest(tier);

  return (
    <EditorForm editor={editor}>
      <p className="muted">
        {own === undefined
          ? everybodys === undefined
            ? tierWords[tier].use
            : 'Everybody’s Space answers now; only the operator changes it. What you save here becomes your company’s own, which wins.'
          : everybodys === undefined
            ? 'Your company’s own. There is none of everybody’s.'
            : `Your company’s own. It wins over everybody’s: ${everybodys.name}, ${everybodys.url ?? 'without an address'}.`}
      </p>
      <div className="two">
        <TextField label="Name" {...field('name')} help="Shown where answers come from." />
        <TextField
          label="Space URL"
          type="url"
          {...field('url')}
          placeholder="https://owner-name.hf.space"
          help="Its host, or its page on the Hub. The operator allows which hosts."
        />
      </div>
      <div className="two">
        <TextField
          label="API endpoint"
          {...field('endpoint')}
          placeholder="/api/generate"
          help="A path. Gradio: the name of its endpoint, as /chat."
        />
        <Select
          label="Protocol"
          value={draft.protocol}
          options={protocols}
          onChange={(protocol) => update({ protocol })}
          help="Found out costs one question when a page first calls it."
        />
      </div>
      <div className="two">
        <TextField
          label="Model"
          {...field('model')}
          placeholder="owner/name"
          help="What it serves: finds its price and its prompt format."
        />
        <TextField
          label="Revision"
          {...field('revision')}
          placeholder="v1"
          help="Another one: nothing cached before is reused."
        />
      </div>
      <div className="two">
        <TextField
          label="Context window"
          type="number"
          {...field('contextWindow')}
          help="Tokens of question and answer together. Empty: the model’s."
        />
        <TextField
          label="Other options"
          {...field('options')}
          lines={draft.options === '' ? 1 : Math.min(8, draft.options.split('\n').length)}
          placeholder="{}"
          help="JSON: template, templateVariables, inputs, quota."
        />
      </div>
      <div className="row">
        <TestButton
          test={test}
          disabled={draft.url.trim() === ''}
          onStart={() => {
            leave('url');
            void start(configOf(draft));
          }}
          onStop={cancel}
        />
        <span className="help">
          Tests what stands here, saved or not, from this page and without a key. A private Space is tested under{' '}
          <a href={address('health', { show: 'system' })}>Health, System</a> once it and its key are saved.
        </span>
      </div>
      {test !== undefined && <ConnectionSteps test={test} />}
      <SaveRow
        editor={editor}
        theirs={
          own === undefined ? (
            <p>They switched your own Space off.</p>
          ) : (
            <p>
              Theirs: <bdi>{own.name}</bdi>, <bdi>{own.url}</bdi>
              {own.revision !== null && <>, revision {own.revision}</>}
              {own.updatedAt != null && (
                <>
                  , saved <TimeAgo at={Date.parse(own.updatedAt)} now={now} />
                </>
              )}
              .
            </p>
          )
        }
        note={own === undefined && everybodys !== undefined ? 'Nothing of your own yet.' : 'Nothing to save.'}
        label={own === undefined ? 'Save as your own' : 'Save'}
      />
      {own !== undefined && (
        <div className="row apart">
          <button
            type="button"
            className="button danger"
            onClick={() =>
              void takeBack({
                path: `spaces/${tier}`,
                row: own,
                was: bodyOf(draftOf(own, tier)),
                words: `Your ${tier} Space is switched off${everybodys === undefined ? '' : '; everybody’s counts again'}.`,
                failedWords: 'It is not switched off',
              })
            }
          >
            Switch your own off
          </button>
          <span className="help">
            {everybodys === undefined
              ? 'Then this tier has no Space: the others answer.'
              : 'Then everybody’s counts again. It stays among the earlier ones.'}
          </span>
        </div>
      )}
      {failed !== undefined && (
        <p className="problem" role="alert">
          <Icon name="alert" size={14} /> {failed}
        </p>
      )}
      {earlier.length > 0 && (
        <details>
          <summary>{plural(earlier.length, 'earlier one')} of yours</summary>
          <ul className="earlier">
            {earlier.map((row) => (
              <li key={row.id}>
                <span dir="auto">
                  {row.name} <span className="muted">{row.url}</span>
                </span>
                <button type="button" className="button small" onClick={() => update(draftOf(row, tier))}>
                  Fill the form with it
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
      {deployments.length > 0 && (
        <details>
          <summary>{plural(deployments.length, 'deployment')}</summary>
          <ul className="earlier">
            {deployments.map((row) => (
              <li key={row.id}>
                <span>{row.status.replace('_', ' ')}</span>
                <TimeAgo at={Date.parse(row.updatedAt)} now={now} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </EditorForm>
  );
}
