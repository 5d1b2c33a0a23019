import { expect, test } from '@jest/globals';
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
import { linearCrossEntropy } from './linear-cross-entropy.js';

onEachBackend(() => {
  for (const [name, fixture] of readCases('cross-entropy')) {
    const reduction = name.split('-')[0] as 'mean' | 'sum' | 'none';
    if (reduction === 'none') continue;
    test(`${name}: through weights of one it equals PyTorch's cross-entropy`, () => {
      const logits = fixture.logits!;
      const classes = logits.shape[1]!;
      const labels = tf.tensor1d(fixture.labels!.values as Int32Array, 'int32');
      const one = tf.eye(classes);
      const options = { reduction, ...(name.endsWith('ignoring-0') && { ignoreIndex: 0 }) };
      const { output, gradients } = runOp(
        ({ x }) => linearCrossEntropy(x, one, undefined, labels, options),
        { x: logits },
        fixture.cotangent!,
      );
      expectClose(output, fixture.output!, 1e-5);
      expectCloseRelative(gradients.x, fixture['grad/logits']!);
      tf.dispose([labels, one]);
    });
  }

  test('refuses what does not fit, leaving nothing', () => {
    const [x, weight] = [toTensor(numbers([2, 3])), toTensor(numbers([4, 3]))];
    const bias = toTensor(numbers([3]));
    const labels = (...values: number[]) => tf.tensor1d(values, 'int32');
    const attempt = (w: tf.Tensor, b: tf.Tensor | undefined, l: tf.Tensor) => () =>
      tf.tidy(() => linearCrossEntropy(x, w, b, l));
    const cases: [() => unknown, string][] = [
      [attempt(weight, bias, labels(0, 1)), 'WRONG_SHAPE'],
      [attempt(weight, undefined, labels(0)), 'WRONG_SHAPE'],
      [attempt(x, undefined, labels(0, 4)), 'ID_OUT_OF_RANGE'],
    ];
    for (const [run, code] of cases)
      expectNoLeak(() => tf.tidy(() => expect(run).toThrow(expect.objectContaining({ code }))));
  });
});
