import { useMemo, useRef } from 'preact/hooks';
import { spokenOf } from '../spoken.js';
import { Degrees, TokenPiece, TokenText } from '../token-text.js';
import { SEGMENT, type TokenText as Text } from './protocol.js';
import { degreeOf, degrees, signed, turnOf, turns } from './wording.js';

interface LossTextProps {
  text: Text;
  bits: Float32Array;
  /** Bits without memory, where the colours are to tell the change from there. */
  without: Float32Array | undefined;
  /** Tokens that memory changed most. */
  marked: ReadonlySet<number>;
  lit: number | undefined;
  chosen: number | undefined;
  peek: (index: number | undefined) => void;
  choose: (index: number | undefined) => void;
}

/** The text, its tokens coloured by how surprising they are or became, with the borders of its segments. */
export function LossText({ text: { tokens }, bits, without, marked, ...choice }: LossTextProps) {
  const frame = useRef<HTMLDivElement>(null);
  const pieces = useMemo(
    () =>
      tokens.map((token, index) => {
        const { text, name, unknown } = token;
        const change = without && bits[index]! - without[index]!;
        const classes = [
          change === undefined ? `surprise-${degreeOf(bits[index]!)}` : `change-${turnOf(change)}`,
          unknown && 'unknown',
          marked.has(index) && 'marked',
        ];
        // The model reads one token of its own before the first, the text's beginning.
        const begins = (index + 1) % SEGMENT === 0 ? String((index + 1) / SEGMENT + 1) : undefined;
        return (
          <TokenPiece
            key={index}
            id="read"
            {...{ index, text, name }}
            border={begins}
            class={classes.filter(Boolean).join(' ')}
            spoken={`${spokenOf(token) ?? text.trim()}: ${spokenBits(bits[index]!, change)}`}
          />
        );
      }),
    [tokens, bits, without, marked],
  );
  return (
    <>
      <TokenText
        id="read"
        label="The text, token by token"
        describedBy="memory-lens"
        frame={frame}
        {...choice}
      >
        {pieces}
      </TokenText>
      {without ? (
        <Degrees kind="change" label="Bits of surprise, against no memory:" degrees={turns} />
      ) : (
        <Degrees label="Surprise, each bit of which halves the probability:" degrees={degrees} />
      )}
      <p class="degrees">
        <span>
          <span class="border-sample" data-border="2" /> here segment 2 begins
        </span>
        <span>
          <span class="token-piece marked">word</span> memory changed it most
        </span>
        <span>
          <span class="token-piece unknown">word</span> not in the vocabulary
        </span>
      </p>
    </>
  );
}

function spokenBits(bits: number, change: number | undefined): string {
  const against = change === undefined ? '' : `, ${signed(change)} against no memory`;
  return `${bits.toFixed(1)} bits${against}`;
}
