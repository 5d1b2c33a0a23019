// A training step (forward, backward, clipping, AdamW) beside stock tfjs-wasm and native PyTorch.
//   node scripts/pnpm.mjs --filter @multihead/bench run training [gpt|bert] [--rounds 5] [--profile]
import { Random, valueAndGradients } from '@multihead/nn';
import { adamW, applyGradients, clippingScale, globalNorm } from '@multihead/training';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { alternate, print } from './alternate.mjs';
import { inPython } from './peers.mjs';
import { trainees } from './training-models.mjs';

const asked = Object.keys(trainees).filter((name) => process.argv.includes(name));
const names = asked.length > 0 ? asked : Object.keys(trainees);

const given = (option, other) => Number(process.argv[process.argv.indexOf(option) + 1]) || other;
const rounds = given('--rounds', 5);
/** PyTorch has one too. */
const threads = given('--threads', 1);
const { variant, tfjsVersion } = await useWasm({ threads });
console.log(
  `Node ${process.versions.node}, tfjs ${tfjsVersion}, kernels: ${variant}, ${threads} thread(s)`,
);
for (const name of names) {
  const { title, model, batch, vocabSize } = trainees[name]();
  const step = stepper(model, batch);
  const first = await step();
  for (let i = 0; i < 2; i++) await step();
  const heap = () => tf.backend().wasm.HEAPU8.byteLength / 2 ** 20;
  console.log(`\n${title}: the heap has grown to ${heap().toFixed(0)} MiB after three steps`);
  if (process.argv.includes('--profile')) await profile(step);
  const torch = await inPython('training_torch.py', name);
  if (!torch) console.log('  (MULTIHEAD_PYTHON names no Python with torch: left out)');
  const losses = [first, ...(torch ? [Number(await torch.ask('step'))] : [])];
  for (const loss of losses) {
    // Before it has learned anything, a model knows no word from another.
    if (!(Math.abs(loss - Math.log(vocabSize)) < 0.5)) throw new Error(`The first loss is ${loss}`);
  }
  const peers = {
    multihead: { before: () => useWasm({ threads }), work: step },
    ...(torch && { 'PyTorch, one thread': { work: () => torch.ask('step') } }),
    ...(!process.argv.includes('--no-stock') && {
      'stock tfjs-wasm': { before: () => useWasm({ kernels: false }), work: step },
    }),
  };
  print(title, await alternate(peers, { rounds, warmUp: 1 }));
  torch?.close();
  await useWasm({ threads });
  model.dispose();
}

/** A function that takes one step and gives the loss before it. */
function stepper(model, batch) {
  const optimizer = adamW();
  const state = new Map();
  let steps = 0;
  return async () => {
    const options = { random: new Random(0, 'dropout', steps++), outputLogits: false };
    const forward = () => model.forward(batch, options).loss;
    const { value, gradients } = valueAndGradients(model, forward);
    const gradientScale = clippingScale(await globalNorm(gradients), 1);
    const rate = { learningRate: 1e-4, gradientScale };
    applyGradients(optimizer, model.parameters, gradients, state, rate);
    const [loss] = await value.data();
    value.dispose();
    return loss;
  };
}

/** Prints where the milliseconds of a step go, kernel by kernel. */
async function profile(step, rounds = 5) {
  const spent = new Map();
  const kernels = tf.getKernelsForBackend('wasm');
  const stock = kernels.map(({ kernelFunc }) => kernelFunc);
  let depth = 0;
  for (const kernel of kernels) {
    const run = kernel.kernelFunc;
    kernel.kernelFunc = (given) => {
      const start = performance.now();
      depth++;
      try {
        return run(given);
      } finally {
        const row = spent.get(kernel.kernelName) ?? { calls: 0, ms: 0 };
        row.calls++;
        if (--depth === 0) row.ms += performance.now() - start;
        spent.set(kernel.kernelName, row);
      }
    };
  }
  const start = performance.now();
  for (let i = 0; i < rounds; i++) await step();
  const whole = (performance.now() - start) / rounds;
  kernels.forEach((kernel, i) => {
    kernel.kernelFunc = stock[i];
  });
  const rows = [...spent].sort(([, a], [, b]) => b.ms - a.ms);
  const inKernels = rows.reduce((sum, [, { ms }]) => sum + ms / rounds, 0);
  rows.push(['(tfjs and our own JavaScript)', { calls: 0, ms: (whole - inKernels) * rounds }]);
  for (const [name, { calls, ms }] of rows) {
    if (ms / rounds < 0.005 * whole) continue;
    const part = ((100 * ms) / rounds / whole).toFixed(1);
    console.log(
      `  ${name.padEnd(30)} ${String(calls / rounds).padStart(6)} calls ${(ms / rounds).toFixed(1).padStart(8)} ms ${part.padStart(6)} %`,
    );
  }
}
