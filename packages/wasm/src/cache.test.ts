import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { onEachVariant } from '../test/kernels.js';

const kernel = (name: string, inputs: tf.NamedTensorMap, attrs: object) =>
  tf.engine().runKernel(`MhCache${name}`, inputs, { ...attrs }) as tf.Tensor | tf.Tensor[];
const numbered = (shape: [number, number, number], from = 0) =>
  tf.tensor3d(
    Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => from + i),
    shape,
  );
type Rows = number[][][];

onEachVariant(() => {
  test('what is written comes to stand in its place, and all else stays', () => {
    tf.tidy(() => {
      const cache = numbered([2, 4, 3]);
      const x = numbered([2, 2, 3], 100);
      expect(kernel('Write', { cache, x }, { position: 1 })).toEqual([]);
      expect(Array.from(cache.dataSync())).toEqual([
        ...[0, 1, 2, 100, 101, 102, 103, 104, 105, 9, 10, 11],
        ...[12, 13, 14, 106, 107, 108, 109, 110, 111, 21, 22, 23],
      ]);
      kernel('Write', { cache, x: numbered([2, 1, 9], 200) }, { position: 3, column: 6 });
      expect(Array.from(tf.slice(cache, [0, 2, 0], [2, 2, 3]).dataSync())).toEqual([
        ...[103, 104, 105, 206, 207, 208],
        ...[109, 110, 111, 215, 216, 217],
      ]);
      const before = cache.dataSync().slice();
      kernel('Write', { cache, x: tf.zeros([2, 0, 3]) }, { position: 4 });
      expect(cache.dataSync()).toEqual(before);
    });
  });

  test('rows in any order, repeated or left out, in place and in a copy', () => {
    const given = fc.integer({ min: 1, max: 6 }).chain((batch) =>
      fc.record({
        rows: fc.array(fc.integer({ min: 0, max: batch - 1 }), {
          minLength: batch,
          maxLength: batch,
        }),
        some: fc.array(fc.integer({ min: 0, max: batch - 1 }), { maxLength: 8 }),
        start: fc.integer({ min: 0, max: 2 }),
        length: fc.integer({ min: 0, max: 3 }),
      }),
    );
    type Given = { rows: number[]; some: number[]; start: number; length: number };
    const verify = ({ rows, some, start, length }: Given) =>
      tf.tidy(() => {
        const cache = numbered([rows.length, 5, 2]);
        const end = start + length;
        const before = cache.arraySync() as Rows;
        const attrs = { rows: some, start, length, room: 4 };
        const copy = kernel('Copy', { cache }, attrs) as tf.Tensor;
        expect(copy.shape).toEqual([some.length, 4, 2]);
        if (some.length > 0 && length > 0) {
          const held = tf.slice(copy, [0, 0, 0], [some.length, length, 2]);
          expect(held.arraySync()).toEqual(some.map((row) => before[row]!.slice(start, end)));
        }
        expect(cache.arraySync()).toEqual(before);
        expect(kernel('Reorder', { cache }, { rows, start, length })).toEqual([]);
        expect(cache.arraySync()).toEqual(
          rows.map((row, i) => [
            ...before[i]!.slice(0, start),
            ...before[row]!.slice(start, end),
            ...before[i]!.slice(end),
          ]),
        );
      });
    fc.assert(fc.property(given, verify), { numRuns: 200 });
  });

  test('what would not fit is refused before anything is written', () => {
    tf.tidy(() => {
      const cache = tf.ones([2, 4, 3]) as tf.Tensor;
      const refused = (name: string, inputs: tf.NamedTensorMap, attrs: object) =>
        expect(() => kernel(name, { cache, ...inputs }, attrs)).toThrow(`MhCache${name}`);
      refused('Write', { x: tf.zeros([2, 2, 3]) }, { position: 3 });
      refused('Write', { x: tf.zeros([2, 2, 3]) }, { position: -1 });
      refused('Write', { x: tf.zeros([2, 2, 3]) }, { position: 0.5 });
      refused('Write', { x: tf.zeros([2, 2, 3]) }, {});
      refused('Write', { x: tf.zeros([2, 2, 4]) }, { position: 0 });
      refused('Write', { x: tf.zeros([2, 2, 4]) }, { position: 0, column: 2 });
      refused('Write', { x: tf.zeros([2, 2, 4]) }, { position: 0, column: -1 });
      refused('Write', { x: tf.zeros([1, 2, 3]) }, { position: 0 });
      refused('Write', { x: tf.zeros([2, 3]) }, { position: 0 });
      refused('Write', { cache: tf.zeros([2, 3]), x: tf.zeros([2, 2, 3]) }, { position: 0 });
      refused('Reorder', {}, { rows: [0, 2], length: 1 });
      refused('Reorder', {}, { rows: [0], length: 1 });
      refused('Reorder', {}, { rows: [0, 1], length: 5 });
      refused('Reorder', {}, { rows: [0, 1], start: 3, length: 2 });
      refused('Copy', {}, { rows: [0], start: -1, length: 1, room: 4 });
      refused('Copy', {}, { rows: [-1], length: 1, room: 4 });
      refused('Copy', {}, { rows: [1], length: 3, room: 2 });
      expect(Array.from(cache.dataSync())).toEqual(new Array(24).fill(1));
    });
  });
});
