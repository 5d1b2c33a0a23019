import { useMemo, useState } from 'preact/hooks';
import { type Head, headWeights, strongest } from './attention.js';
import { percent } from './guesses.js';
import { type Cell, HeatMap } from './heat-map.js';
import type { Analysis } from './protocol.js';
import { MASK } from './sentence.js';

/** The attention of a chosen layer and head. */
export function AttentionView({ analysis }: { analysis: Analysis }) {
  const { attention, tokens } = analysis;
  const { layers, heads, length } = attention;
  const [layer, setLayer] = useState(layers - 1);
  const [head, setHead] = useState<Head>('mean');
  const [chosen, setChosen] = useState<Cell>();
  const weights = useMemo(() => headWeights(attention, layer, head), [attention, layer, head]);

  // Until a cell is chosen, the blank and what it looks at most.
  const firstRow = Math.max(
    tokens.findIndex(({ text }) => text === MASK),
    0,
  );
  const fits = chosen && chosen.row < length && chosen.column < length;
  const row = fits ? chosen.row : firstRow;
  const most = strongest(weights, length, row);
  const cell: Cell = fits ? chosen : { row, column: most[0]! };
  const labels = tokens.map(({ text }) => text);

  return (
    <section aria-labelledby="attention">
      <h2 id="attention">Attention</h2>
      <p>
        Each row is a token, and its squares show how much it looks at the token of each column: the
        stronger the colour, the more. Every layer has several heads, and each looks for something
        of its own.
      </p>
      <div class="pickers">
        <label>
          Layer
          <select
            value={layer}
            onChange={({ currentTarget }) => setLayer(Number(currentTarget.value))}
          >
            {range(layers).map((i) => (
              <option key={i} value={i}>
                {i + 1} of {layers}
              </option>
            ))}
          </select>
        </label>
        <label>
          Head
          <select
            value={head}
            onChange={({ currentTarget: { value } }) =>
              setHead(value === 'mean' ? value : Number(value))
            }
          >
            <option value="mean">Average</option>
            {range(heads).map((i) => (
              <option key={i} value={i}>
                {i + 1} of {heads}
              </option>
            ))}
          </select>
        </label>
      </div>
      <output class="readout" id="readout" aria-live="polite">
        <span class="readout-cell">
          “<b>{labels[cell.row]}</b>” looks at “<b>{labels[cell.column]}</b>”{' '}
          <strong>{percent(weights[cell.row * length + cell.column]!)}</strong>
        </span>
        <small>
          Most of all at{' '}
          {most
            .slice(0, 3)
            .map((column) => `“${labels[column]}” ${percent(weights[row * length + column]!)}`)
            .join(', ')}
        </small>
      </output>
      <HeatMap weights={weights} labels={labels} cell={cell} choose={setChosen} />
      <Numbers weights={weights} labels={labels} />
    </section>
  );
}

/** The same as a table, for reading one by one or aloud. */
function Numbers({ weights, labels }: { weights: Float32Array; labels: string[] }) {
  const [open, setOpen] = useState(false);
  const { length } = labels;
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>As a table of numbers</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <section class="scroll" tabIndex={0} aria-label="Attention in percent">
          <table class="numbers">
            <thead>
              <tr>
                <th scope="col">%</th>
                {labels.map((label, i) => (
                  <th key={i} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map((label, row) => (
                <tr key={row}>
                  <th scope="row">{label}</th>
                  {range(length).map((column) => (
                    <td key={column}>{(weights[row * length + column]! * 100).toFixed(1)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
