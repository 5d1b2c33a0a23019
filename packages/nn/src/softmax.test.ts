import { expect, test } from '@jest/globals';
import {
  expectClose,
  expectCloseRelative,
  numbers,
  onEachBackend,
  runOp,
} from '../test/backends.js';
import { softmax } from './softmax.js';

onEachBackend(() => {
  test('equals float64, output and gradient, also with logits in the hundreds', () => {
    for (const scale of [1, 300]) {
      const x = numbers([2, 3, 5]);
      const values = Float32Array.from(x.values, (v) => v * scale);
      const dy = numbers([2, 3, 5], 4);
      const { output, gradients } = runOp(({ x }) => softmax(x), { x: { ...x, values } }, dy);

      const expected = new Float64Array(30);
      const gradient = new Float64Array(30);
      for (let row = 0; row < 30; row += 5) {
        const exps = [0, 1, 2, 3, 4].map((i) =>
          Math.exp(values[row + i]! - Math.max(...values.subarray(row, row + 5))),
        );
        const sum = exps.reduce((a, b) => a + b);
        const y = exps.map((e) => e / sum);
        const along = y.reduce((s, v, i) => s + v * dy.values[row + i]!, 0);
        y.forEach((v, i) => {
          expected[row + i] = v;
          gradient[row + i] = v * (dy.values[row + i]! - along);
        });
      }
      expectClose(output, { shape: [2, 3, 5], values: expected }, 1e-6);
      expectCloseRelative(gradients.x, { shape: [2, 3, 5], values: gradient });
    }
  });

  test('a row of the lowest float32 everywhere gives equal shares, one entry of it none', () => {
    const low = -3.4028234663852886e38;
    const x = { shape: [3, 2], values: [low, low, 0, low, Number.NEGATIVE_INFINITY, 1] };
    const { output } = runOp(({ x }) => softmax(x), { x });
    expect(Array.from(output.values)).toEqual([0.5, 0.5, 1, 0, 0, 1]);
  });
});
