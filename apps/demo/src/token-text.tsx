import type { ComponentChildren, RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { Marked } from './marked.js';

interface TokenTextProps {
  /** What the ids of its tokens begin with. */
  id: string;
  label: string;
  /** The id of what tells of the chosen token. */
  describedBy: string;
  frame: RefObject<HTMLDivElement | null>;
  /** A `TokenPiece` each; made anew only where something about them changed. */
  children: readonly ComponentChildren[];
  /** Index of the one that stands out, … */
  lit: number | undefined;
  /** … and of the one that does so when none is under the mouse. */
  chosen: number | undefined;
  /** Called with the token under the mouse, and without one when it leaves. */
  peek: (index: number | undefined) => void;
  choose: (index: number | undefined) => void;
  onScroll?: (event: { currentTarget: HTMLDivElement }) => void;
}

/** A text whose tokens can be gone through by pointer, finger or arrow keys. */
export function TokenText(props: TokenTextProps) {
  const { id, label, describedBy, frame, children, lit, chosen, peek, choose, onScroll } = props;
  useLayoutEffect(() => {
    const tokens = frame.current!.children;
    for (const element of frame.current!.querySelectorAll('.lit, [aria-selected=true]')) {
      element.classList.remove('lit');
      element.setAttribute('aria-selected', 'false');
    }
    tokens[lit ?? -1]?.classList.add('lit');
    tokens[chosen ?? -1]?.setAttribute('aria-selected', 'true');
  }, [children, lit, chosen]);

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return choose(undefined);
    const next = step(event.key, chosen, children.length);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    frame.current!.children[next]!.scrollIntoView({ block: 'nearest' });
  };
  const under = ({ target }: Event) => {
    const element = (target as Element).closest<HTMLElement>('[data-index]');
    return element ? Number(element.dataset.index) : undefined;
  };
  return (
    <div
      class="token-text"
      ref={frame}
      dir="auto"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-orientation="horizontal"
      aria-describedby={describedBy}
      aria-activedescendant={chosen === undefined ? undefined : `${id}-${chosen}`}
      onKeyDown={press}
      onScroll={onScroll}
      onPointerOver={(event) => event.pointerType === 'mouse' && peek(under(event))}
      onPointerLeave={() => peek(undefined)}
      onClick={(event) => {
        const index = under(event);
        if (index !== undefined) choose(index === chosen ? undefined : index);
      }}
    >
      {children}
    </div>
  );
}

interface TokenPieceProps {
  /** That of the text. */
  id: string;
  index: number;
  /** Its part of the text, with the space before it. */
  text: string;
  /** What has no text of its own is shown by its name. */
  name: string;
  special?: boolean;
  /** What begins with it, said before it. */
  border?: string | undefined;
  /** Of the word, without the space. */
  class: string;
  spoken: string | undefined;
}

export function TokenPiece(props: TokenPieceProps) {
  const { id, index, text, name, special = false, border, spoken } = props;
  // The space before a word has no colour: it would stand alone where a line is broken.
  const word = text.trimStart() || text;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and tells which is active
    <span
      id={`${id}-${index}`}
      role="option"
      aria-selected="false"
      aria-label={spoken}
      data-index={index}
      data-border={border}
    >
      {text.slice(0, text.length - word.length)}
      <span class={`token-piece ${props.class}`}>
        {word !== '' ? (
          <Marked text={word} spaces={false} />
        ) : (
          <span class={special ? 'sign special' : 'sign'} data-sign={name} />
        )}
      </span>
    </span>
  );
}

interface DegreesProps {
  label: string;
  degrees: readonly string[];
  /** What the class of each begins with. */
  kind?: 'surprise' | 'change';
}

/** What the colours of a text stand for, from the smallest to the greatest. */
export function Degrees({ label, degrees, kind = 'surprise' }: DegreesProps) {
  return (
    <p class="degrees">
      <span>{label}</span>
      {degrees.map((degree, i) => (
        <span key={degree} class={`degree ${kind}-${i}`}>
          {degree}
        </span>
      ))}
    </p>
  );
}

/** The token that a key leads to. */
function step(key: string, now: number | undefined, length: number): number | undefined {
  if (length === 0) return undefined;
  const last = length - 1;
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return now === undefined ? 0 : Math.min(now + 1, last);
    case 'ArrowLeft':
    case 'ArrowUp':
      return now === undefined ? last : Math.max(now - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
