import { Marked } from '../marked.js';
import type { Token } from './protocol.js';

/** How many tokens a line tells of. */
const MOST = 6;

interface ReadoutProps {
  id: string;
  /** What is shown of the text. */
  text: string;
  tokens: readonly Token[];
  /** The token that was chosen, if it is of this tokenizer. */
  chosen: number | undefined;
  /** The tokens that have the chosen characters, if it is of another. */
  same: readonly number[] | undefined;
}

/** All there is to know of the chosen token, or what has become of its characters here. */
export function Readout({ id, text, tokens, chosen, same }: ReadoutProps) {
  return (
    <output class="token-readout" id={id} aria-live={chosen === undefined ? 'off' : 'polite'}>
      {chosen !== undefined ? (
        <One token={tokens[chosen]!} text={text} />
      ) : same !== undefined ? (
        <Same tokens={same.map((index) => tokens[index]!)} />
      ) : (
        <small>Point at a token or tap it, or go through them with the arrow keys.</small>
      )}
    </output>
  );
}

function One({ token, text }: { token: Token; text: string }) {
  const { piece, id, start, end, word, kind, bytes } = token;
  return (
    <>
      <span>
        <b class="spelled">
          <Marked text={piece} />
        </b>{' '}
        id <strong>{id}</strong>
      </span>
      {kind === 'frame' ? (
        <span>put around the text</span>
      ) : (
        <>
          <span>
            offsets {start}–{end}
            {end > start && (
              <>
                {' '}
                “<Marked text={text.slice(start, end)} />”
              </>
            )}
          </span>
          {word !== null && <span>word {word}</span>}
        </>
      )}
      {kind === 'unknown' && <span>not in the vocabulary</span>}
      {kind === 'special' && <span>a special token</span>}
      {bytes && <span>bytes {bytes.map(hex).join(' ')}</span>}
    </>
  );
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

function Same({ tokens }: { tokens: readonly Token[] }) {
  if (tokens.length === 0) return <span>no token here</span>;
  const more = tokens.length - MOST;
  return (
    <>
      <span>
        here {tokens.length === 1 ? 'one token' : `${tokens.length} tokens`}:{' '}
        {tokens.slice(0, MOST).map(({ piece }, i) => (
          <b key={i} class="spelled">
            <Marked text={piece} />
          </b>
        ))}
        {more > 0 && ` and ${more} more`}
      </span>
      <span>
        id{tokens.length > 1 && 's'}{' '}
        {tokens
          .slice(0, MOST)
          .map(({ id }) => id)
          .join(', ')}
        {more > 0 && ', …'}
      </span>
    </>
  );
}
