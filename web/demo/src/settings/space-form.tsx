/** One tier's Space: address, endpoint, token, revision, and a test of just these values before they are saved. */
import { useEffect, useId, useState } from 'react';
import type { Tier } from 'tierwise';
import { useSpaceStatus } from 'tierwise/react';

import { ConnectionSteps, TestButton, useConnectionTest } from '../connection/connection-test';
import { Icon } from '../parts/icon';
import { StateMark } from '../parts/state-mark';
import { TextField } from '../parts/text-field';
import { TierChip } from '../parts/tier-chip';
import { tierWords } from '../tiers';
import { spaceConfig, type SpaceSettings } from './settings';
import { TokenField } from './token-field';
import { useSettings } from './use-settings';

interface SpaceFormProps {
  tier: Tier;
  space: SpaceSettings;
  /** It is an administrator's: shown, not edited. */
  administered: boolean;
  problems: Record<string, string>;
  initiallyOpen: boolean;
  onChange: (space: SpaceSettings) => void;
  onCheck: () => void;
}

export function SpaceForm({ tier, space, administered, problems, initiallyOpen, onChange, onCheck }: SpaceFormProps) {
  const { own, save } = useSettings();
  const status = useSpaceStatus(tier);
  const { test, start, cancel } = useConnectionTest(tier);
  const [open, setOpen] = useState(initiallyOpen);
  const id = useId();
  const prefix = `spaces.${tier}`;
  const faulty = Object.keys(problems).some((field) => field.startsWith(prefix));
  useEffect(() => {
    if (faulty) setOpen(true);
  }, [faulty]);
  const empty = space.url.trim() === '';

  return (
    <section className="card tier-card" aria-labelledby={`${id}title`}>
      <h3 id={`${id}title`}>
        <button type="button" aria-expanded={open} aria-controls={`${id}body`} onClick={() => setOpen(!open)}>
          <TierChip tier={tier} suffix=" model" />
          <span className="tier-summary muted">{empty ? tierWords[tier].use : <bdi>{space.url}</bdi>}</span>
          {status !== undefined && !empty ? (
            <StateMark state={status.state} />
          ) : (
            <span className="muted not-set">Not set up</span>
          )}
          <Icon name={open ? 'up' : 'chevron'} />
        </button>
      </h3>
      {open && (
        <div id={`${id}body`} className="tier-body">
          {!empty && <p className="muted">{tierWords[tier].use}</p>}
          {administered ? (
            <SetByAdministrator space={space} />
          ) : (
            <>
              <TextField
                label="Space URL"
                type="url"
                name={`${prefix}.url`}
                value={space.url}
                placeholder="https://huggingface.co/spaces/owner/name"
                problem={problems[`${prefix}.url`]}
                help="Also https://owner-name.hf.space, owner/name, your own domain, or an address on this computer."
                onChange={(url) => onChange({ ...space, url })}
                onLeave={onCheck}
              />
              <div className="two">
                <TextField
                  label="API endpoint"
                  name={`${prefix}.endpoint`}
                  value={space.endpoint}
                  placeholder="/api/generate"
                  problem={problems[`${prefix}.endpoint`]}
                  help="Empty: found out. A path, or the name of a Gradio endpoint."
                  onChange={(endpoint) => onChange({ ...space, endpoint })}
                  onLeave={onCheck}
                />
                <TextField
                  label="Revision"
                  name={`${prefix}.revision`}
                  value={space.revision}
                  placeholder="v1"
                  problem={problems[`${prefix}.revision`]}
                  help="A label of what the Space serves. Another one: nothing cached before is reused."
                  onChange={(revision) => onChange({ ...space, revision })}
                  onLeave={onCheck}
                />
              </div>
            </>
          )}
          <TokenField
            name={tier}
            address={space.url}
            label="Authentication token"
            problem={problems[`${prefix}.token`]}
            help="Only for a private Space: a token with read permission."
            onChanged={() => void save(own).catch(() => undefined)}
          />
          <div className="row">
            <TestButton
              test={test}
              disabled={empty}
              onStart={() => {
                onCheck();
                void start(administered ? undefined : spaceConfig(space, tier));
              }}
              onStop={cancel}
            />
            <span className="help">
              {empty
                ? 'Enter a Space URL first.'
                : `${administered ? 'Tests it as it is set.' : 'Tests what stands here, saved or not.'} It sends one short question.`}
            </span>
          </div>
          {test !== undefined && <ConnectionSteps test={test} />}
        </div>
      )}
    </section>
  );
}

function SetByAdministrator({ space }: { space: SpaceSettings }) {
  return (
    <>
      <dl className="facts">
        <div>
          <dt>Space</dt>
          <dd>
            <bdi>{space.url}</bdi>
          </dd>
        </div>
        <div>
          <dt>API endpoint</dt>
          <dd>{space.endpoint === '' ? 'found out' : <bdi>{space.endpoint}</bdi>}</dd>
        </div>
        {space.revision !== '' && (
          <div>
            <dt>Revision</dt>
            <dd>
              <bdi>{space.revision}</bdi>
            </dd>
          </div>
        )}
      </dl>
      <p className="help">
        <strong className="fixed">Set by your administrator.</strong> What you entered for this tier is kept, and counts
        when it is left open or you sign out.
      </p>
    </>
  );
}
