/** A native list of choices with a label, in the look of the house. */
import { useId } from 'react';

import { Icon } from './icon';

export function Select<V extends string>(props: {
  label: string;
  hideLabel?: boolean;
  value: V;
  options: readonly { value: V; label: string; disabled?: boolean }[];
  onChange: (value: V) => void;
  help?: string;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <div className={props.hideLabel === true ? 'select-field inline' : 'field'}>
      <label htmlFor={id} className={props.hideLabel === true ? 'only-heard' : undefined}>
        {props.label}
      </label>
      <span className="select">
        <select
          id={id}
          value={props.value}
          disabled={props.disabled}
          aria-describedby={props.help === undefined ? undefined : `${id}help`}
          onChange={(event) => props.onChange(event.target.value as V)}
        >
          {props.options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.disabled}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="chevron" size={14} />
      </span>
      {props.help !== undefined && (
        <p id={`${id}help`} className="help">
          {props.help}
        </p>
      )}
    </div>
  );
}
