import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { spokenOf } from '../spoken.js';
import { Degrees, TokenPiece, TokenText } from '../token-text.js';
import type { Token } from './protocol.js';
import { degrees, surprise } from './wording.js';

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

/** The text, its tokens coloured by how probable they were. */
export function WrittenText({ tokens, from, ...choice }: WrittenTextProps) {
  const frame = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const pieces = useMemo(
    () => tokens.map((token, i) => <Piece key={i} token={token} index={i} forgotten={i < from} />),
    [tokens, from],
  );
  // What is being written stays in sight, unless the visitor has scrolled away from it.
  useLayoutEffect(() => {
    const element = frame.current!;
    if (atEnd.current) element.scrollTop = element.scrollHeight;
  }, [pieces]);
  return (
    <>
      <TokenText
        id="written"
        label="The text, token by token"
        describedBy="lens"
        frame={frame}
        {...choice}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          atEnd.current = scrollTop + clientHeight > scrollHeight - 8;
        }}
      >
        {pieces}
      </TokenText>
      <Degrees label="How probable it was:" degrees={degrees} />
    </>
  );
}

function Piece({ token, index, forgotten }: { token: Token; index: number; forgotten: boolean }) {
  const { text, name, special, choice } = token;
  const classes = [
    choice ? `surprise-${surprise(choice.probability)}` : 'given',
    forgotten && 'forgotten',
    choice?.picked && 'picked',
  ];
  return (
    <TokenPiece
      id="written"
      {...{ index, text, name, special }}
      class={classes.filter(Boolean).join(' ')}
      spoken={spokenOf(token)}
    />
  );
}
