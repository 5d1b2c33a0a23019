import { Slider } from '../slider.js';
import type { Settings } from './protocol.js';

/** The stops of the slider for top-k; 0 is all. */
const TOP_KS = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 0];
const PACES = [4, 12, 30];

export const usual: Settings = {
  temperature: 0.8,
  topK: 50,
  topP: 0.95,
  length: 80,
  onContextFull: 'slide',
  seed: undefined,
  pace: 12,
};

interface ControlsProps {
  settings: Settings;
  change: (changed: Partial<Settings>) => void;
}

/** How tokens are drawn, how many, and how fast. */
export function Controls({ settings, change }: ControlsProps) {
  const { temperature, topK, topP, length, onContextFull, seed, pace } = settings;
  const greedy = temperature === 0;
  return (
    <section aria-label="How it writes" class="controls">
      <Slider
        id="temperature"
        label="Temperature"
        shown={temperature.toFixed(2)}
        says={
          greedy
            ? 'always the most probable token'
            : temperature < 1
              ? 'the probable more often than the model says'
              : temperature === 1
                ? 'as often as the model says'
                : 'the improbable more often than the model says'
        }
        range={{ min: 0, max: 2, step: 0.05, value: temperature }}
        change={(value) => change({ temperature: value })}
      />
      <Slider
        id="top-k"
        label="Top-k"
        shown={topK === 0 ? 'all' : String(topK)}
        says={
          greedy
            ? 'nothing is drawn'
            : topK === 0
              ? 'among all tokens'
              : `among the ${topK} most probable`
        }
        range={{ min: 0, max: TOP_KS.length - 1, step: 1, value: TOP_KS.indexOf(topK) }}
        disabled={greedy}
        change={(value) => change({ topK: TOP_KS[value]! })}
      />
      <Slider
        id="top-p"
        label="Top-p"
        shown={topP.toFixed(2)}
        says={
          greedy
            ? 'nothing is drawn'
            : topP === 1
              ? 'however improbable'
              : `among those that make up ${Math.round(topP * 100)} %`
        }
        range={{ min: 0.05, max: 1, step: 0.05, value: topP }}
        disabled={greedy}
        change={(value) => change({ topP: value })}
      />
      <details>
        <summary>Length, pace, context, seed</summary>
        <div class="controls">
          <Slider
            id="length"
            label="Length"
            shown={String(length)}
            says="tokens at most"
            range={{ min: 10, max: 400, step: 10, value: length }}
            change={(value) => change({ length: value })}
          />
          <label>
            Pace
            <select
              value={pace ?? 'all'}
              onChange={({ currentTarget: { value } }) =>
                change({ pace: value === 'all' ? undefined : Number(value) })
              }
            >
              {PACES.map((one) => (
                <option key={one} value={one}>
                  {one} tokens a second
                </option>
              ))}
              <option value="all">As fast as it can</option>
            </select>
          </label>
          <label>
            When the context is full
            <select
              value={onContextFull}
              onChange={({ currentTarget: { value } }) =>
                change({ onContextFull: value === 'stop' ? 'stop' : 'slide' })
              }
            >
              <option value="slide">Forget the older half</option>
              <option value="stop">Stop</option>
            </select>
          </label>
          <label>
            Seed
            <input
              type="number"
              min="0"
              max={2 ** 32 - 1}
              step="1"
              placeholder="another each time"
              value={seed ?? ''}
              disabled={greedy}
              onInput={({ currentTarget: { valueAsNumber, validity } }) =>
                change({ seed: validity.valid && valueAsNumber >= 0 ? valueAsNumber : undefined })
              }
            />
          </label>
        </div>
      </details>
    </section>
  );
}
