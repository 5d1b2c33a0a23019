import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { onEachVariant } from '../test/kernels.js';

const write = (cache: tf.Tensor, x: tf.Tensor, attrs: object) =>
  tf.engine().runKernel('MhCacheWrite', { cache, x }, { ...attrs });

onEachVariant(() => {
  test('positions of x come to stand in the cache, and all else stays', () => {
    tf.tidy(() => {
      const cache = tf.tensor3d(
        Array.from({ length: 24 }, (_, i) => -i),
        [2, 4, 3],
      );
      const x = tf.tensor3d(
        Array.from({ length: 12 }, (_, i) => i + 1),
        [2, 2, 3],
      );
      expect(write(cache, x, { position: 1, length: 2 })).toEqual([]);
      expect(Array.from(cache.dataSync())).toEqual([
        ...[-0, -1, -2, 1, 2, 3, 4, 5, 6, -9, -10, -11],
        ...[-12, -13, -14, 7, 8, 9, 10, 11, 12, -21, -22, -23],
      ]);
      write(cache, x, { position: 3, length: 1, rows: [1, 1] });
      expect(Array.from(cache.dataSync().slice(9, 12))).toEqual([7, 8, 9]);
      expect(Array.from(cache.dataSync().slice(21))).toEqual([7, 8, 9]);
      const before = cache.dataSync().slice();
      write(cache, x, { position: 4, length: 0 });
      write(cache, tf.zeros([2, 0, 3]), { position: 0, length: 0 });
      expect(cache.dataSync()).toEqual(before);
    });
  });

  test('what would not fit is refused before anything is written', () => {
    tf.tidy(() => {
      const cache = tf.ones([2, 4, 3]);
      const refused = (shape: number[], attrs: object) =>
        expect(() => write(cache, tf.zeros(shape), attrs)).toThrow('MhCacheWrite');
      refused([2, 2, 3], { position: 3, length: 2 });
      refused([2, 2, 3], { position: 0, length: 3 });
      refused([2, 2, 3], { position: -1, length: 1 });
      refused([2, 2, 3], { position: 0.5, length: 1 });
      refused([2, 2, 4], { position: 0, length: 1 });
      refused([1, 2, 3], { position: 0, length: 1 });
      refused([2, 2, 3], { position: 0, length: 1, rows: [0, 2] });
      refused([2, 2, 3], { position: 0, length: 1, rows: [0] });
      refused([2, 2, 3], {});
      expect(Array.from(cache.dataSync())).toEqual(new Array(24).fill(1));
    });
  });
});
