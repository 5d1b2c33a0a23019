import { percent } from '../percent.js';
import type { Analysis, Blank } from './protocol.js';
import { MASK, readable } from './sentence.js';

interface GuessesProps {
  analysis: Analysis;
  fill: (index: number, token: string) => void;
}

/** For each blank the likeliest words; a click writes one into the sentence. */
export function Guesses({ analysis: { blanks, milliseconds }, fill }: GuessesProps) {
  return (
    <section aria-labelledby="guesses">
      <h2 id="guesses">Guesses</h2>
      <p class="visually-hidden" role="status">
        {blanks.map(summary).join(' ')}
      </p>
      {blanks.length === 0 ? (
        <p>
          Nothing to guess: the sentence has no <code>{MASK}</code>.
        </p>
      ) : (
        <>
          <p>
            The longer the bar, the surer the model. Click a word to write it into the sentence.{' '}
            <small class="timing">Answered in {milliseconds.toFixed(0)} ms.</small>
          </p>
          <div class="blanks">
            {blanks.map(({ position, candidates }, index) => (
              <article key={position} class="blank">
                {blanks.length > 1 && <h3>Blank {index + 1}</h3>}
                <ol class="plain">
                  {candidates.map(({ token, probability }) => (
                    <li key={token}>
                      <button
                        type="button"
                        class="guess"
                        data-token={token}
                        data-probability={probability}
                        onClick={() => fill(index, token)}
                      >
                        <span class="word">{readable(token)}</span>
                        <span class="bar" style={{ '--part': probability }} />
                        <span class="percent">{percent(probability)}</span>
                      </button>
                    </li>
                  ))}
                </ol>
              </article>
            ))}
          </div>
        </>
      )}
    </section>
  );
}

function summary({ candidates }: Blank, index: number): string {
  const best = candidates.slice(0, 3).map((c) => `${readable(c.token)} ${percent(c.probability)}`);
  return `Blank ${index + 1}: ${best.join(', ')}.`;
}
