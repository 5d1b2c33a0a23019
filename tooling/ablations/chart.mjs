// How far back the models look, as an SVG picture.
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

const THRESHOLD = 0.01; // of a gain, for RECL

/**
 * What contexts cost, and what a step more gains.
 *
 * @param points `{ memory, context, loss, gain }`
 * @param ratio the share of the tokens that the gains are of
 */
export async function contextPlot(points, ratio) {
  const memories = [...new Set(points.map(({ memory }) => memory))];
  const color = {
    field: 'memory',
    type: 'nominal',
    title: 'memory',
    sort: memories,
    scale: { domain: memories, range: ['#64748b', '#8fb3d9', '#2563a8', '#c2410c', '#7c2d12'] },
  };
  const x = (title) => ({
    field: 'context',
    type: 'quantitative',
    title,
    scale: { zero: false, nice: false },
    axis: { values: [...new Set(points.map(({ context }) => context))] },
  });
  const line = { type: 'line', strokeWidth: 2, point: { size: 36 } };
  const size = { width: 320, height: 260 };
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    ...{ background: 'white', padding: 12 },
    config: {
      font: 'sans-serif',
      axis: { labelFontSize: 11, titleFontSize: 12 },
      view: { stroke: null },
    },
    hconcat: [
      {
        ...size,
        data: { values: points },
        mark: line,
        encoding: {
          x: x('tokens of context'),
          y: {
            field: 'loss',
            type: 'quantitative',
            title: 'nats a token',
            scale: { zero: false },
          },
          color,
        },
      },
      {
        ...size,
        layer: [
          {
            data: { values: points.filter(({ gain }) => gain !== undefined) },
            mark: line,
            encoding: {
              x: x('tokens of context, c'),
              y: {
                field: 'gain',
                type: 'quantitative',
                title: `relative gain of c + Δ, r = ${ratio}`,
                axis: { format: '%' },
              },
              color,
            },
          },
          {
            data: { values: [{ gain: THRESHOLD }] },
            mark: { type: 'rule', strokeDash: [4, 4], color: '#444' },
            encoding: { y: { field: 'gain', type: 'quantitative' } },
          },
        ],
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}
