/** The form of an editor (use-editor.ts): saved by its button or by Enter. */
import type { ReactNode } from 'react';

import type { Editor } from './use-editor';

export function EditorForm(props: { editor: Editor; className?: string; children: ReactNode }) {
  const { editor, className = 'editor', children } = props;
  return (
    <form
      ref={editor.form}
      className={className}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void editor.submit();
      }}
    >
      {children}
    </form>
  );
}
