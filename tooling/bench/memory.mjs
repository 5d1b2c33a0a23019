// What memory saves in evaluation (Dai et al. 2019, §3.2 and Table 9), on one thread: Transformer-XL takes
// in a text segment by segment, each with the memory of those before; without memory, every token to be
// foretold needs its own window computed anew. Both ways each token sees the same number of tokens; a
// segment is as long as the memory, as in training. Then what a step of generation costs, whose state has
// the memory's keys and values, and what it would cost if they were computed from hidden states.
//   node scripts/pnpm.mjs --filter @multihead/bench run memory [--rounds 7] [--plot ratio.svg]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Weights } from '@multihead/nn';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { alternate } from './alternate.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, plot: { type: 'string' } },
});
const rounds = { rounds: Number(options.rounds), warmUp: 2 };
const LENGTHS = [100, 200, 400, 800, 1600];

const { variant } = await useWasm({ threads: 1 });
console.log(`Node ${process.versions.node}, kernels: ${variant}`);

const vocabSize = 1000;
const sizes = { dModel: 256, dEmbed: 256, nHead: 4, dHead: 64, dInner: 1024, nLayer: 4 };
const config = new TransfoXLConfig({ vocabSize, ...sizes, memLen: 100, clampLen: -1 });
const model = new TransfoXLLMHeadModel(config, new Weights({ seed: 1 }));
const text = (length) => [Array.from({ length }, (_, i) => (i * 7919) % vocabSize)];

console.log(`4 layers of 256, milliseconds a token

attention  memory  window  ratio  ratio / length`);
const points = [];
for (const length of LENGTHS) {
  const memory = model.initMems(1, length);
  const none = model.initMems(1, 0);
  const foretell = (tokens, targets, mems, lengths) => {
    const inputs = { inputIds: text(tokens), targets: text(targets), mems };
    const outputs = model.forward(inputs, { outputLogits: false, ...lengths });
    const loss = outputs.loss.dataSync()[0];
    outputs.dispose();
    return loss;
  };
  const [segment, window] = await alternate(
    {
      segment: () => foretell(length, length, memory, { memLen: length, sameLength: true }),
      window: () => foretell(length, 1, none, { memLen: 0, sameLength: false }),
    },
    rounds,
  );
  const ratio = window.ratio * length;
  points.push({ length, ratio });
  console.log(
    [
      String(length).padStart(9),
      (segment.ms / length).toFixed(3).padStart(6),
      window.ms.toFixed(1).padStart(6),
      `${ratio.toFixed(0)}×`.padStart(6),
      (ratio / length).toFixed(2).padStart(14),
    ].join('  '),
  );
  for (const tensor of [...memory, ...none]) tensor.dispose();
}
const { slope, explained } = lineThroughOrigin(points);
console.log(`\nratio = ${slope.toFixed(2)} · length explains ${(100 * explained).toFixed(1)} %`);

console.log(`
a token is written, milliseconds a token
memory  keys and values  hidden states  ratio`);
for (const memLen of [128, 400, 1600]) {
  const writer = new TransfoXLLMHeadModel(
    new TransfoXLConfig({ ...config, memLen }),
    new Weights({ seed: 1 }),
  );
  const state = writer.createState({ batch: 1 });
  const mems = writer.initMems(1);
  const [keys, hidden] = await alternate(
    {
      keys: () => writer.step(text(1), state).dispose(),
      hidden: () => writer.forward({ inputIds: text(1), mems }).dispose(),
    },
    { rounds: 5 * rounds.rounds, warmUp: 5 },
  );
  console.log(
    [
      String(memLen).padStart(6),
      keys.ms.toFixed(2).padStart(15),
      hidden.ms.toFixed(1).padStart(13),
      `${hidden.ratio.toFixed(1)}×`.padStart(5),
    ].join('  '),
  );
  for (const held of [writer, state, ...mems]) held.dispose();
}
model.dispose();
if (options.plot) writeFileSync(options.plot, await plot(points, slope));

/** The least-squares line, and how much of the ratios' variance it explains. */
function lineThroughOrigin(points) {
  const sum = (f) => points.reduce((total, point) => total + f(point), 0);
  const slope = sum(({ length, ratio }) => length * ratio) / sum(({ length }) => length ** 2);
  const mean = sum(({ ratio }) => ratio) / points.length;
  const rest = sum(({ length, ratio }) => (ratio - slope * length) ** 2);
  return { slope, explained: 1 - rest / sum(({ ratio }) => (ratio - mean) ** 2) };
}

function plot(points, slope) {
  const line = [0, LENGTHS.at(-1)].map((length) => ({ length, ratio: slope * length }));
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    ...{ width: 480, height: 300, background: 'white', padding: 12 },
    config: {
      font: 'sans-serif',
      axis: { labelFontSize: 11, titleFontSize: 12 },
      view: { stroke: null },
    },
    encoding: {
      x: { field: 'length', type: 'quantitative', title: 'tokens that each token sees' },
      y: { field: 'ratio', type: 'quantitative', title: 'times as fast with memory' },
    },
    layer: [
      { data: { values: line }, mark: { type: 'line', strokeDash: [4, 4], color: '#8fb3d9' } },
      {
        data: { values: points },
        mark: { type: 'point', filled: true, size: 60, color: '#c2410c' },
      },
      {
        data: { values: points },
        mark: { type: 'text', align: 'right', dx: -8, dy: -6, fontSize: 11 },
        encoding: { text: { field: 'ratio', format: '.0f' } },
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}
