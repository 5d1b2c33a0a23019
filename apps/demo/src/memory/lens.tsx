import { Marked } from '../marked.js';
import { changeOf, perplexity } from './gains.js';
import { MEMORIES } from './protocol.js';
import type { Reading } from './use-memory.js';
import { figure, reasonOf } from './wording.js';

interface LensProps {
  reading: Reading;
  /** The token that is told of; without one, the whole text. */
  index: number | undefined;
  memory: number;
  remember: (memory: number) => void;
}

/** What a token, or the whole text, costs with each length of memory. */
export function Lens({ reading, index, memory, remember }: LensProps) {
  const { tokens, measured } = reading;
  const costOf = (bits: Float32Array) => (index === undefined ? perplexity(bits) : bits[index]!);
  const values = MEMORIES.map((length) => {
    const bits = measured.get(length)?.bits;
    return { length, value: bits && costOf(bits) };
  });
  const most = Math.max(...values.map(({ value }) => value ?? 0));
  const token = index === undefined ? undefined : tokens[index]!;
  return (
    <section class="lens" id="memory-lens" aria-label="By length of memory">
      <header>
        {token ? (
          <>
            <b class="spelled">
              <Marked text={token.text.trim() || token.name} />
            </b>
            <small>
              token {index! + 1} of {tokens.length}
            </small>
          </>
        ) : (
          <b>The whole text</b>
        )}
      </header>
      <p aria-live="polite">
        {token ? (
          <TokenNote reading={reading} index={index!} memory={memory} />
        ) : (
          'Its perplexity: among how many words, as it were, the model hesitates at each. Choose a token for its own figures.'
        )}
      </p>
      <p class="step heads" aria-hidden="true">
        <span>memory</span>
        <span />
        <span>{token ? 'bits' : 'perplexity'}</span>
      </p>
      <ol class="plain">
        {values.map(({ length, value }) => (
          <li key={length}>
            <button
              type="button"
              class={length === memory ? 'step chosen' : 'step'}
              aria-current={length === memory ? 'true' : undefined}
              onClick={() => remember(length)}
            >
              <span>{length === 0 ? 'none' : length}</span>
              <span class="bar" style={{ '--part': value === undefined ? 0 : value / most }} />
              <span class="percent">
                {value === undefined ? '…' : token ? value.toFixed(1) : figure(value)}
                <span class="visually-hidden">{token ? ' bits' : ' perplexity'}</span>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function TokenNote({ reading, index, memory }: Omit<LensProps, 'remember'> & { index: number }) {
  const [without, withMemory] = [0, memory].map((length) => reading.measured.get(length)?.bits);
  if (!without || !withMemory) return <>…</>;
  const bits = withMemory[index]!;
  const said = `${bits.toFixed(1)} bits: to the model, one chance in ${figure(2 ** bits)}`;
  if (memory === 0) return <>{said}.</>;
  const change = changeOf(reading.tokens, { index, without, withMemory, memory });
  const difference = change.with - change.without;
  return (
    <>
      {said}; without memory {change.without.toFixed(1)}
      {Math.abs(difference) >= 0.5 && change.why.reason !== 'other' && ` (${reasonOf(change)})`}.
    </>
  );
}
