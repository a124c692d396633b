/** The parts of a view as links, so that each can be linked and gone back to. Where it is narrow they scroll sideways. */
import { useEffect, useRef } from 'react';

export function Tabs<V extends string>(props: {
  label: string;
  value: V;
  options: readonly { value: V; label: string; href: string }[];
}) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [props.value]);
  return (
    <nav className="tabs" aria-label={props.label}>
      <ul ref={list}>
        {props.options.map(({ value, label, href }) => (
          <li key={value}>
            <a href={href} aria-current={value === props.value ? 'page' : undefined}>
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
