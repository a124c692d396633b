/** The company itself: its name, whether it keeps texts, and for how long rows stay. */
import { useMemo } from 'react';

import { Switch } from '../parts/switch';
import { TextField } from '../parts/text-field';
import { EditorForm } from './editor-form';
import { PartFrame } from './part-frame';
import { type CompanyRow, seen, versionOf } from './rows';
import { SaveRow } from './save-row';
import { type Config, useConfig, useWrite } from './use-config';
import { type Problems, useEditor } from './use-editor';

interface Draft {
  name: string;
  keepsText: boolean;
  retentionDays: string;
  totalsDays: string;
}

export function CompanyPart() {
  const config = useConfig<CompanyRow>('company');
  return <PartFrame config={config}>{(row) => <CompanyForm row={row} config={config} />}</PartFrame>;
}

function check(draft: Draft): Problems {
  const problems: Problems = {};
  const days = (field: 'retentionDays' | 'totalsDays', most: number) => {
    const value = draft[field].trim();
    if (!/^[1-9]\d*$/.test(value) || Number(value) > most)
      problems[field] = `Enter whole days from 1 to ${most.toLocaleString('en')}.`;
  };
  if (draft.name.trim() === '') problems['name'] = 'Enter a name.';
  days('retentionDays', 3650);
  days('totalsDays', 36500);
  return problems;
}

function CompanyForm({ row, config }: { row: CompanyRow; config: Config<CompanyRow> }) {
  const write = useWrite();
  const { name, keepsText, retentionDays, totalsDays } = row;
  const kept = useMemo<Draft>(
    () => ({ name, keepsText, retentionDays: String(retentionDays), totalsDays: String(totalsDays) }),
    [name, keepsText, retentionDays, totalsDays],
  );
  const editor = useEditor<Draft>({
    kept,
    version: versionOf(row),
    check,
    save: async (draft, version) => {
      const body = {
        name: draft.name.trim(),
        keepsText: draft.keepsText,
        retentionDays: Number(draft.retentionDays),
        totalsDays: Number(draft.totalsDays),
      };
      return versionOf(await write<CompanyRow>('PUT', `company${seen(version)}`, body));
    },
    reload: config.reload,
  });
  const { draft, update, field } = editor;
  return (
    <EditorForm editor={editor} className="card editor company-form">
      <TextField label="Name" {...field('name')} />
      <Switch
        label="Keep the texts of questions and answers"
        checked={draft.keepsText}
        onChange={(keepsText) => update({ keepsText })}
        help="Off: usage has numbers only. On: texts are stored where a page sends them, readable by administrators."
      />
      <div className="two">
        <TextField
          label="Keep usage for, days"
          type="number"
          {...field('retentionDays')}
          help="Older rows and feedback are deleted. It cannot be taken back."
        />
        <TextField
          label="Keep totals by day for, days"
          type="number"
          {...field('totalsDays')}
          help="Sums, which name no question."
        />
      </div>
      <SaveRow
        editor={editor}
        theirs={
          <p>
            Theirs: <bdi>{name}</bdi>, texts {keepsText ? 'kept' : 'not kept'}, usage {retentionDays} days, totals{' '}
            {totalsDays} days.
          </p>
        }
        note="Nothing to save."
      />
    </EditorForm>
  );
}
