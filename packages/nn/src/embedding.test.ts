import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectCloseRelative,
  expectNoLeak,
  numbers,
  onEachBackend,
  runOp,
  toTensor,
} from '../test/backends.js';
import { readCases } from '../test/fixtures.js';
import { Embedding, embedding } from './embedding.js';
import { Weights } from './weights.js';

onEachBackend(() => {
  describe.each(readCases('embedding'))('%s', (_, fixture) => {
    test('equals PyTorch: rows exactly, the gradient sums repeated ids within 1e-6', () => {
      const ids = tf.tensor(fixture.ids!.values as Int32Array, fixture.ids!.shape, 'int32');
      const paddingIndex = fixture.padding_idx?.values[0];
      const { output, gradients } = runOp(
        ({ weight }) => embedding(weight, ids, paddingIndex),
        { weight: fixture.weight! },
        fixture.cotangent!,
      );
      expect(output).toEqual(fixture.output!);
      expectCloseRelative(gradients.weight, fixture['grad/weight']!, 1e-6);
      ids.dispose();
    });
  });

  test('a scalar id gives one row, no ids give no rows', () => {
    for (const [ids, shape] of [
      [tf.scalar(2, 'int32'), [2]],
      [tf.zeros([0], 'int32'), [0, 2]],
    ] as const) {
      const weight = numbers([3, 2]);
      const { output, gradients } = runOp(({ weight }) => embedding(weight, ids), { weight });
      expect(output.shape).toEqual(shape);
      expect(gradients.weight.shape).toEqual([3, 2]);
      ids.dispose();
    }
  });

  test('an id that is no row, or ids that are no int32, are errors', () => {
    const weight = toTensor(numbers([3, 2]));
    const wrong = [tf.tensor1d([0, 3], 'int32'), tf.tensor1d([-1], 'int32'), tf.tensor1d([1])];
    expectNoLeak(() => {
      expect(() => embedding(weight, wrong[0]!)).toThrow(
        expect.objectContaining({
          code: 'ID_OUT_OF_RANGE',
          message: expect.stringContaining('ids[1] is 3; it must be from 0 to 2'),
        }),
      );
      expect(() => embedding(weight, wrong[1]!)).toThrow('ids[0] is -1');
      expect(() => embedding(weight, wrong[2]!)).toThrow(
        expect.objectContaining({ code: 'BAD_INPUT' }),
      );
    });
    tf.dispose([weight, ...wrong]);
  });
});

test("the padding token's row starts at zero, the others do not", () => {
  const weights = new Weights();
  const options = { numEmbeddings: 4, embeddingDim: 3, paddingIndex: 1 };
  const table = new Embedding(weights.at('words'), options).weight.value.arraySync() as number[][];
  expect(table.map((row) => row.every((v) => v === 0))).toEqual([false, true, false, false]);
  expect([...weights.parameters.keys()]).toEqual(['words.weight']);
  weights.dispose();
});
