import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectNoLeak,
  numbers,
  onEachBackend,
  runOp,
  toTensor,
} from '../test/backends.js';
import { classificationLoss } from './classification-loss.js';
import { crossEntropy } from './cross-entropy.js';
import { readNumbers } from './numbers.js';

const logits = numbers([3, 2]);
const x = Array.from(logits.values);
const several = [
  [1, 0],
  [0, 0],
  [1, 1],
];
const y = several.flat();
const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

onEachBackend(() => {
  test('several labels: the mean binary cross-entropy and its gradient', () => {
    const { output, gradients } = runOp(
      ({ logits }) => classificationLoss(logits, several, 'multi_label_classification'),
      { logits },
      { shape: [], values: [1] },
    );
    const loss = -sum(
      x.map((v, i) => y[i]! * Math.log(sigmoid(v)) + (1 - y[i]!) * Math.log(sigmoid(-v))),
    );
    expectClose(output, { shape: [], values: [loss / 6] }, 1e-6);
    const expected = x.map((v, i) => (sigmoid(v) - y[i]!) / 6);
    expectClose(gradients.logits, { shape: [3, 2], values: expected }, 1e-6);
  });

  test('logits far from zero overflow nothing', () => {
    const far = { shape: [1, 2], values: [200, -300] };
    const { output, gradients } = runOp(({ far }) => classificationLoss(far, [[0, 0]]), { far });
    expectClose(output, { shape: [], values: [100] }, 1e-4);
    expect(Array.from(gradients.far.values).every(Number.isFinite)).toBe(true);
  });

  test('regression: the mean squared error and its gradient', () => {
    const targets = Float32Array.of(0.5, -1, 2);
    const one = numbers([3, 1]);
    const { output, gradients } = runOp(
      ({ one }) => classificationLoss(one, targets),
      { one },
      { shape: [], values: [1] },
    );
    const apart = Array.from(one.values, (v, i) => v - targets[i]!);
    expectClose(output, { shape: [], values: [sum(apart.map((d) => d * d)) / 3] }, 1e-6);
    expectClose(gradients.one, { shape: [3, 1], values: apart.map((d) => (2 / 3) * d) }, 1e-6);
  });

  test('one label a text: cross-entropy, −100 left out, in every form', () => {
    const ids = [1, -100, 0];
    const labels = tf.tensor1d(ids, 'int32');
    const wanted = runOp(({ logits }) => crossEntropy(logits, labels), { logits });
    const column = tf.tensor2d(ids, [3, 1], 'int32');
    for (const given of [ids, Int32Array.from(ids), BigInt64Array.from(ids.map(BigInt)), column]) {
      const found = runOp(({ logits }) => classificationLoss(logits, given as number[]), {
        logits,
      });
      expect(found).toEqual(wanted);
    }
    tf.dispose([labels, column]);
  });

  describe('labels that do not fit', () => {
    test.each([
      ['two labels for three texts', [1, 0], 'WRONG_SHAPE', /\[2\].*\[3\]/],
      ['no class', [1, 2, 0], 'ID_OUT_OF_RANGE', /labels\[0\]\[1\] is 2/],
      ['half a class', [1, 0.5, 0], 'BAD_INPUT', /whole number/],
      ['ragged rows', [[1], [1, 0], [0]], 'BAD_INPUT', /rows of one length/],
    ])('%s', (_, labels, code, message) => {
      const tensor = toTensor(logits);
      const lose = () => classificationLoss(tensor, labels as number[]);
      expectNoLeak(() => {
        expect(lose).toThrow(expect.objectContaining({ code }));
        expect(lose).toThrow(message);
      });
      const several = () => classificationLoss(tensor, [1, 0, 1], 'multi_label_classification');
      expect(several).toThrow(/multi_label_classification takes \[3,2\]/);
      tensor.dispose();
    });
  });
});

test('readNumbers takes rows, typed arrays and tensors, and nothing else', () => {
  const given = tf.tensor1d([1, 2], 'int32');
  const forms = [[1, 2], Float64Array.of(1, 2), BigInt64Array.of(1n, 2n) as never, given];
  for (const form of forms) {
    const read = readNumbers(form)!;
    expect(read.dtype).toBe('float32');
    expect(Array.from(read.dataSync())).toEqual([1, 2]);
    read.dispose();
  }
  const rows = readNumbers([[1], Float32Array.of(2)])!;
  expect(rows.shape).toEqual([2, 1]);
  rows.dispose();
  for (const none of [[], [[1], [1, 2]], [Number.NaN], 'no', 3, [null]]) {
    expect(readNumbers(none as number[])).toBeUndefined();
  }
  given.dispose();
});
