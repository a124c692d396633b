/**
 * What is typed into a form until it is saved: it is lost neither by a failure nor by somebody else's saving meanwhile, which
 * is told (409) before anything is overwritten. Problems stand beside their fields, the server's too.
 */
import { useRef, useState } from 'react';

import { CallFailed } from '../session/call';
import { problemWords } from '../session/call-problem';
import { useSession } from '../session/session';
import { useUnsaved } from './unsaved';

export type Problems = Record<string, string>;
/** The parts of a draft that are typed freely. */
type TextOf<D> = { [K in keyof D]: string extends D[K] ? K : never }[keyof D] & string;
type Outcome = { is: 'saved' } | { is: 'failed'; words: string } | { is: 'changed' };

export function useEditor<D extends object>(options: {
  /** As it is kept now: what the draft begins with, and follows while nothing is typed. */
  kept: D;
  /** Another for each save by anybody. */
  version: string;
  check: (draft: D) => Problems;
  /** Saves if `version` still holds. Resolves with the new one. */
  save: (draft: D, version: string) => Promise<string>;
  /** Reads anew; awaited after a save. */
  reload: () => Promise<unknown>;
}) {
  const { kept, version, check, save, reload } = options;
  const { backend } = useSession();
  const keptText = JSON.stringify(kept);
  const [known, setKnown] = useState(version + keptText);
  /** `own`: the version before one's own save, until the list was read after it. */
  const [base, setBase] = useState<{ text: string; version: string; own?: string }>({ text: keptText, version });
  const [draft, setDraft] = useState(kept);
  const [problems, setProblems] = useState<Problems>({});
  const [outcome, setOutcome] = useState<Outcome>();
  const [saving, setSaving] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const changed = JSON.stringify(draft) !== base.text;
  const overtaken =
    outcome?.is === 'changed' || (changed && !saving && version !== base.version && version !== base.own);

  // Another version was read: what is typed stays, and what is not typed follows.
  if (version + keptText !== known) {
    setKnown(version + keptText);
    if (!changed) {
      setBase({ text: keptText, version });
      setDraft(kept);
    } else if (version === base.version) setBase({ text: base.text, version });
  }
  useUnsaved(changed);

  const toFirst = () =>
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  const update = (change: Partial<D>) => {
    const next = { ...draft, ...change };
    setDraft(next);
    // What is right by now is no longer marked, before the field is left: a button that then moves is not hit.
    setProblems((before) => {
      if (Object.keys(before).length === 0) return before;
      const found = check(next);
      return Object.fromEntries(
        Object.entries(before).flatMap(([field, words]) => {
          const now = field in change ? found[field] : (found[field] ?? words);
          return now === undefined ? [] : [[field, now]];
        }),
      );
    });
    setOutcome((before) => (before?.is === 'changed' ? before : undefined));
  };
  const leave = (field: string) => {
    const { [field]: found } = check(draft);
    setProblems(({ [field]: _, ...others }) => (found === undefined ? others : { ...others, [field]: found }));
  };
  /** What a TextField of this part of the draft is given. */
  const field = (name: TextOf<D>) => ({
    name,
    value: draft[name] as string,
    problem: problems[name],
    onChange: (value: string) => update({ [name]: value } as Partial<D>),
    onLeave: () => leave(name),
  });
  const submit = async (over = false) => {
    if (saving) return;
    const found = check(draft);
    setProblems(found);
    if (Object.keys(found).length > 0) {
      setOutcome({ is: 'failed', words: 'Nothing was saved: correct the marked fields first.' });
      toFirst();
      return;
    }
    setSaving(true);
    setOutcome(undefined);
    try {
      const next = await save(draft, over ? version : base.version);
      setBase({ text: JSON.stringify(draft), version: next, own: version });
      setOutcome({ is: 'saved' });
      await reload();
    } catch (error) {
      if (error instanceof CallFailed && error.status === 409) {
        // Theirs is there before it is spoken of.
        await reload();
        setOutcome({ is: 'changed' });
      } else if (error instanceof CallFailed && error.field !== undefined && error.field in draft) {
        const words = error.message.replace(new RegExp(`^${error.field} `), '');
        setProblems({ [error.field]: words.charAt(0).toUpperCase() + words.slice(1) });
        setOutcome({ is: 'failed', words: 'Nothing was saved: the backend refused the marked field.' });
        toFirst();
      } else {
        const { what, todo } = problemWords(error, backend?.url ?? '');
        const unknown = error instanceof CallFailed && error.status === 0 && error.code !== 'not-signed-in';
        const saved = unknown ? 'It may not have been saved.' : 'Nothing was saved.';
        setOutcome({ is: 'failed', words: `${saved} ${what} ${todo} What you typed is kept here.` });
      }
    } finally {
      setSaving(false);
    }
  };
  const discard = () => {
    if (version === base.own) setDraft(JSON.parse(base.text) as D);
    else {
      setBase({ text: keptText, version });
      setDraft(kept);
    }
    setProblems({});
    setOutcome(undefined);
  };
  return { draft, outcome, overtaken, saving, changed, form, update, leave, field, submit, discard };
}
export type Editor = Pick<
  ReturnType<typeof useEditor<object>>,
  'outcome' | 'overtaken' | 'saving' | 'changed' | 'form' | 'submit' | 'discard'
>;
