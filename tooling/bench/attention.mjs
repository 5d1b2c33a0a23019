// Attention alone, on one thread: the kernels beside the composition of stock tfjs ops, and a step of
// generation with ever more keys in the cache.
//   node scripts/pnpm.mjs --filter @multihead/bench run attention [--rounds 7]
import { parseArgs } from 'node:util';
import { KeyValueCache, paddingMask, scaledDotProductAttention } from '@multihead/attention';
import { registerGradients } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { alternate, print } from './alternate.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const rounds = { rounds: Number(options.rounds), warmUp: 2 };
const { variant } = await useWasm();
console.log(`Node ${process.versions.node}, kernels: ${variant}`);
registerGradients();

/** So often that a round lasts some milliseconds. */
const repeated = (times, work) => () => {
  for (let i = 0; i < times; i++) tf.tidy(work);
};

const inputs = (batch, length, width) =>
  [1, 2, 3].map((seed) => tf.randomNormal([batch, length, width], 0, 1, 'float32', seed));

for (const { name, batch, length, numHeads, size, training = false, padded = false, ...given } of [
  { name: 'BERT-base, 1×128', batch: 1, length: 128, numHeads: 12, size: 64 },
  {
    name: 'BERT-base, 8×128, padding',
    batch: 8,
    length: 128,
    numHeads: 12,
    size: 64,
    padded: true,
  },
  { name: 'GPT, 8×128, 4 heads of 64', batch: 8, length: 128, numHeads: 4, size: 64, causal: true },
  {
    ...{ name: 'GPT, 8×128, 4 heads of 64, with gradients', training: true, causal: true },
    ...{ batch: 8, length: 128, numHeads: 4, size: 64 },
  },
  { name: 'GPT-2, 1×1,024', batch: 1, length: 1024, numHeads: 12, size: 64, causal: true },
]) {
  const [q, k, v] = inputs(batch, length, numHeads * size);
  const mask = padded
    ? paddingMask(
        tf.tensor2d(
          Array.from({ length: batch }, (_, row) =>
            Array.from({ length }, (_, i) => Number(i < length - 8 * row)),
          ),
          undefined,
          'int32',
        ),
      )
    : undefined;
  const attend = (q, k, v) =>
    scaledDotProductAttention(q, k, v, { numHeads, mask, ...given }).context;
  const work = training
    ? () =>
        tf
          .grads(attend)([q, k, v], q)
          .map((gradient) => gradient.dataSync()[0])
    : () => attend(q, k, v).dataSync()[0];
  const peers = {
    kernels: { before: () => useWasm(), work: repeated(4, work) },
    'stock tfjs-wasm': { before: () => useWasm({ kernels: false }), work: repeated(4, work) },
  };
  print(`${name}, four times`, await alternate(peers, rounds));
  tf.dispose([q, k, v, mask]);
}

await useWasm();
const [numHeads, width] = [12, 768];
const steps = {};
for (const held of [8, 64, 500, 1000]) {
  const cache = new KeyValueCache({ batch: 1, width, capacity: 1024 });
  const past = tf.randomNormal([1, held, width]);
  const token = tf.randomNormal([1, 1, width]);
  cache.append(past, past);
  steps[`${held} keys`] = repeated(200, () => {
    cache.truncate(held);
    scaledDotProductAttention(token, token, token, { numHeads, causal: true, cache });
  });
}
print(
  'A step of one token with a cache, 12 heads of 64, 200 times',
  await alternate(steps, rounds),
);
