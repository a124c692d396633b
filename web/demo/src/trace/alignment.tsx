/**
 * Two questions and what in them stands for what. Every word wears the line of its kind: same, equivalent (double), similar
 * (wavy), unmatched (a dashed box); pairs that differ, or stand elsewhere, have a number that both words carry, and stand
 * once more in a list. Pointing at a word shows its partner.
 */
import { type ReactNode, useMemo, useState } from 'react';
import type { PromptLink } from 'tierwise';

type Relation = PromptLink[4];
interface Pair {
  stored: readonly [number, number];
  asked: readonly [number, number];
  relation: Relation;
  /** The same words, in another place. */
  moved: boolean;
  /** Of pairs that are in the list. */
  number: number | undefined;
}

export function Alignment({ stored, asked, links }: { stored: string; asked: string; links: readonly PromptLink[] }) {
  const pairs = useMemo(() => pairsOf(links, stored, asked), [links, stored, asked]);
  const [pointed, setPointed] = useState<number>();
  const side = (text: string, part: 'stored' | 'asked') => (
    <Marked text={text} part={part} pairs={pairs} pointed={pointed} onPoint={setPointed} />
  );
  const numbered = pairs.filter(({ number }) => number !== undefined);
  const lonely = (part: 'stored' | 'asked', text: string) =>
    pairs
      .filter(({ relation, [part]: [from, to] }) => relation === 'unmatched' && to > from)
      .map(({ [part]: [from, to] }) => text.slice(from, to));
  return (
    <div className="alignment">
      <dl>
        <dt>Then</dt>
        <dd dir="auto" {...scrolled(stored)}>
          {side(stored, 'stored')}
        </dd>
        <dt>Now</dt>
        <dd dir="auto" {...scrolled(asked)}>
          {side(asked, 'asked')}
        </dd>
      </dl>
      <ul className="pairs">
        {numbered.map(({ number, relation, moved, stored: [a, b], asked: [c, d] }) => (
          <li key={number}>
            <span className="pair-number">{number}</span> <Word relation={relation}>{stored.slice(a, b)}</Word>
            {' – '}
            <Word relation={relation}>{asked.slice(c, d)}</Word>{' '}
            <span className="muted">
              {moved && relation === 'same' ? 'the same, elsewhere' : relationWords[relation]}
            </span>
          </li>
        ))}
        <Lonely words={lonely('stored', stored)} where="only then" />
        <Lonely words={lonely('asked', asked)} where="only now" />
      </ul>
    </div>
  );
}

/** A pasted page is scrolled in its place, with the keyboard too. */
function scrolled(text: string): { tabIndex?: number; className?: string } {
  return text.length > 300 ? { tabIndex: 0, className: 'long' } : {};
}

const relationWords: Record<Relation, string> = {
  same: 'the same',
  equivalent: 'means the same',
  similar: 'similar',
  unmatched: 'no partner',
};

function Lonely({ words, where }: { words: readonly string[]; where: string }) {
  if (words.length === 0) return null;
  return (
    <li>
      {words.map((word, at) => (
        <span key={at}>
          <Word relation="unmatched">{word}</Word>{' '}
        </span>
      ))}
      <span className="muted">{where}</span>
    </li>
  );
}

function Word({ relation, children }: { relation: Relation; children: ReactNode }) {
  return <bdi className={`word word-${relation}`}>{children}</bdi>;
}

function Marked(props: {
  text: string;
  part: 'stored' | 'asked';
  pairs: readonly Pair[];
  pointed: number | undefined;
  onPoint: (pair: number | undefined) => void;
}) {
  const { text, part, pairs, pointed, onPoint } = props;
  const shown: ReactNode[] = [];
  let end = 0;
  const inOrder = [...pairs.keys()].sort((a, b) => pairs[a]![part][0] - pairs[b]![part][0]);
  for (const at of inOrder) {
    const { [part]: place, relation, number } = pairs[at]!;
    const [from, to] = place;
    // What has no place on this side; what would overlap (nothing does) would tear the text.
    if (to <= from || from < end) continue;
    shown.push(text.slice(end, from));
    shown.push(
      <span
        key={at}
        className={`word word-${relation}${pointed === at && relation !== 'unmatched' ? ' pointed' : ''}`}
        onPointerEnter={() => onPoint(at)}
        onPointerLeave={() => onPoint(undefined)}
      >
        {text.slice(from, to)}
        {number !== undefined && <sup aria-hidden="true">{number}</sup>}
      </span>,
    );
    end = to;
  }
  return (
    <>
      {shown}
      {text.slice(end)}
    </>
  );
}

/** In the order of the stored question; those of the asked one alone last. */
function pairsOf(links: readonly PromptLink[], stored: string, asked: string): Pair[] {
  const pairs = links.map(([a, b, c, d, relation]) => ({ stored: [a, b], asked: [c, d], relation }) as const);
  const linked: (typeof pairs)[number][] = [];
  for (const pair of pairs
    .filter(({ relation }) => relation !== 'unmatched')
    .sort((one, other) => one.stored[0] - other.stored[0])) {
    const last = linked.at(-1);
    // Words that are the same in both, side by side, are one.
    if (last?.relation === 'same' && pair.relation === 'same' && neighbours(last, pair, stored, asked)) {
      linked[linked.length - 1] = {
        stored: [last.stored[0], pair.stored[1]],
        asked: [last.asked[0], pair.asked[1]],
        relation: 'same',
      };
    } else linked.push(pair);
  }
  const inPlace = longestRising(linked.map((pair) => pair.asked[0]));
  let numbers = 0;
  return [...linked, ...pairs.filter(({ relation }) => relation === 'unmatched')].map((pair, at) => {
    const differs =
      pair.relation === 'similar' ||
      (pair.relation === 'equivalent' &&
        stored.slice(...pair.stored).toLowerCase() !== asked.slice(...pair.asked).toLowerCase());
    const moved = pair.relation !== 'unmatched' && !inPlace.has(at);
    return { ...pair, moved, number: differs || moved ? ++numbers : undefined };
  });
}

type Place = Pick<Pair, 'stored' | 'asked'>;
function neighbours(one: Place, other: Place, stored: string, asked: string): boolean {
  return (
    /^\s+$/.test(stored.slice(one.stored[1], other.stored[0])) &&
    /^\s+$/.test(asked.slice(one.asked[1], other.asked[0]))
  );
}

/** Places of a longest rising run; at most some 64 words. */
function longestRising(values: readonly number[]): ReadonlySet<number> {
  const lengths: number[] = [];
  const before: number[] = [];
  let last = -1;
  values.forEach((value, at) => {
    lengths[at] = 1;
    before[at] = -1;
    for (let earlier = 0; earlier < at; earlier++) {
      if (values[earlier]! < value && lengths[earlier]! >= lengths[at]!) {
        lengths[at] = lengths[earlier]! + 1;
        before[at] = earlier;
      }
    }
    if (last < 0 || lengths[at]! > lengths[last]!) last = at;
  });
  const places = new Set<number>();
  for (; last >= 0; last = before[last]!) places.add(last);
  return places;
}
