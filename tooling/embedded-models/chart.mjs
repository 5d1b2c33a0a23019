// The loss curve as an SVG picture.
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

/**
 * @param log lines of `training-log.jsonl`
 * @param baselines `[{ label, loss }]`, drawn as level lines
 * @param title what the loss is of
 */
export async function lossCurve(log, baselines, title) {
  const heldOut = log.filter(({ evalLoss }) => evalLoss !== undefined);
  const lowest = Math.min(...baselines.map(({ loss }) => loss));
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 620,
    height: 320,
    background: 'white',
    padding: 12,
    config: {
      font: 'sans-serif',
      axis: { labelFontSize: 11, titleFontSize: 12 },
      view: { stroke: null },
    },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step' },
      y: {
        field: 'loss',
        type: 'quantitative',
        title,
        scale: { zero: false, nice: true },
      },
    },
    layer: [
      {
        data: { values: smoothed(log) },
        mark: { type: 'line', strokeWidth: 1, opacity: 0.8 },
        encoding: { color: series('training') },
      },
      {
        data: { values: heldOut.map(({ step, evalLoss }) => ({ step, loss: evalLoss })) },
        mark: { type: 'line', strokeWidth: 2, point: true },
        encoding: { color: series('held out') },
      },
      {
        data: { values: baselines },
        layer: [
          { mark: { type: 'rule', strokeDash: [4, 4], color: '#666' }, encoding: { x: null } },
          // Their names above them, that of the lowest below, where it is in nobody's way.
          ...[false, true].map((isLowest) => ({
            transform: [{ filter: `(datum.loss === ${lowest}) === ${isLowest}` }],
            mark: {
              type: 'text',
              align: 'right',
              dy: isLowest ? 10 : -6,
              color: '#444',
              fontSize: 11,
            },
            encoding: { x: { value: 616 }, text: { field: 'label' } },
          })),
        ],
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

const series = (name) => ({
  datum: name,
  type: 'nominal',
  title: null,
  scale: { domain: ['training', 'held out'], range: ['#8fb3d9', '#c2410c'] },
});

/** About 400 points, each the mean of the steps since the one before. */
function smoothed(log) {
  const width = Math.max(1, Math.ceil(log.length / 400));
  const points = [];
  for (let start = 0; start < log.length; start += width) {
    const lines = log.slice(start, start + width);
    const loss = lines.reduce((sum, line) => sum + line.loss, 0) / lines.length;
    points.push({ step: lines.at(-1).step, loss });
  }
  return points;
}
