import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectNoLeak,
  numbers,
  onEachBackend,
  take,
  toTensor,
  type Values,
} from '../test/backends.js';
import { Conv1D } from './conv1d.js';
import { embedding } from './embedding.js';
import { valueAndGradients } from './gradients.js';
import { linear } from './linear.js';
import { Parameter } from './parameter.js';
import { QuantizedMatrix } from './quantized-matrix.js';
import { Weights } from './weights.js';

const quantized = ({ values, shape }: Values, by?: 'rows' | 'columns') =>
  new QuantizedMatrix(Float32Array.from(values), shape, by);

/** [a, b] → [b, a] */
const turned = ({ values, shape: [rows, columns] }: Values): Values => ({
  values: Float32Array.from(
    values,
    (_, i) => values[(i % rows!) * columns! + Math.floor(i / rows!)]!,
  ),
  shape: [columns!, rows!],
});

/** Runs `f` with the weight as a parameter in int8, which it frees. */
function withParameter<T>(matrix: QuantizedMatrix, f: (parameter: Parameter) => T): T {
  const parameter = new Parameter('w', matrix);
  try {
    return f(parameter);
  } finally {
    parameter.dispose();
  }
}

onEachBackend(() => {
  describe('QuantizedMatrix', () => {
    test.each([
      [1, 1],
      [16, 4],
      [17, 5],
      [40, 63],
    ])('stands for a matrix [%d, %d] to within half a step of each row', (rows, columns) => {
      expectNoLeak(() => {
        const matrix = numbers([rows, columns]);
        const q = quantized(matrix);
        const back = take(q.dequantize());
        expect(back.shape).toEqual([rows, columns]);
        for (let i = 0; i < rows; i++) {
          const row = Array.from(matrix.values).slice(i * columns, (i + 1) * columns);
          const step = Math.max(...row.map(Math.abs)) / 127;
          row.forEach((value, j) => {
            expect(Math.abs(back.values[i * columns + j]! - value)).toBeLessThan(0.50001 * step);
          });
        }
        expect(take(tf.tidy(() => tf.sum(q.integers(), 1))).values).toEqual(
          Float32Array.from(q.sums.dataSync()),
        );
        q.dispose();
      });
    });

    test('takes a quarter of the memory', () => {
      const before = tf.memory().numBytes;
      const q = quantized(numbers([300, 768]));
      expect((tf.memory().numBytes - before) / (4 * 300 * 768)).toBeLessThan(0.27);
      q.dispose();
      expect(tf.memory().numBytes).toBe(before);
    });

    test('quantizing what it stands for changes nothing', () => {
      const first = quantized(numbers([20, 30]));
      const values = take(first.dequantize());
      const second = quantized(values);
      expect([...second.values.dataSync()]).toEqual([...first.values.dataSync()]);
      expectClose(take(second.dequantize()), values, 1e-6);
      first.dispose();
      second.dispose();
    });

    test('rows of zeros stay zeros; a NaN or an Infinity makes its row NaN, and no other', () => {
      const rows = [
        [0, 0],
        [1e-35, 0],
        [1, NaN],
        [Number.NEGATIVE_INFINITY, 2],
        [1e38, -3e38],
      ];
      const q = quantized({ shape: [5, 2], values: rows.flat() });
      expect(Array.from(q.scales.dataSync(), Number.isNaN)).toEqual([
        ...[false, false, true, true, false],
      ]);
      const values = take(q.dequantize()).values;
      expect(Array.from(values).slice(0, 4)).toEqual([0, 0, 0, 0]);
      expect(values[9]! / 3e38).toBeCloseTo(-1, 5);
      q.dispose();
    });

    test('refuses what is no matrix', () => {
      expect(() => new QuantizedMatrix(new Float32Array(6), [2, 4])).toThrow(
        expect.objectContaining({ code: 'WRONG_SHAPE' }),
      );
      expect(() => new QuantizedMatrix(new Float32Array(8), [2, 2, 2])).toThrow('[2,2,2]');
    });
  });

  describe('linear', () => {
    const [x, w, b] = [numbers([2, 3, 37]), numbers([21, 37], 2), numbers([21], 3)];

    /** In float64: rows rounded to 255 steps of their range, weights as they are held. */
    function expected(x: Values, w: Values, bias?: Values): Values {
      const [n, k] = w.shape as [number, number];
      const rows = Array.from({ length: x.values.length / k }, (_, i) =>
        Array.from(x.values).slice(i * k, (i + 1) * k),
      );
      const values = rows.flatMap((row) => {
        const step = (Math.max(0, ...row) - Math.min(0, ...row)) / 255;
        return Array.from({ length: n }, (_, j) =>
          row.reduce(
            (sum, value, p) => sum + Math.round(value / step) * step * w.values[j * k + p]!,
            bias?.values[j] ?? 0,
          ),
        );
      });
      return { shape: [...x.shape.slice(0, -1), n], values };
    }

    test.each([
      { by: 'rows' as const, bias: b },
      { by: 'rows' as const, bias: undefined },
      { by: 'columns' as const, bias: b },
    ])('multiplies whole numbers, held by $by', ({ by, bias }) => {
      expectNoLeak(() => {
        const matrix = quantized(by === 'rows' ? w : turned(w), by);
        const held = take(matrix.dequantize());
        expect(matrix.shape).toEqual(by === 'rows' ? [21, 37] : [37, 21]);
        withParameter(matrix, (weight) => {
          const [input, added] = [toTensor(x), bias && toTensor(bias)];
          const y = linear(input, weight, added, { transposed: by === 'columns' });
          expectClose(take(y), expected(x, held, bias), 1e-4);
          tf.dispose([input, added ?? []]);
        });
      });
    });

    test('is near the product of floats', () => {
      withParameter(quantized(w), (weight) => {
        const [exact, near] = tf.tidy(() => {
          const [input, added] = [toTensor(x), toTensor(b)];
          const exact = linear(input, toTensor(w), added).dataSync();
          return [exact, linear(input, weight, added).dataSync()];
        });
        const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
        expect(norm(exact.map((value, i) => value - near[i]!)) / norm(exact)).toBeLessThan(0.01);
      });
    });

    test('gradients go through to the input and the bias, as if nothing were rounded', () => {
      withParameter(quantized(w), (weight) => {
        weight.trainable = false;
        const held = weight.held as QuantizedMatrix;
        const model = {
          parameters: new Map([
            ['w', weight],
            ['x', new Parameter('x', toTensor(x))],
            ['b', new Parameter('b', toTensor(b))],
          ]),
        };
        const [input, bias] = [model.parameters.get('x')!, model.parameters.get('b')!];
        const gradients = (w: tf.Tensor | Parameter) => {
          const { value, gradients } = valueAndGradients(model, () =>
            tf.sum(tf.square(linear(input.value, w, bias))),
          );
          value.dispose();
          return ['x', 'b'].map((name) => take(gradients.get(name)!));
        };
        const dequantized = held.dequantize();
        const wanted = gradients(dequantized);
        const found = gradients(weight);
        // dy = 2y differs by the rounding of x in the forward pass.
        found.forEach((gradient, i) => {
          const size = Math.hypot(...Array.from(wanted[i]!.values));
          const off = Array.from(gradient.values, (g, j) => g - wanted[i]!.values[j]!);
          expect(Math.hypot(...off) / size).toBeLessThan(0.01);
        });
        tf.dispose([dequantized, input.value, bias.value]);
      });
    });

    test('a row with a NaN or an Infinity is NaN, one of zeros the bias, and no other row knows', () => {
      withParameter(quantized(w), (weight) => {
        const rows = numbers([5, 37]);
        const values = Float32Array.from(rows.values);
        values[0] = NaN;
        values[37 + 36] = Number.POSITIVE_INFINITY;
        values[2 * 37 + 5] = Number.NEGATIVE_INFINITY;
        values.fill(0, 3 * 37, 4 * 37);
        const y = tf.tidy(() => [
          ...linear(toTensor({ shape: [5, 37], values }), weight, toTensor(b)).dataSync(),
        ]);
        const allNaN = (row: number) => y.slice(21 * row, 21 * row + 21).every(Number.isNaN);
        expect([0, 1, 2, 3, 4].map(allNaN)).toEqual([true, true, true, false, false]);
        expect(y.slice(63, 84)).toEqual(Array.from(b.values));
        expect(y.slice(84).some(Number.isNaN)).toBe(false);
      });
    });

    test('refuses shapes that do not fit, and a matrix held the other way', () => {
      withParameter(quantized(w), (weight) => {
        const input = toTensor(numbers([2, 21]));
        expect(() => linear(input, weight)).toThrow(
          expect.objectContaining({ code: 'WRONG_SHAPE' }),
        );
        expect(() => linear(input, weight, undefined, { transposed: true })).toThrow(
          expect.objectContaining({ code: 'BAD_INPUT' }),
        );
        input.dispose();
      });
    });
  });

  test('embedding gives the rows that are held, in the shape of the ids', () => {
    expectNoLeak(() => {
      const matrix = quantized(numbers([37, 22]));
      const held = take(matrix.dequantize());
      withParameter(matrix, (weight) => {
        const places = [36, 0, 15, 16, 36, 7];
        const ids = tf.tensor2d(places, [3, 2], 'int32');
        const rows = take(embedding(weight, ids));
        const wanted = places.flatMap((id) =>
          Array.from(held.values).slice(id * 22, (id + 1) * 22),
        );
        expectClose(rows, { shape: [3, 2, 22], values: wanted }, 1e-6);
        ids.dispose();
        const wrong = tf.tensor1d([37], 'int32');
        expect(() => embedding(weight, wrong)).toThrow(
          expect.objectContaining({ code: 'ID_OUT_OF_RANGE' }),
        );
        wrong.dispose();
      });
    });
  });

  test('a parameter in int8 has no floats to train, save or read, and says what to do', () => {
    withParameter(quantized(numbers([4, 4])), (weight) => {
      const error = expect.objectContaining({
        code: 'QUANTIZED',
        message: expect.stringMatching(/^The parameter w .*dtype: 'float32'.*trainable = false/),
      });
      expect(() => weight.value).toThrow(error);
      const model = { parameters: new Map([['w', weight]]) };
      expect(() => valueAndGradients(model, () => tf.scalar(1))).toThrow(error);
      weight.assign(tf.ones([4, 4]));
      expect(weight.value.shape).toEqual([4, 4]);
    });
  });

  test('a plan says how each parameter may be held, and makes no tensor', () => {
    expectNoLeak(() => {
      const plan = new Map();
      const weights = new Weights({ plan });
      new Conv1D(weights.at('c'), { inFeatures: 2, outFeatures: 3 });
      const shared = weights.parameter('shared', [3, 2], () => {}, { quantizedBy: 'rows' });
      weights.parameter('own', [3, 2], () => {}, { quantizedBy: 'rows' });
      // Somebody reads it otherwise.
      expect(weights.parameter('shared', [3, 2], () => {})).toBe(shared);
      expect([...plan]).toEqual([
        ['c.weight', 'columns'],
        ['own', 'rows'],
      ]);
    });
  });
});
