import { useState } from 'preact/hooks';
import plot from '../../../../docs/images/memory-against-window.svg';
import { ATTENTIONS, type Race, type Runner } from './protocol.js';
import { figure, perplexityOf, ratioOf, speedOf, tokens as tokensOf } from './wording.js';

interface RaceViewProps {
  /** How many tokens the text has. */
  length: number;
  race: Race | undefined;
  start: (attention: number) => void;
  stop: () => void;
}

/** The same text foretold with memory and with a sliding window, side by side. */
export function RaceView({ length, race, start, stop }: RaceViewProps) {
  const possible = ATTENTIONS.filter((attention) => 2 * attention <= length);
  const [wanted, setWanted] = useState(64);
  const attention = possible.includes(wanted as never) ? wanted : possible.at(-1);
  const running = race?.state === 'running';
  const ratio = race && ratioOf(race);
  return (
    <section aria-labelledby="race" class="race">
      <h2 id="race">Memory against a sliding window</h2>
      <p>
        A model without memory would need a window of the tokens before it for each token, computed
        anew each time. With memory every token is computed once, and sees as far. Here both
        foretell your text, in turns.
      </p>
      {attention === undefined ? (
        <p>This text is too short for a race: it takes {tokensOf(2 * ATTENTIONS[0])}.</p>
      ) : (
        <div class="controls">
          <label>
            Each token sees
            <select
              value={attention}
              disabled={running}
              onChange={({ currentTarget }) => setWanted(Number(currentTarget.value))}
            >
              {ATTENTIONS.map((one) => (
                <option key={one} value={one} disabled={!possible.includes(one)}>
                  {tokensOf(one)}
                  {possible.includes(one) ? '' : ': the text is too short'}
                </option>
              ))}
            </select>
          </label>
          <div class="actions">
            <button
              type="button"
              class={running ? 'contrast' : undefined}
              onClick={() => (running ? stop() : start(attention))}
            >
              {running ? 'Stop' : 'Race'}
            </button>
          </div>
        </div>
      )}
      {race && (
        <>
          <Lane name="With memory" runner={race.memory} race={race} />
          <Lane name="With a window" runner={race.window} race={race} />
          <p class="ratio">
            <b>{ratio === undefined ? '…' : `${figure(ratio)}×`}</b> as fast with memory
          </p>
          <p role="status">{stateOf(race, ratio)}</p>
        </>
      )}
      <p>
        The ratio grows with the length: a window of 512 tokens is 512 tokens’ work for each token,
        and memory’s work stays one token’s, a little more for the longer look back.
      </p>
      <details>
        <summary>As it was measured on a quiet machine</summary>
        <figure>
          <img
            src={plot}
            width="558"
            height="363"
            loading="lazy"
            alt="The ratio of the two by the tokens that each token sees: a line through the origin."
          />
          <figcaption>
            A larger model, from 100 to 1,600 tokens: <code>docs/memory.md</code> of the repository
            has the figures and the command.
          </figcaption>
        </figure>
      </details>
    </section>
  );
}

interface LaneProps {
  name: string;
  runner: Runner;
  race: Race;
}

function Lane({ name, runner, race: { tokens } }: LaneProps) {
  const { done, measured, milliseconds } = runner;
  const rounds = Math.floor(measured / tokens);
  const figures = [
    `${done.toLocaleString('en')} of ${tokensOf(tokens)}`,
    measured > 0 && `${figure(speedOf(runner))} tokens a second`,
    // Of other tokens than the other’s it would be no comparison.
    done === tokens && `perplexity ${figure(perplexityOf(runner))}`,
    rounds > 1 ? `has read it ${rounds} times by now` : `${(milliseconds / 1000).toFixed(1)} s`,
  ];
  return (
    <div class="lane">
      <b>{name}</b>
      <progress aria-label={name} value={done} max={tokens} />
      <small class="timing">{figures.filter(Boolean).join(' · ')}</small>
    </div>
  );
}

function stateOf({ state, memory, window, attention }: Race, ratio: number | undefined): string {
  if (state === 'running') return `Racing; the first ${tokensOf(attention)} only lead in.`;
  const times = ratio === undefined ? '' : `: ${figure(ratio)} times as fast with memory`;
  if (state === 'finished') return `Finished${times}.`;
  return `Stopped after ${tokensOf(memory.done)} with memory and ${tokensOf(window.done)} with a window${times}.`;
}
