import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  expectClose,
  normal,
  onEachVariant,
  randomFrom,
  run,
  type Values,
} from '../test/kernels.js';

const attrs = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, stepSize: 0.01, keep: 0.999, scale: 0.5 };

/** The update in float64, from the attributes as the kernel's float32 has them. */
function reference(p: Values, gradient: Values, m?: Values, v?: Values) {
  const { beta1, beta2, epsilon, stepSize, keep, scale } = attrs;
  const [next, nextM, nextV] = [[], [], []] as number[][];
  for (let i = 0; i < p.values.length; i++) {
    const g = gradient.values[i]! * scale;
    nextM!.push(beta1 * (m?.values[i] ?? 0) + (1 - beta1) * g);
    nextV!.push(beta2 * (v?.values[i] ?? 0) + (1 - beta2) * g * g);
    const change = (stepSize * nextM![i]!) / (Math.sqrt(nextV![i]!) + epsilon);
    next!.push(keep * p.values[i]! - change);
  }
  return [next!, nextM!, nextV!];
}

onEachVariant(() => {
  test("AdamW's next weights and means are those of float64, for every length, with means and without", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 70 }),
        fc.boolean(),
        fc.integer(),
        (length, first, seed) => {
          const random = randomFrom(seed);
          const [parameter, gradient] = [normal(random, [length]), normal(random, [length], 10)];
          const expAvg = first ? undefined : normal(random, [length]);
          const squares = normal(random, [length]);
          const expAvgSq = first
            ? undefined
            : { shape: [length], values: squares.values.map((x) => x * x) as Float32Array };
          const results = run('MhAdamW', { parameter, gradient, expAvg, expAvgSq }, attrs);
          reference(parameter, gradient, expAvg, expAvgSq).forEach((wanted, i) => {
            expectClose(results[i]!.values, wanted, { scale: 1, relative: 1e-6 });
          });
        },
      ),
    );
  });

  test('AdamW writes in the memory it was given, but not where a clone has the same', () => {
    const inputs = {
      parameter: tf.tensor1d([1, 2, 3, 4, 5]),
      gradient: tf.tensor1d([1, -1, 1, -1, 1]),
      expAvg: tf.zeros([5]),
      expAvgSq: tf.zeros([5]),
    };
    const step = (parameter: tf.Tensor) =>
      tf.engine().runKernel('MhAdamW', { ...inputs, parameter }, attrs) as tf.Tensor[];
    const copy = tf.clone(inputs.parameter);
    const shared = step(inputs.parameter);
    expect(shared[0]!.dataId).not.toBe(copy.dataId);
    expect(shared[1]!.dataId).toBe(inputs.expAvg.dataId);
    expect(Array.from(copy.dataSync())).toEqual([1, 2, 3, 4, 5]);
    copy.dispose();
    const alone = step(inputs.parameter);
    expect(alone[0]!.dataId).toBe(inputs.parameter.dataId);
    // The means are held twice now, by their old tensors and by the first update's.
    expect(alone[1]!.dataId).not.toBe(inputs.expAvg.dataId);
    tf.dispose([Object.values(inputs), shared, alone]);
  });

  test('AdamW refuses what does not fit', () => {
    const [parameter, other] = [normal(randomFrom(1), [3]), normal(randomFrom(1), [2])];
    expect(() => run('MhAdamW', { parameter, gradient: other }, attrs)).toThrow(
      'the parameter is [3], its gradient or a mean [2]',
    );
    expect(() =>
      run('MhAdamW', { parameter, gradient: parameter, expAvg: parameter }, attrs),
    ).toThrow('one of expAvg and expAvgSq is missing');
    expect(() =>
      run('MhAdamW', { parameter, gradient: parameter }, { ...attrs, scale: Number.NaN }),
    ).toThrow('scale is NaN');
  });

  test('sums of squares are those of float64, each tensor by itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 5 }),
        fc.constantFrom(1e-30, 1, 1e30),
        fc.integer(),
        (lengths, size, seed) => {
          const random = randomFrom(seed);
          const tensors = lengths.map((length) => normal(random, [length], size));
          const [bits] = run('MhSumOfSquares', Object.fromEntries(tensors.entries()));
          expect(bits!.shape).toEqual([lengths.length, 2]);
          const sums = new Float64Array(Int32Array.from(bits!.values).buffer);
          const norms = tensors.map(({ values }) => Math.hypot(...values));
          expectClose(sums.map(Math.sqrt), norms, { relative: 1e-12 });
        },
      ),
      { numRuns: 50 },
    );
    const [bits] = run('MhSumOfSquares', { x: { shape: [2], values: Float32Array.of(NaN, 1) } });
    expect(new Float64Array(Int32Array.from(bits!.values).buffer)[0]).toBeNaN();
  });
});
