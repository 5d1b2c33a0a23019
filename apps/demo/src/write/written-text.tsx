import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Marked } from '../marked.js';
import type { Token } from './protocol.js';
import { degrees, spokenOf, surprise } from './wording.js';

interface WrittenTextProps {
  tokens: readonly Token[];
  /** The model sees them from this one on. */
  from: number;
  /** Index of the one that stands out, … */
  lit: number | undefined;
  /** … and of the one that does so when none is under the mouse. */
  chosen: number | undefined;
  /** Called with the token under the mouse, and without one when it leaves. */
  peek: (index: number | undefined) => void;
  choose: (index: number | undefined) => void;
}

/** The text, its tokens coloured by how probable they were; by pointer, finger or arrow keys. */
export function WrittenText({ tokens, from, lit, chosen, peek, choose }: WrittenTextProps) {
  const frame = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const spans = useMemo(
    () => tokens.map((token, i) => <Piece key={i} token={token} index={i} forgotten={i < from} />),
    [tokens, from],
  );
  useLayoutEffect(() => {
    const { children } = frame.current!;
    for (const element of frame.current!.querySelectorAll('.lit, [aria-selected=true]')) {
      element.classList.remove('lit');
      element.setAttribute('aria-selected', 'false');
    }
    children[lit ?? -1]?.classList.add('lit');
    children[chosen ?? -1]?.setAttribute('aria-selected', 'true');
  }, [spans, lit, chosen]);
  // What is being written stays in sight, unless the visitor has scrolled away from it.
  useLayoutEffect(() => {
    const element = frame.current!;
    if (atEnd.current) element.scrollTop = element.scrollHeight;
  }, [spans]);

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return choose(undefined);
    const next = step(event.key, chosen, tokens.length);
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
    <>
      <div
        class="written"
        ref={frame}
        dir="auto"
        role="listbox"
        tabIndex={0}
        aria-label="The text, token by token"
        aria-orientation="horizontal"
        aria-describedby="lens"
        aria-activedescendant={chosen === undefined ? undefined : `written-${chosen}`}
        onKeyDown={press}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          atEnd.current = scrollTop + clientHeight > scrollHeight - 8;
        }}
        onPointerOver={(event) => event.pointerType === 'mouse' && peek(under(event))}
        onPointerLeave={() => peek(undefined)}
        onClick={(event) => {
          const index = under(event);
          if (index !== undefined) choose(index === chosen ? undefined : index);
        }}
      >
        {spans}
      </div>
      <Legend />
    </>
  );
}

function Piece({ token, index, forgotten }: { token: Token; index: number; forgotten: boolean }) {
  const { text, name, special, choice } = token;
  const classes = [
    'written-token',
    choice ? `surprise-${surprise(choice.probability)}` : 'given',
    forgotten && 'forgotten',
    choice?.picked && 'picked',
  ];
  // The space before a word has no colour: it would stand alone where a line is broken.
  const word = text.trimStart() || text;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and tells which is active
    <span
      id={`written-${index}`}
      role="option"
      aria-selected="false"
      aria-label={spokenOf(token)}
      data-index={index}
    >
      {text.slice(0, text.length - word.length)}
      <span class={classes.filter(Boolean).join(' ')}>
        {word !== '' ? (
          <Marked text={word} spaces={false} />
        ) : (
          <Sign name={name} special={special} />
        )}
      </span>
    </span>
  );
}

/** What has no text of its own: where a text begins or ends, part of a character. */
function Sign({ name, special }: { name: string; special: boolean }) {
  return <span class={special ? 'sign special' : 'sign'} data-sign={name} />;
}

function Legend() {
  return (
    <p class="degrees">
      <span>How probable it was:</span>
      {degrees.map((degree, i) => (
        <span key={degree} class={`degree surprise-${i}`}>
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
