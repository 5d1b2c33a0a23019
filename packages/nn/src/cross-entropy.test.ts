import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectCloseRelative,
  expectNoLeak,
  numbers,
  onEachBackend,
  runOp,
  toTensor,
} from '../test/backends.js';
import { readCases } from '../test/fixtures.js';
import { type CrossEntropyOptions, crossEntropy } from './cross-entropy.js';

onEachBackend(() => {
  describe.each(readCases('cross-entropy'))('%s', (name, fixture) => {
    test('equals PyTorch: loss within 1e-5, gradient within 1e-4', () => {
      const labels = tf.tensor1d(fixture.labels!.values as Int32Array, 'int32');
      const options = {
        reduction: name.split('-')[0] as NonNullable<CrossEntropyOptions['reduction']>,
        ...(name.endsWith('ignoring-0') && { ignoreIndex: 0 }),
      };
      const { output, gradients } = runOp(
        ({ logits }) => crossEntropy(logits, labels, options),
        { logits: fixture.logits! },
        fixture.cotangent!,
      );
      const expected = fixture.output!;
      if (name === 'none-extreme') expectCloseRelative(output, expected, 1e-6);
      else expectClose(output, expected, 1e-5);
      expectCloseRelative(gradients.logits, fixture['grad/logits']!);
      labels.dispose();
    });
  });

  test('a vocabulary of 30,522: loss and gradient within 1e-5 and 1e-4 of float64', () => {
    const classes = 30522;
    const logits = numbers([3, classes]);
    const at = [0, 15000, classes - 1];
    const labels = tf.tensor1d(at, 'int32');
    const expected = at.map((label, row) => {
      let sum = 0;
      for (let i = 0; i < classes; i++) sum += Math.exp(logits.values[row * classes + i]!);
      return { loss: Math.log(sum) - logits.values[row * classes + label]!, sum };
    });
    const { output, gradients } = runOp(
      ({ logits }) => crossEntropy(logits, labels, { reduction: 'none' }),
      { logits },
      { shape: [3], values: [1, 1, 1] },
    );
    expectClose(output, { shape: [3], values: expected.map(({ loss }) => loss) }, 1e-5);
    const softmax = Float64Array.from(logits.values, (v, i) => {
      const row = Math.floor(i / classes);
      return Math.exp(v) / expected[row]!.sum - (i % classes === at[row] ? 1 : 0);
    });
    for (let i = 0; i < softmax.length; i++) {
      const room = 1e-4 * Math.abs(softmax[i]!);
      if (Math.abs(gradients.logits.values[i]! - softmax[i]!) > room) throw new Error(`at ${i}`);
    }
    labels.dispose();
  });

  test('−Infinity in a logit: no chance, no gradient; in an ignored row it does not show', () => {
    const low = Number.NEGATIVE_INFINITY;
    const logits = { shape: [3, 2], values: [0, low, low, 5, low, low] };
    const labels = tf.tensor1d([0, -100, -100], 'int32');
    const { output, gradients } = runOp(({ logits }) => crossEntropy(logits, labels), { logits });
    expect(output.values[0]).toBe(0);
    expect(Array.from(gradients.logits.values, Math.abs)).toEqual([0, 0, 0, 0, 0, 0]);
    labels.dispose();

    const hopeless = tf.tensor1d([1, -100, -100], 'int32');
    const result = runOp(({ logits }) => crossEntropy(logits, hopeless), { logits });
    expect(result.output.values[0]).toBe(Number.POSITIVE_INFINITY);
    hopeless.dispose();
  });

  test('no rows: the sum is 0, the mean NaN, as where all are ignored', () => {
    const labels = tf.zeros([0], 'int32');
    const logits = numbers([0, 4]);
    for (const [reduction, value] of [
      ['sum', 0],
      ['mean', Number.NaN],
    ] as const) {
      const { output, gradients } = runOp(
        ({ logits }) => crossEntropy(logits, labels as tf.Tensor1D, { reduction }),
        { logits },
      );
      expect(Math.abs(output.values[0]!)).toBe(value);
      expect(gradients.logits.shape).toEqual([0, 4]);
    }
    labels.dispose();
  });

  test('labels out of range and shapes that do not fit are errors', () => {
    const logits = toTensor(numbers([2, 3]));
    const labels = [[0, 3], [0, -1], [0]].map((l) => tf.tensor1d(l, 'int32'));
    expectNoLeak(() => {
      expect(() => crossEntropy(logits, labels[0]!)).toThrow(
        expect.objectContaining({
          code: 'ID_OUT_OF_RANGE',
          message: expect.stringContaining('labels[1] is 3; it must be from 0 to 2 or -100'),
        }),
      );
      expect(() => crossEntropy(logits, labels[1]!)).toThrow('labels[1] is -1');
      expect(() => crossEntropy(logits, labels[2]!)).toThrow(
        expect.objectContaining({ code: 'WRONG_SHAPE' }),
      );
    });
    tf.dispose([logits, ...labels]);
  });
});
