import { expect, test } from '@jest/globals';
import { registerGradients } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { onEachVariant } from '../test/kernels.js';
import { registerKernels } from './kernels.js';

/** The values by our kernels, and by tfjs's own. */
function both(f: () => tf.Tensor[]): [ours: unknown, stock: unknown] {
  const made = () => tf.tidy(() => f().map((x) => [x.shape, x.dtype, Array.from(x.dataSync())]));
  const ours = made();
  registerKernels(true, false);
  try {
    return [ours, made()];
  } finally {
    registerKernels(true);
  }
}

onEachVariant(() => {
  const cut = fc.record({
    before: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    after: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
    dtype: fc.constantFrom('float32' as const, 'int32' as const, 'bool' as const),
  });

  test("split and concat are tfjs's, along any axis", () => {
    fc.assert(
      fc.property(cut, fc.boolean(), ({ before, sizes, after, dtype }, fromEnd) => {
        const whole = sizes.reduce((a, b) => a + b, 0);
        const shape = [...before, whole, ...after];
        const axis = fromEnd ? -1 - after.length : before.length;
        const values = Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => i - 7);
        const [ours, stock] = both(() => {
          const x = tf.tensor(values, shape, dtype);
          const parts = tf.split(x, sizes, axis);
          return [...parts, tf.concat(parts, axis), tf.concat([...parts].reverse(), axis)];
        });
        expect(ours).toEqual(stock);
      }),
    );
  });

  test('equal parts, one that is left to work out, and an empty one', () => {
    const [ours, stock] = both(() => {
      const x = tf.reshape(tf.range(0, 24), [2, 12]);
      const empty = tf.zeros([2, 0]);
      return [...tf.split(x, 3, 1), ...tf.split(x, [5, -1], 1), tf.concat([empty, x], 1)];
    });
    expect(ours).toEqual(stock);
    const five = tf.zeros([2, 5]);
    expect(() => tf.split(five, 3, 1)).toThrow('evenly divide');
    five.dispose();
  });

  test('gradients go through both', () => {
    registerGradients();
    const [ours, stock] = both(() => {
      const x = tf.reshape(tf.range(0, 12), [2, 6]);
      const mixed = (x: tf.Tensor) => {
        const [a, b] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
        return tf.sum(tf.mul(tf.concat([b, a, b], -1), tf.reshape(tf.range(0, 18), [2, 9])));
      };
      return [tf.grad(mixed)(x)];
    });
    expect(ours).toEqual(stock);
  });
});
