/** A few choices of which one holds; arrows move, as in any radio group. */
import { useId } from 'react';

export function Segmented<V extends string>(props: {
  legend: string;
  hideLegend?: boolean;
  value: V;
  options: readonly { value: V; label: string; title?: string }[];
  onChange: (value: V) => void;
}) {
  const name = useId();
  return (
    <fieldset className="segmented">
      <legend className={props.hideLegend === true ? 'only-heard' : undefined}>{props.legend}</legend>
      <div>
        {props.options.map((option) => (
          <label key={option.value} title={option.title}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === props.value}
              onChange={() => props.onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
