/**
 * A reply's Markdown as React elements: no raw HTML, no images fetched (a picture's address could carry what was
 * said to somebody else), links in a new tab that learns nothing of this one.
 */
import Markdown from 'markdown-to-jsx/react';
import { memo, type ReactNode } from 'react';

import { CopyButton } from './copy-button';

function Link({ href, children }: { href?: string; children?: ReactNode }) {
  return href === undefined || !/^(https?|mailto):/i.test(href) ? (
    <>{children}</>
  ) : (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function Picture({ src, alt }: { src?: string; alt?: string }) {
  return (
    <Link {...(src !== undefined && { href: src })}>
      {alt === undefined || alt === '' ? 'Picture' : `Picture: ${alt}`}
    </Link>
  );
}

function Table({ children }: { children?: ReactNode }) {
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label="Table">
      <table>{children}</table>
    </div>
  );
}

function textOf(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node);
  if (Array.isArray(node)) return node.map(textOf).join('');
  if (typeof node === 'object' && node !== null && 'props' in node)
    return textOf((node.props as { children?: ReactNode }).children);
  return '';
}

function Block({ children }: { children?: ReactNode }) {
  return (
    <div className="code-block" dir="ltr">
      <pre tabIndex={0} role="group" aria-label="Code">
        {children}
      </pre>
      <CopyButton text={() => textOf(children)} label="Copy code" />
    </div>
  );
}

function Heading({ children }: { children?: ReactNode }) {
  return <h3 dir="auto">{children}</h3>;
}
const auto = { props: { dir: 'auto' } };

const options = {
  disableParsingRawHTML: true,
  forceBlock: true,
  optimizeForStreaming: true,
  overrides: {
    a: Link,
    img: Picture,
    table: Table,
    pre: Block,
    h1: Heading,
    h2: Heading,
    h3: Heading,
    h4: Heading,
    h5: Heading,
    h6: Heading,
    p: auto,
    li: auto,
    blockquote: auto,
    code: { props: { dir: 'ltr' } },
  },
};

export const ReplyText = memo(function ReplyText({ text }: { text: string }) {
  return (
    <div className="reply-text" dir="auto">
      <Markdown options={options}>{text}</Markdown>
    </div>
  );
});
