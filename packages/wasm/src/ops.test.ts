// The ops of nn and attention with our kernels beside the same ops as compositions of stock tfjs: values
// and gradients agree, and the kernels are what runs.
import { expect, test } from '@jest/globals';
import { paddingMask, scaledDotProductAttention } from '@multihead/attention';
import {
  activation,
  crossEntropy,
  dropout,
  embedding,
  layerNorm,
  linear,
  linearCrossEntropy,
  matMul,
  Parameter,
  QuantizedMatrix,
  registerGradients,
  softmax,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { expectClose, normal, randomFrom } from '../test/kernels.js';
import { useWasm } from './use-wasm.js';

interface OpCase {
  shapes: number[][];
  run(...inputs: tf.Tensor[]): tf.Tensor;
  kernels: string[];
}

let held: Parameter | undefined;
/** A weight [21, 37] in int8. */
const inInt8 = () => {
  const { values, shape } = normal(randomFrom(2), [21, 37]);
  held ??= new Parameter('w', new QuantizedMatrix(values as Float32Array, shape));
  return held;
};
const ids = () => tf.tensor1d([3, 0, 3, 6], 'int32');
const attentionShapes = [
  [2, 5, 8],
  [2, 7, 8],
  [2, 7, 12],
];
const attend =
  (options: () => object) =>
  (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
    scaledDotProductAttention(q, k, v, { numHeads: 2, ...options() }).context;

const cases: Record<string, OpCase> = {
  linear: {
    shapes: [[2, 5, 7], [9, 7], [9]],
    run: (x, weight, bias) => linear(x, weight!, bias),
    kernels: ['MhMatMul', 'MhColumnSums'],
  },
  ...Object.fromEntries(
    (['gelu', 'gelu_new', 'relu', 'silu', 'swish', 'tanh'] as const).map((name) => [
      `linear with ${name}`,
      {
        shapes: [[2, 5, 7], [7, 9], [9]],
        run: (x, weight, bias) => linear(x!, weight!, bias, { transposed: true, activation: name }),
        kernels: ['MhMatMul', 'MhColumnSums'],
      } satisfies OpCase,
    ]),
  ),
  'matMul, batched and transposed': {
    shapes: [
      [2, 3, 5, 7],
      [2, 3, 4, 5],
    ],
    run: (a, b) => matMul(a!, b!, { transposeA: true, transposeB: true }),
    kernels: ['MhMatMul'],
  },
  gelu: { shapes: [[4, 7]], run: activation('gelu'), kernels: ['MhGelu', 'MhGeluGrad'] },
  geluNew: { shapes: [[4, 7]], run: activation('gelu_new'), kernels: ['MhGelu', 'MhGeluGrad'] },
  layerNorm: {
    shapes: [[2, 3, 9], [9], [9]],
    run: (x, gamma, beta) => layerNorm(x, gamma!, beta!, 1e-5),
    kernels: ['MhLayerNorm', 'MhLayerNormGrad'],
  },
  softmax: { shapes: [[3, 7]], run: (x) => softmax(x), kernels: ['MhSoftmax'] },
  dropout: { shapes: [[5, 7]], run: (x) => dropout(x, 0.3, 9), kernels: ['MhDropout'] },
  embedding: {
    shapes: [[7, 5]],
    run: (weight) => embedding(weight, ids()),
    kernels: ['MhEmbedding', 'MhEmbeddingGrad'],
  },
  'linear, held in int8': {
    shapes: [[2, 5, 37], [21]],
    run: (x, bias) => linear(x, inInt8(), bias),
    kernels: ['MhLinearInt8'],
  },
  'embedding, held in int8': {
    shapes: [[37]],
    run: (x) => tf.mul(embedding(inInt8(), ids()), x),
    kernels: ['MhEmbeddingInt8'],
  },
  crossEntropy: {
    shapes: [[4, 7]],
    run: (logits) => crossEntropy(logits, tf.tensor1d([3, -100, 0, 6], 'int32')),
    kernels: ['MhSoftmaxCrossEntropy', 'MhSoftmaxCrossEntropyGrad'],
  },
  linearCrossEntropy: {
    shapes: [[4, 7], [9, 7], [9]],
    run: (x, weight, bias) =>
      linearCrossEntropy(x!, weight!, bias, tf.tensor1d([3, -100, 0, 8], 'int32')),
    kernels: ['MhLinearCrossEntropy'],
  },
  'attention, causal with dropout': {
    shapes: attentionShapes,
    run: attend(() => ({ causal: true, dropout: { rate: 0.2, seed: 4 } })),
    kernels: ['MhAttention', 'MhAttentionGrad'],
  },
  'attention, one row all padding': {
    shapes: attentionShapes,
    run: attend(() => ({
      mask: paddingMask(
        tf.tensor2d(
          [
            [1, 1, 1, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
          ],
          [2, 7],
          'int32',
        ),
      ),
    })),
    kernels: ['MhAttention', 'MhAttentionGrad'],
  },
};

/** The op's value, its gradients by a fixed direction, and the kernels that ran. */
async function measure({ shapes, run }: OpCase) {
  const random = randomFrom(1);
  const results: Float32Array[] = [];
  const { kernelNames } = await tf.profile(() =>
    tf.tidy(() => {
      const inputs = shapes.map((shape) => tf.tensor(normal(random, shape).values, shape));
      const value = run(...inputs);
      const direction = tf.tensor(normal(random, value.shape).values, value.shape);
      const gradients = tf.grads((...given) => run(...given))(inputs, direction);
      for (const tensor of [value, ...gradients]) results.push(tensor.dataSync() as Float32Array);
      return tf.scalar(0);
    }),
  );
  return { results, kernelNames };
}

for (const [name, given] of Object.entries(cases))
  test(`${name}: kernels and composition agree, forward and gradient`, async () => {
    registerGradients();
    await useWasm({ kernels: false });
    const composed = await measure(given);
    expect(composed.kernelNames.filter((kernel) => kernel.startsWith('Mh'))).toEqual([]);
    await useWasm();
    const fused = await measure(given);
    for (const kernel of given.kernels) expect(fused.kernelNames).toContain(kernel);
    composed.results.forEach((wanted, i) => {
      expectClose(fused.results[i]!, wanted, { scale: 1 });
    });
  });
