/** Feature flags: on or off, and whether people see them; each change holds at once and can be taken back for 10 s. */
import { useState } from 'react';

import { useNow } from '../clock';
import { Icon } from '../parts/icon';
import { useUndo } from '../parts/undo';
import { CallFailed } from '../session/call';
import { flagWords } from '../settings/settings';
import { PartFrame } from './part-frame';
import { type FlagRow, type Pair, paired, seen, versionOf } from './rows';
import { type Config, readAgain, useConfig, useWrite } from './use-config';
import { Whose } from './whose';

type FlagValue = Pick<FlagRow, 'enabled' | 'visible'>;

export function FlagsPart() {
  const config = useConfig<{ rows: FlagRow[] }>('flags');
  return (
    <PartFrame config={config}>
      {({ rows }) => {
        const pairs = paired(rows, ({ name }) => name);
        const known = flagWords.filter(({ name }) => pairs.has(name)).map(({ name }) => name as string);
        const others = [...pairs.keys()].filter((name) => !known.includes(name));
        return (
          <ul className="check-rows flags" aria-label="Feature flags">
            {[...known, ...others].map((name) => (
              <Flag key={name} name={name} pair={pairs.get(name)!} config={config} />
            ))}
          </ul>
        );
      }}
    </PartFrame>
  );
}

function Flag({ name, pair, config }: { name: string; pair: Pair<FlagRow>; config: Config<unknown> }) {
  const { own, everybodys } = pair;
  const row = (own ?? everybodys)!;
  const words = flagWords.find((flag) => flag.name === name);
  const label = words?.label ?? name;
  const write = useWrite();
  const { changed } = useUndo();
  const now = useNow();
  const [problem, setProblem] = useState<string>();
  /** What was asked for and is not answered yet. */
  const [pending, setPending] = useState<{ next: FlagValue | undefined }>();
  const shown = pending === undefined ? row : (pending.next ?? everybodys ?? row);

  /** Undefined: back to everybody's. */
  const set = async (next: FlagValue | undefined, done: string) => {
    setProblem(undefined);
    setPending({ next });
    const before = own && { enabled: own.enabled, visible: own.visible };
    /** Resolves with the version it leaves. */
    const put = async (value: FlagValue | undefined, version: string) => {
      const at = `flags/${name}${seen(version)}`;
      if (value !== undefined) return versionOf((await write<{ row: FlagRow }>('PUT', at, value)).row);
      await write('DELETE', at);
      return versionOf(undefined);
    };
    try {
      const left = await put(next, versionOf(own));
      await config.reload();
      changed({ words: done, back: () => put(before, left).finally(readAgain) });
    } catch (error) {
      await config.reload();
      setProblem(
        error instanceof CallFailed && error.status === 409
          ? 'Somebody else changed this flag just now. It stands as they set it; switch it again if you still want to.'
          : `Not changed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    setPending(undefined);
  };

  return (
    <li className="flag-row" aria-busy={pending !== undefined}>
      <div>
        <h2>
          {label} {words !== undefined && <code>{name}</code>}
        </h2>
        {words !== undefined && <p className="help">{words.help}</p>}
        <p className="flag-whose">
          <Whose own={own} now={now} />
          {own !== undefined && everybodys !== undefined && (
            <>
              <span className="help">
                Everybody’s is {everybodys.enabled ? 'on' : 'off'}, {everybodys.visible ? 'shown' : 'hidden'}.
              </span>
              <button
                type="button"
                className="link"
                disabled={pending !== undefined}
                aria-label={`Take back your own ${label}`}
                onClick={() => void set(undefined, `${label}: everybody’s counts again.`)}
              >
                Take back
              </button>
            </>
          )}
        </p>
        {problem !== undefined && (
          <p className="problem" role="alert">
            <Icon name="alert" size={14} /> {problem}
          </p>
        )}
      </div>
      <label className="flag-switch">
        <input
          type="checkbox"
          role="switch"
          className="switch"
          aria-label={`${label}: enabled`}
          checked={shown.enabled}
          disabled={pending !== undefined}
          onChange={({ target }) =>
            void set(
              { enabled: target.checked, visible: row.visible },
              `${label} is ${target.checked ? 'on' : 'off'} for your company.`,
            )
          }
        />
        <span aria-hidden="true">{shown.enabled ? 'On' : 'Off'}</span>
      </label>
      <label className="flag-switch">
        <input
          type="checkbox"
          role="switch"
          className="switch"
          aria-label={`${label}: visible`}
          checked={shown.visible}
          disabled={pending !== undefined}
          onChange={({ target }) =>
            void set(
              { enabled: row.enabled, visible: target.checked },
              `${label} is ${target.checked ? 'shown' : 'hidden'} in your company.`,
            )
          }
        />
        <span aria-hidden="true">{shown.visible ? 'Shown' : 'Hidden'}</span>
      </label>
    </li>
  );
}
