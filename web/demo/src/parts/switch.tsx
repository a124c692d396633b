/** An on/off setting: label, what it does, and the switch. */
import { useId } from 'react';

export function Switch(props: {
  label: string;
  help?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  code?: string;
  /** Why it cannot be changed here. */
  fixed?: string | undefined;
}) {
  const id = useId();
  return (
    <div className="switch-row">
      <div>
        <label htmlFor={id}>{props.label}</label>
        {props.code !== undefined && <code>{props.code}</code>}
        {(props.help !== undefined || props.fixed !== undefined) && (
          <p id={`${id}help`} className="help">
            {props.help}
            {props.fixed !== undefined && <strong className="fixed"> {props.fixed}</strong>}
          </p>
        )}
      </div>
      <input
        id={id}
        type="checkbox"
        role="switch"
        className="switch"
        checked={props.checked}
        disabled={props.fixed !== undefined}
        aria-describedby={props.help === undefined && props.fixed === undefined ? undefined : `${id}help`}
        onChange={(event) => props.onChange(event.target.checked)}
      />
    </div>
  );
}
