import { expect, test } from '@jest/globals';
import { numbers, onEachBackend, take, toTensor } from '../test/backends.js';
import { rowSums } from './row-sums.js';

onEachBackend(() => {
  test.each([1, 127, 128, 129, 768, 1000, 30522])('rows of %i, within 5e-6 of float64', (n) => {
    for (const values of [numbers([2, n]).values, new Float32Array(2 * n).fill(0.1)]) {
      const x = toTensor({ shape: [2, n], values });
      const sums = take(rowSums(x));
      expect(sums.shape).toEqual([2, 1]);
      for (const row of [0, 1]) {
        const terms = Array.from(values).slice(row * n, (row + 1) * n);
        const exact = terms.reduce((a, b) => a + b);
        const size = terms.reduce((a, b) => a + Math.abs(b), 0);
        expect(Math.abs(sums.values[row]! - exact)).toBeLessThan(5e-6 * size);
      }
      x.dispose();
    }
  });

  test('no rows have no sums', () => {
    const x = toTensor(numbers([0, 300]));
    expect(take(rowSums(x)).shape).toEqual([0, 1]);
    x.dispose();
  });
});
