import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Marked } from '../marked.js';
import { colour, indexUnder } from './colored-text.js';
import type { Token } from './protocol.js';

interface PieceListProps {
  /** What its parts are called by, in the page. */
  id: string;
  label: string;
  tokens: readonly Token[];
  /** Index of the token that the readout is about. */
  chosen: number | undefined;
  /** Indices of those that have the characters that stand out. */
  lit: ReadonlySet<number>;
  /** List their ids in place of their spelling. */
  asIds: boolean;
  choose: (token: number | undefined) => void;
}

/** The tokens as the vocabulary spells them; by pointer, finger or arrow keys. */
export function PieceList({ id, label, tokens, chosen, lit, asIds, choose }: PieceListProps) {
  const list = useRef<HTMLDivElement>(null);
  const options = useMemo(
    () => tokens.map((token, i) => option(token, i, id, asIds)),
    [tokens, id, asIds],
  );
  useLayoutEffect(() => {
    for (let i = 0; i < tokens.length; i++) {
      const element = list.current!.children[i]!;
      element.classList.toggle('lit', lit.has(i));
      element.setAttribute('aria-selected', String(i === chosen));
    }
  }, [tokens, lit, chosen]);

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return choose(undefined);
    const next = step(event.key, chosen, tokens.length);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    list.current!.children[next]!.scrollIntoView({ block: 'nearest' });
  };
  const point = (event: Event) => {
    const index = indexUnder(event);
    if (index !== undefined) choose(index);
  };
  return (
    <div
      class="pieces"
      id={id}
      ref={list}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-orientation="horizontal"
      aria-describedby={`${id}-readout`}
      aria-activedescendant={chosen === undefined ? undefined : `${id}-${chosen}`}
      onKeyDown={press}
      onPointerOver={point}
      onClick={point}
    >
      {options}
    </div>
  );
}

function option({ piece, id: tokenId, kind }: Token, i: number, id: string, asIds: boolean) {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and tells which is active
    <span
      key={i}
      class={`piece ${kind}`}
      id={`${id}-${i}`}
      role="option"
      aria-selected="false"
      data-index={i}
      style={{ '--own': colour(i) }}
    >
      {asIds ? tokenId : <Marked text={piece} />}
    </span>
  );
}

/** The token that a key leads to. */
function step(key: string, now: number | undefined, length: number): number | undefined {
  if (length === 0) return undefined;
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return now === undefined ? 0 : Math.min(now + 1, length - 1);
    case 'ArrowLeft':
    case 'ArrowUp':
      return now === undefined ? length - 1 : Math.max(now - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return length - 1;
    default:
      return undefined;
  }
}
