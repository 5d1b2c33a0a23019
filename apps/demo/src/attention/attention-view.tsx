import { useMemo, useState } from 'preact/hooks';
import { percent } from '../percent.js';
import { type Attention, type Head, headWeights, strongest } from './attention.js';
import { type Cell, HeatMap } from './heat-map.js';

interface AttentionViewProps {
  attention: Attention;
  /** One a token. */
  labels: string[];
  /** The token to begin with: until another is chosen, it and what it looks at most. */
  row: number;
  /** Each token looks at itself and those before it alone. */
  causal?: boolean;
}

/** The attention of a chosen layer and head. */
export function AttentionView({
  attention,
  labels,
  row: firstRow,
  causal = false,
}: AttentionViewProps) {
  const { layers, heads, length } = attention;
  const [layer, setLayer] = useState(layers - 1);
  const [head, setHead] = useState<Head>('mean');
  const [choice, setChoice] = useState<{ cell: Cell; firstRow: number }>();
  const weights = useMemo(() => headWeights(attention, layer, head), [attention, layer, head]);

  const chosen = choice?.firstRow === firstRow ? choice.cell : undefined;
  const fits = chosen !== undefined && chosen.row < length && chosen.column < length;
  const row = fits ? chosen.row : firstRow;
  const most = strongest(weights, length, row);
  const cell: Cell = fits ? chosen : { row, column: most[0]! };

  return (
    <section aria-labelledby="attention">
      <h2 id="attention">Attention</h2>
      <p>
        Each row is a token, and its squares show how much it looks at the token of each column: the
        stronger the colour, the more. Every layer has several heads, and each looks for something
        of its own.{causal && ' No token sees what comes after it: half of the square is empty.'}
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
            .slice(0, causal ? Math.min(row + 1, 3) : 3)
            .map((column) => `“${labels[column]}” ${percent(weights[row * length + column]!)}`)
            .join(', ')}
        </small>
      </output>
      <HeatMap
        weights={weights}
        labels={labels}
        cell={cell}
        choose={(next) => setChoice({ cell: next, firstRow })}
        follow={!fits}
        causal={causal}
      />
      <Numbers weights={weights} labels={labels} causal={causal} />
    </section>
  );
}

interface NumbersProps {
  weights: Float32Array;
  labels: string[];
  causal: boolean;
}

/** The same as a table, for reading one by one or aloud. */
function Numbers({ weights, labels, causal }: NumbersProps) {
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
                  {range(causal ? row + 1 : length).map((column) => (
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
