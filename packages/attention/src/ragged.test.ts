import { beforeAll, describe, expect, test } from '@jest/globals';
import { dropoutMask, valueAndGradients, Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { paddingMask, scaledDotProductAttention } from './index.js';

const x = (seed: number, ...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const values = (t: tf.Tensor) => Array.from(t.dataSync());
const farthest = (a: number[], b: number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each(['cpu', 'wasm'])('sequences laid end to end, on %s', (backend) => {
  beforeAll(async () => void (await tf.setBackend(backend)));
  const lengths = [3, 1, 0, 5];
  const longest = 5;

  /** [1, 9, width] → [4, 5, width], zeros where there is no token. */
  const padded = (packed: tf.Tensor) => {
    let start = 0;
    const rows = lengths.map((length) => {
      const row = tf.slice(packed, [0, start, 0], [1, length, packed.shape[2]!]);
      start += length;
      return tf.concat([row, tf.zeros([1, longest - length, packed.shape[2]!])], 1);
    });
    return tf.concat(rows, 0);
  };
  const real = (t: tf.Tensor) => {
    const width = t.shape[2]!;
    return lengths.flatMap((length, row) => values(tf.slice(t, [row, 0, 0], [1, length, width])));
  };
  const mask = () =>
    paddingMask(
      tf.tensor2d(
        lengths.map((length) => Array.from({ length: longest }, (_, i) => +(i < length))),
        undefined,
        'int32',
      ),
    );

  test.each([{}, { causal: true }, { headMask: true }])(
    'forward and gradient equal the padded batch: %j',
    ({ causal = false, headMask = false }) => {
      const weights = new Weights({
        tensors: new Map([
          ['q', x(1, 1, 9, 6)],
          ['k', x(2, 1, 9, 6)],
          ['v', x(3, 1, 9, 4)],
        ]),
      });
      const [q, k, v] = ['q', 'k', 'v'].map((name) =>
        weights.parameter(name, [1, 9, name === 'v' ? 4 : 6], () => {}),
      );
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const direction = x(4, 1, 9, 4);
        const options = { numHeads: 2, causal, headMask: headMask ? x(5, 2, 1, 1) : undefined };
        const packed = () =>
          scaledDotProductAttention(q!.value, k!.value, v!.value, {
            ...options,
            sequenceLengths: lengths,
          }).context;
        const inBatch = () =>
          scaledDotProductAttention(padded(q!.value), padded(k!.value), padded(v!.value), {
            ...options,
            mask: mask(),
          }).context;
        const one = values(packed());
        const other = real(inBatch());
        expect(one.length).toBe(36);
        expect(farthest(one, other)).toBeLessThan(1e-5);

        const a = valueAndGradients(weights, () => tf.sum(tf.mul(packed(), direction)));
        const b = valueAndGradients(weights, () => tf.sum(tf.mul(inBatch(), padded(direction))));
        for (const [name, gradient] of a.gradients) {
          expect(farthest(values(gradient), values(b.gradients.get(name)!))).toBeLessThan(1e-5);
        }
      });
      expect(tf.memory().numTensors).toBe(before);
      weights.dispose();
    },
  );

  test('dropout draws for each sequence its own', () => {
    tf.tidy(() => {
      // With v the unit matrix in each sequence, the context is the weights.
      const zeros = tf.zeros([1, 4, 2]) as tf.Tensor;
      const unit = tf.tensor3d([
        [
          [1, 0],
          [0, 1],
          [1, 0],
          [0, 1],
        ],
      ]);
      const { context } = scaledDotProductAttention(zeros, zeros, unit, {
        numHeads: 1,
        sequenceLengths: [2, 2],
        dropout: { rate: 0.5, seed: 3 },
      });
      expect(values(context)).toEqual(values(tf.mul(0.5, dropoutMask([8], 0.5, 3))));
    });
  });

  test('what has no meaning for them is refused', () => {
    tf.tidy(() => {
      const q = x(1, 1, 9, 4);
      const attend =
        (options: object, key = q, query = q) =>
        () =>
          scaledDotProductAttention(query, key, key, {
            numHeads: 2,
            sequenceLengths: lengths,
            ...options,
          });
      const refused = (f: () => unknown, code: string, message: RegExp) => {
        expect(f).toThrow(expect.objectContaining({ code }));
        expect(f).toThrow(message);
      };
      refused(attend({ mask: tf.zeros([9]) }), 'BAD_INPUT', /without mask/);
      refused(attend({ outputAttentions: true }), 'BAD_INPUT', /without outputAttentions/);
      refused(attend({ sequenceLengths: [3, 5] }), 'WRONG_SHAPE', /\[3,5\].*\[1,9,4\]/);
      refused(attend({ sequenceLengths: [10, -1] }), 'WRONG_SHAPE', /add up/);
      refused(attend({}, x(1, 1, 8, 4)), 'WRONG_SHAPE', /key \[1,8,4\]/);
      refused(attend({}, x(1, 2, 9, 4), x(1, 2, 9, 4)), 'WRONG_SHAPE', /one row/);
    });
  });
});
