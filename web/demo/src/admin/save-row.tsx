/** Save and Discard, what came of it, and the choice when somebody else saved meanwhile. */
import type { ReactNode } from 'react';

import { Icon } from '../parts/icon';
import type { Editor } from './use-editor';

/** `theirs`: what somebody else saved, in words. `note`: what saving does, while there is nothing else to say. */
export function SaveRow(props: {
  editor: Editor;
  theirs?: ReactNode;
  note?: ReactNode;
  label?: string;
  always?: boolean;
}) {
  const { editor, theirs, note, label = 'Save', always = false } = props;
  const { outcome, overtaken, saving, changed, submit, discard } = editor;
  if (overtaken)
    return (
      <div className="failure" role="alert">
        <Icon name="alert" size={18} />
        <div>
          <p className="what">
            Somebody else saved this while you were editing. Nothing of yours is lost, or saved yet.
          </p>
          {theirs !== undefined && <div className="theirs">{theirs}</div>}
          <div className="row">
            <button type="button" className="button primary small" onClick={() => void submit(true)}>
              Save mine over it
            </button>
            <button type="button" className="button small" onClick={discard}>
              Take theirs
            </button>
          </div>
        </div>
      </div>
    );
  return (
    <div className="save-row">
      <p role="status" className={outcome?.is === 'failed' ? 'whole' : undefined}>
        {outcome?.is === 'failed' ? (
          <span className="problem">
            <Icon name="alert" size={14} /> {outcome.words}
          </span>
        ) : changed ? (
          'Not saved yet.'
        ) : outcome?.is === 'saved' ? (
          <span className="ok">
            <Icon name="check" size={14} /> Saved. Open pages follow within minutes.
          </span>
        ) : (
          <span className="muted">{note}</span>
        )}
      </p>
      <button type="button" className="button" disabled={!changed || saving} onClick={discard}>
        Discard
      </button>
      <button type="submit" className="button primary" disabled={saving || (!changed && !always)}>
        {saving ? 'Saving…' : label}
      </button>
    </div>
  );
}
