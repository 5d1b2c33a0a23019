import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { onEachVariant } from '../test/kernels.js';
import { useWasm } from './use-wasm.js';

const dataIds = () => tf.engine().backend.numDataIds();

onEachVariant((variant) => {
  test('a clone has the same memory, which is freed with the last that holds it', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const before = dataIds();
      const x = tf.tensor1d([1, 2, 3]);
      const clone = tf.clone(x);
      const all = [x, clone, tf.reshape(clone, [3, 1])];
      expect(clone.dataId).toBe(x.dataId);
      expect(dataIds()).toBe(before + 1);
      for (const i of order.slice(0, 2)) all[i]!.dispose();
      expect(Array.from(all[order[2]!]!.dataSync())).toEqual([1, 2, 3]);
      all[order[2]!]!.dispose();
      expect(dataIds()).toBe(before);
    }
  });

  test('of every type, also of text and of nothing', () => {
    for (const x of [tf.tensor([]), tf.tensor1d([true], 'bool'), tf.tensor1d(['a', 'b'])]) {
      const clone = tf.clone(x);
      expect([clone.dtype, clone.shape]).toEqual([x.dtype, x.shape]);
      x.dispose();
      expect(clone.dataSync().length).toBe(clone.size);
      clone.dispose();
    }
  });

  test('what is saved for gradients is not copied, and all of it is freed', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const before = dataIds();
    const f = tf.customGrad((...args) => {
      const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
      save([x]);
      return { value: tf.square(x), gradFunc: (dy, [x]) => tf.mul(dy, tf.mul(x!, 2)) };
    });
    const gradient = tf.grad((x) => f(x))(x);
    expect(Array.from(gradient.dataSync())).toEqual([2, 4, 6]);
    gradient.dispose();
    expect(dataIds()).toBe(before);
    x.dispose();
  });

  test("without our kernels it is tfjs's own again", async () => {
    await useWasm({ variant, kernels: false });
    const x = tf.tensor1d([1, 2, 3]);
    const clone = tf.clone(x);
    expect(clone.dataId).not.toBe(x.dataId);
    tf.dispose([x, clone]);
    await useWasm({ variant });
  });
});
