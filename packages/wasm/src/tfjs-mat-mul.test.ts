// tfjs's own ops on our products, held to float64: what they compute is what tfjs documents, also where
// its wasm backend does not.
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, type Values } from '../test/kernels.js';
import { useWasm } from './use-wasm.js';

const { abs } = Math;
const fusable = {
  linear: (x: number) => x,
  relu: (x: number) => Math.max(x, 0),
  relu6: (x: number) => Math.min(Math.max(x, 0), 6),
  elu: (x: number) => (x < 0 ? Math.expm1(x) : x),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  leakyrelu: (x: number) => (x < 0 ? 0.3 * x : x),
  prelu: (x: number, weight: number) => (x < 0 ? weight * x : x),
};

/** a [batch, m, k] by b [1 or batch, k, n], with transposes, and how large what was summed is. */
function reference(a: Values, b: Values, transposeA: boolean, transposeB: boolean) {
  const [batch, p, q] = a.shape as [number, number, number];
  const [batchB, r, s] = b.shape as [number, number, number];
  const [m, k] = transposeA ? [q, p] : [p, q];
  const n = transposeB ? r : s;
  const sums = new Float64Array(batch * m * n);
  const sizes = new Float64Array(batch * m * n);
  for (let z = 0, at = 0; z < batch; z++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++, at++)
        for (let l = 0; l < k; l++) {
          const x = a.values[z * m * k + (transposeA ? l * m + i : i * k + l)]!;
          const y =
            b.values[(batchB === 1 ? 0 : z) * k * n + (transposeB ? j * k + l : l * n + j)]!;
          sums[at]! += x * y;
          sizes[at]! += abs(x * y);
        }
  return { sums, sizes, shape: [batch, m, n] };
}

const tensor = ({ values, shape }: Values) => tf.tensor(values as Float32Array, shape);

onEachVariant((variant) => {
  test('matMul, with transposes and a broadcast batch', () => {
    const length = fc.integer({ min: 0, max: 21 });
    fc.assert(
      fc.property(
        fc.record({
          ...{ batch: fc.integer({ min: 1, max: 3 }), m: length, n: length, k: length },
          ...{ shared: fc.boolean(), transposeA: fc.boolean(), transposeB: fc.boolean() },
          seed: fc.integer(),
        }),
        ({ batch, m, n, k, shared, transposeA, transposeB, seed }) => {
          const random = randomFrom(seed);
          const a = normal(random, transposeA ? [batch, k, m] : [batch, m, k]);
          const ofB = transposeB ? [n, k] : [k, n];
          const b = normal(random, [shared ? 1 : batch, ...ofB]);
          const wanted = reference(a, b, transposeA, transposeB);
          const y = tf.tidy(() => tf.keep(tf.matMul(tensor(a), tensor(b), transposeA, transposeB)));
          expect(y.shape).toEqual(wanted.shape);
          expectClose(y.dataSync(), wanted.sums, { relative: 1e-6, scale: wanted.sizes });
          y.dispose();
        },
      ),
      { numRuns: 60 },
    );
  });

  for (const [activation, f] of Object.entries(fusable))
    test(`fused.matMul with ${activation}, for k beyond tfjs's block and every shape of bias`, () => {
      for (const [batch, biasShape] of [
        [1, [21]],
        [2, [21]],
        [2, [1]],
        [2, [5, 21]],
        [1, []],
      ] as [number, number[]][]) {
        const random = randomFrom(batch);
        const a = normal(random, [batch, 5, 100]);
        const b = normal(random, [1, 21, 100], 0.3);
        const bias = normal(random, biasShape);
        const weights = normal(random, [21]);
        const { sums, sizes } = reference(a, b, false, true);
        const y = tf.tidy(() =>
          tf.keep(
            tf.fused.matMul({
              ...{ a: tensor(a), b: tensor(b), transposeB: true, bias: tensor(bias) },
              activation: activation as 'relu',
              leakyreluAlpha: 0.3,
              ...(activation === 'prelu' && { preluActivationWeights: tensor(weights) }),
            }),
          ),
        );
        const wanted = sums.map((sum, at) => {
          const [i, j] = [Math.floor(at / 21) % 5, at % 21];
          const places: Record<number, number> = {
            0: 0,
            1: biasShape[0] === 1 ? 0 : j,
            2: 21 * i + j,
          };
          return f(sum + bias.values[places[biasShape.length]!]!, weights.values[j]!);
        });
        expectClose(y.dataSync(), wanted, { relative: 2e-6, scale: sizes.map((size) => size + 1) });
        y.dispose();
      }
    });

  test('accelerateTfjs: false and kernels: false leave tfjs its own', async () => {
    const own = async (options: object) => {
      await useWasm({ variant, ...options });
      return tf.tidy(() => {
        const a = tf.ones([1, 64]);
        const bias = tf.tensor1d([100]);
        const y = tf.fused.matMul({
          a: a as tf.Tensor2D,
          b: a as tf.Tensor2D,
          transposeB: true,
          bias,
        });
        return y.dataSync()[0];
      });
    };
    expect(await own({})).toBe(164);
    // tfjs's own adds the bias once for each 48 of k.
    expect(await own({ accelerateTfjs: false })).toBe(264);
    expect(await own({})).toBe(164);
    expect(await own({ kernels: false })).toBe(264);
    expect(await own({})).toBe(164);
  });

  test('refuses what does not fit', () => {
    const matrix = (m: number, n: number) => tf.zeros<tf.Rank.R2>([m, n]);
    const failing = (f: () => tf.Tensor) => () => tf.tidy(f);
    expect(failing(() => tf.matMul(matrix(2, 3), matrix(4, 5)))).toThrow(
      'BatchMatMul: a [2,3] by b [4,5]: the inner lengths 3 and 4 differ',
    );
    expect(failing(() => tf.matMul(tf.ones([2, 2], 'int32'), tf.ones([2, 2], 'int32')))).toThrow(
      '"a" is int32, not float32',
    );
  });
});
