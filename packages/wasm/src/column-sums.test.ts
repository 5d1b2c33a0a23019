import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

// Named once: looking a global up is slow inside jest's module context.
const { abs } = Math;

onEachVariant(() => {
  test('sums over the rows, of a product too, for every shape', () => {
    const rows = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(63, 301));
    const columns = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(61, 130));
    const verify = (rows: number, n: number, seed: number) => {
      const random = randomFrom(seed);
      const x = normal(random, [rows, n]);
      const by = normal(random, [rows, n]);
      const product = Array.from(x.values, (value, i) => value * by.values[i]!);
      const expectSums = (actual: ArrayLike<number>, of: ArrayLike<number>) => {
        const [sums, sizes] = [new Float64Array(n), new Float64Array(n)];
        for (let i = 0; i < of.length; i++) {
          sums[i % n]! += of[i]!;
          sizes[i % n]! += abs(of[i]!);
        }
        expectClose(actual, sums, { relative: 1e-6, scale: sizes });
      };
      const [alone] = run('MhColumnSums', { x });
      expect(alone!.shape).toEqual([n]);
      expectSums(alone!.values, x.values);
      const [y, sums] = run('MhColumnSums', { x, by });
      expect(y!.shape).toEqual([rows, n]);
      expectClose(y!.values, product, { relative: 1e-7 });
      expectSums(sums!.values, product);
    };
    fc.assert(fc.property(rows, columns, fc.integer(), verify), { numRuns: 60 });
  });

  test('shapes that do not go together are refused', () => {
    const random = randomFrom(1);
    const x = normal(random, [3, 5]);
    expect(() => run('MhColumnSums', { x, by: normal(random, [5, 3]) })).toThrow(/x is \[3,5\]/);
    expect(() => run('MhColumnSums', { x: normal(random, [5]) })).toThrow(/not a matrix/);
  });
});
