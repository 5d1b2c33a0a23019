import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectCloseRelative,
  numbers,
  onEachBackend,
  runOp,
  toTensor,
  type Values,
} from '../test/backends.js';
import { matMul } from './mat-mul.js';

/** Σ over the batch's products in float64: a [batch, m, k] · b [batch, k, n], each stored transposed or not. */
function reference(a: Values, b: Values, transposeA: boolean, transposeB: boolean): Values {
  const [k, m] = [a.shape.at(transposeA ? -2 : -1)!, a.shape.at(transposeA ? -1 : -2)!];
  const n = b.shape.at(transposeB ? -2 : -1)!;
  const batch = a.shape.slice(0, -2);
  const size = batch.reduce((x, y) => x * y, 1);
  const values = new Float64Array(size * m * n);
  for (let s = 0; s < size; s++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++)
        for (let x = 0; x < k; x++) {
          const left = a.values[s * m * k + (transposeA ? x * m + i : i * k + x)]!;
          const right = b.values[s * k * n + (transposeB ? j * k + x : x * n + j)]!;
          values[(s * m + i) * n + j]! += left * right;
        }
  return { shape: [...batch, m, n], values };
}

/** The gradients by central differences of the float64 reference: it is bilinear, so they are exact. */
function differences(a: Values, b: Values, tA: boolean, tB: boolean, cotangent: Values) {
  const loss = (a: Values, b: Values) =>
    Array.from(reference(a, b, tA, tB).values).reduce((s, v, i) => s + v * cotangent.values[i]!, 0);
  const moved = (x: Values, i: number, by: number): Values => {
    const values = Float64Array.from(x.values);
    values[i]! += by;
    return { shape: x.shape, values };
  };
  const along = (x: Values, f: (x: Values) => number): Values => ({
    shape: x.shape,
    values: Array.from(x.values, (_, i) => (f(moved(x, i, 1)) - f(moved(x, i, -1))) / 2),
  });
  return { a: along(a, (x) => loss(x, b)), b: along(b, (x) => loss(a, x)) };
}

const flags = [false, true].flatMap((a) => [false, true].map((b) => [a, b] as const));
const sizes = [
  { batch: [], m: 3, k: 65, n: 4 },
  { batch: [1], m: 2, k: 3, n: 5 },
  { batch: [2, 3], m: 4, k: 5, n: 1 },
];

onEachBackend(() => {
  describe.each(flags)('transposeA %s, transposeB %s', (transposeA, transposeB) => {
    test.each(sizes)('$batch × $m·$k·$n equals float64, and so do the gradients', (size) => {
      const { batch, m, k, n } = size;
      const a = numbers([...batch, ...(transposeA ? [k, m] : [m, k])], 1);
      const b = numbers([...batch, ...(transposeB ? [n, k] : [k, n])], 2);
      const cotangent = numbers([...batch, m, n], 3);
      const { output, gradients } = runOp(
        ({ a, b }) => matMul(a, b, { transposeA, transposeB }),
        { a, b },
        cotangent,
      );
      expectCloseRelative(output, reference(a, b, transposeA, transposeB), 1e-6);
      const expected = differences(a, b, transposeA, transposeB, cotangent);
      expectCloseRelative(gradients.a, expected.a, 1e-6);
      expectCloseRelative(gradients.b, expected.b, 1e-6);
    });
  });

  test('a sum over nothing is zero, a batch of nothing is nothing', () => {
    const inner = runOp(({ a, b }) => matMul(a, b), { a: numbers([2, 0]), b: numbers([0, 3]) });
    expect(Array.from(inner.output.values)).toEqual([0, 0, 0, 0, 0, 0]);
    const batch = runOp(({ a, b }) => matMul(a, b), {
      a: numbers([0, 2, 2]),
      b: numbers([0, 2, 3]),
    });
    expect(batch.output.shape).toEqual([0, 2, 3]);
  });

  test('what does not fit is an error that names both shapes', () => {
    const [a, b, c] = [numbers([2, 3]), numbers([2, 3]), numbers([1, 3, 2])].map(toTensor);
    for (const wrong of [() => matMul(a!, b!), () => matMul(a!, c!)]) {
      expect(wrong).toThrow(
        expect.objectContaining({ code: 'WRONG_SHAPE', message: expect.stringContaining('[2,3]') }),
      );
    }
    tf.dispose([a!, b!, c!]);
  });
});
