import { expect, test } from '@jest/globals';
import { crossEntropy, linear, linearCrossEntropy, registerGradients } from '@multihead/nn';
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

interface Given {
  x: Values;
  weight: Values;
  bias: Values | undefined;
  labels: Values;
}

/** Losses and the gradients of Σ losses·scale in float64. */
function reference({ x, weight, bias, labels }: Given, scale: number) {
  const [rows, d] = x.shape as [number, number];
  const classes = weight.shape[0]!;
  const losses = new Float64Array(rows);
  const dx = new Float64Array(rows * d);
  const dweight = new Float64Array(classes * d);
  const dbias = new Float64Array(classes);
  labels.values.forEach((label, i) => {
    if (label === -100) return;
    const logits = Array.from({ length: classes }, (_, c) => {
      let sum = bias?.values[c] ?? 0;
      for (let k = 0; k < d; k++) sum += x.values[i * d + k]! * weight.values[c * d + k]!;
      return sum;
    });
    const top = logits.reduce((a, b) => Math.max(a, b));
    const lse = top + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - top), 0));
    losses[i] = lse - logits[label]!;
    logits.forEach((l, c) => {
      const g = (Math.exp(l - lse) - (c === label ? 1 : 0)) * scale;
      dbias[c]! += g;
      for (let k = 0; k < d; k++) {
        dx[i * d + k]! += g * weight.values[c * d + k]!;
        dweight[c * d + k]! += g * x.values[i * d + k]!;
      }
    });
  });
  return [losses, dx, dweight, dbias];
}

/** About a fifth of the rows is ignored. */
function given(rows: number, d: number, classes: number, biased: boolean, seed: number): Given {
  const random = randomFrom(seed);
  const label = () => (random() < 0.2 ? -100 : Math.floor(random() * classes));
  return {
    x: normal(random, [rows, d]),
    weight: normal(random, [classes, d], 3 / Math.sqrt(d || 1)),
    bias: biased ? normal(random, [classes]) : undefined,
    labels: { shape: [rows], values: Int32Array.from({ length: rows }, label) },
  };
}

function expectReference(inputs: Given, scale: number) {
  const wanted = reference(inputs, scale);
  const results = run('MhLinearCrossEntropy', { ...inputs }, { scale, gradients: true });
  expect(results.length).toBe(inputs.bias ? 4 : 3);
  results.forEach(({ values }, i) => {
    expectClose(values, wanted[i]!, { scale: i === 0 ? 1 : Math.abs(scale) });
  });
  const [losses, ...rest] = run('MhLinearCrossEntropy', { ...inputs });
  expect(rest).toEqual([]);
  expectClose(losses!.values, wanted[0]!, { scale: 1 });
}

onEachVariant(() => {
  test('losses and gradients are those of float64, for shapes of all kinds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 35 }),
        fc.integer({ min: 1, max: 70 }),
        fc.boolean(),
        fc.constantFrom(1, 0.01, -2),
        fc.integer(),
        (rows, d, classes, biased, scale, seed) => {
          expectReference(given(rows, d, classes, biased, seed), scale);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('over several chunks of rows and blocks of classes', () => {
    for (const [rows, d, classes] of [
      [300, 20, 600],
      [129, 33, 257],
      [128, 16, 256],
      [161, 300, 511],
      [1300, 5, 1030],
    ] as const)
      expectReference(given(rows, d, classes, true, rows), 1 / rows);
  });

  test('logits of any size, also where one block lies far below another', () => {
    const inputs = given(5, 1, 600, true, 3);
    inputs.bias!.values.set(Float32Array.from({ length: 600 }, (_, c) => (c < 256 ? 20 : -900)));
    inputs.labels.values.set([0, 300, 599, 255, 256]);
    expectReference(inputs, 1);
  });

  test('rows that are ignored may hold anything', () => {
    const inputs = given(3, 4, 9, true, 4);
    inputs.labels.values.set([-100, 2, -100]);
    inputs.x.values.fill(Number.NaN, 0, 4).fill(Number.POSITIVE_INFINITY, 8);
    const results = run('MhLinearCrossEntropy', { ...inputs }, { gradients: true });
    for (const { values } of results) expect(values.every(Number.isFinite)).toBe(true);
    expect(Array.from(results[1]!.values.subarray(0, 4))).toEqual([0, 0, 0, 0]);
  });

  test('refuses labels that are no class and shapes that do not fit', () => {
    const inputs = given(3, 4, 9, true, 5);
    for (const bad of [9, -1]) {
      inputs.labels.values.set([0, bad, 0]);
      expect(() => run('MhLinearCrossEntropy', { ...inputs })).toThrow(
        'the label of row 1 is not one of 9 classes',
      );
    }
    const wrong = { ...inputs, weight: normal(randomFrom(1), [9, 5]) };
    expect(() => run('MhLinearCrossEntropy', wrong)).toThrow('do not go together');
  });

  test("nn's op equals cross-entropy of a linear layer, whatever it is multiplied by later", () => {
    registerGradients();
    const { x, weight, bias, labels } = given(140, 6, 300, true, 6);
    tf.tidy(() => {
      const inputs = [x, weight, bias!].map((v) => tf.tensor(v.values, v.shape));
      const truth = tf.tensor1d(labels.values as Int32Array, 'int32');
      for (const reduction of ['mean', 'sum'] as const) {
        const results = [
          (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
            linearCrossEntropy(x, w, b, truth, { reduction }),
          (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
            crossEntropy(linear(x, w, b), truth, { reduction }),
        ].map((f) => {
          const { value, grads } = tf.valueAndGrads(
            (...given) =>
              tf.mul(f(...(given as [tf.Tensor, tf.Tensor, tf.Tensor])), 0.25) as tf.Scalar,
          )(inputs);
          return [value, ...grads].map((tensor) => tensor.dataSync());
        });
        const scale = reduction === 'mean' ? 1 / 140 : 1;
        results[1]!.forEach((wanted, i) => {
          expectClose(results[0]![i]!, wanted, { scale: i === 0 ? 1 : scale });
        });
        const alone = linearCrossEntropy(inputs[0]!, inputs[1]!, inputs[2]!, truth, { reduction });
        expectClose(
          alone.dataSync().map((v) => v / 4),
          results[1]![0]!,
        );
      }
    });
  });

  test("nn's op over no labelled row: a mean of NaN, a sum and gradients of zero", () => {
    tf.tidy(() => {
      const [x, weight] = [tf.ones([2, 3]), tf.ones([4, 3])];
      const none = tf.tensor1d([-100, -100], 'int32');
      const { value, grads } = tf.valueAndGrads(
        (x, w) => linearCrossEntropy(x!, w!, undefined, none) as tf.Scalar,
      )([x, weight]);
      expect(value.dataSync()[0]).toBeNaN();
      for (const grad of grads) expect(grad.dataSync().every((v) => v === 0)).toBe(true);
      const sum = linearCrossEntropy(x, weight, undefined, none, { reduction: 'sum' });
      expect(sum.dataSync()[0]).toBe(0);
    });
  });
});
