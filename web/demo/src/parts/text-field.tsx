/** A line of text, or several: label above, help under it, the problem beside it. Checked on leaving it. */
import { type ReactNode, useId } from 'react';

import { Icon } from './icon';

export function TextField(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  onLeave?: () => void;
  placeholder?: string;
  help?: ReactNode;
  problem?: string | undefined;
  type?: 'text' | 'url' | 'number' | 'password';
  /** Of a text that may have several. */
  lines?: number;
  /** Finds the field of a problem. */
  name: string;
  /** What the browser may fill in; default nothing. */
  autoComplete?: string;
  after?: ReactNode;
}) {
  const id = useId();
  const about = [props.problem !== undefined && `${id}problem`, props.help !== undefined && `${id}help`]
    .filter(Boolean)
    .join(' ');
  const common = {
    id,
    'data-field': props.name,
    autoCapitalize: 'none',
    spellCheck: false,
    dir: 'auto',
    value: props.value,
    placeholder: props.placeholder,
    'aria-invalid': props.problem !== undefined,
    'aria-describedby': about === '' ? undefined : about,
    onChange: (event: { target: { value: string } }) => props.onChange(event.target.value),
    onBlur: props.onLeave,
  };
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <span className="with-after">
        {props.lines === undefined ? (
          <input
            {...common}
            type={props.type === 'password' ? 'password' : 'text'}
            inputMode={props.type === 'url' ? 'url' : props.type === 'number' ? 'decimal' : undefined}
            autoComplete={props.autoComplete ?? (props.type === 'password' ? 'new-password' : 'off')}
          />
        ) : (
          <textarea {...common} rows={props.lines} />
        )}
        {props.after}
      </span>
      {props.problem !== undefined && (
        <p id={`${id}problem`} className="problem">
          <Icon name="alert" size={14} />
          {props.problem}
        </p>
      )}
      {props.help !== undefined && (
        <p id={`${id}help`} className="help">
          {props.help}
        </p>
      )}
    </div>
  );
}
