import type { Analysis } from './protocol.js';
import { MASK } from './sentence.js';

interface TokenRowProps {
  analysis: Analysis;
  blankOut: (index: number) => void;
}

/** What the model reads in place of the text; a click makes a word a blank. */
export function TokenRow({ analysis: { tokens }, blankOut }: TokenRowProps) {
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Tokens</h2>
      <p>
        The model reads these {tokens.length} pieces, framed by [CLS] and [SEP]; a rare word falls
        into several, and ## marks one that continues a word. Click one to make its word a blank.
      </p>
      <ol class="plain tokens">
        {tokens.map(({ text, word }, index) => (
          <li key={index}>
            {word === null || text === MASK ? (
              <span class={text === MASK ? 'token mask' : 'token frame'}>{text}</span>
            ) : (
              <button
                type="button"
                class="token"
                title={`Make “${text}” a blank`}
                onClick={() => blankOut(index)}
              >
                {text}
              </button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
