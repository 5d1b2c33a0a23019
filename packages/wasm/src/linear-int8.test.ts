import { expect, test } from '@jest/globals';
import { QuantizedMatrix } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, type Values } from '../test/kernels.js';

// Named once: looking a global up is slow inside jest's module context.
const { abs, floor, fround, max, min } = Math;

/** A matrix in int8, written down from what it is said to be and not from what nn packs. */
interface Weights {
  n: number;
  k: number;
  /** Whole numbers from −127 to 127, row-major. */
  whole: Int8Array;
  scales: Float32Array;
}

function weights(random: () => number, n: number, k: number): Weights {
  const whole = Int8Array.from({ length: n * k }, () => floor(random() * 255) - 127);
  const scales = Float32Array.from({ length: n }, () => 0.001 + random());
  return { n, k, whole, scales };
}

/** The tensors of the kernels' inputs: made inside a tidy. */
function tensorsOf({ n, k, whole, scales }: Weights) {
  const [panels, quads] = [Math.ceil(n / 16), Math.ceil(k / 4)];
  const bytes = new Uint8Array(panels * quads * 64).fill(128);
  const sums = new Int32Array(n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < k; j++) {
      const at = ((floor(i / 16) * quads + floor(j / 4)) * 16 + (i % 16)) * 4 + (j % 4);
      bytes[at] = whole[i * k + j]! + 128;
      sums[i]! += whole[i * k + j]!;
    }
  return {
    values: tf.tensor(bytes, [panels, quads, 16, 4], 'bool'),
    scales: tf.tensor1d(scales, 'float32'),
    sums: tf.tensor1d(sums, 'int32'),
  };
}

function linear(x: Values, w: Weights, bias?: Values, attrs: tf.NamedAttrMap = {}): Float32Array {
  return tf.tidy(() => {
    const inputs = {
      x: tf.tensor(x.values, x.shape, 'float32'),
      ...tensorsOf(w),
      ...(bias && { bias: tf.tensor(bias.values, bias.shape) }),
    };
    const y = tf.engine().runKernel('MhLinearInt8', inputs, attrs) as tf.Tensor;
    expect(y.shape).toEqual([...x.shape.slice(0, -1), w.n]);
    return y.dataSync() as Float32Array;
  });
}

/** To the nearest whole number, halves to the even one. */
function round(x: number): number {
  const down = floor(x);
  if (x - down !== 0.5) return floor(x + 0.5);
  return down % 2 === 0 ? down : down + 1;
}

/** A row of x as whole numbers and their scale: the float32 arithmetic that decides what is rounded where. */
function rounded(row: Float32Array): { whole: number[]; scale: number } {
  const least = row.reduce((a, b) => min(a, b), 0);
  const range = fround(row.reduce((a, b) => max(a, b), 0) - least);
  if (!(range < Number.POSITIVE_INFINITY)) return { whole: [...row].map(() => 0), scale: NaN };
  if (range < 2 ** -100) return { whole: [...row].map(() => 0), scale: 0 };
  const inverse = fround(255 / range);
  const most = round(fround(least * inverse)) + 255;
  const whole = [...row].map((x) => min(round(fround(x * inverse)), most));
  return { whole, scale: fround(range / 255) };
}

/** Quantized, multiplied in whole numbers, scaled in float64; and how large what is added up is. */
function reference(x: Values, { n, k, whole, scales }: Weights, bias?: Values) {
  const m = x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const y = new Float64Array(m * n);
  const sizes = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    const row = rounded((x.values as Float32Array).subarray(i * k, (i + 1) * k));
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += row.whole[p]! * whole[j * k + p]!;
      const product = sum * row.scale * scales[j]!;
      y[i * n + j] = product + (bias?.values[j] ?? 0);
      sizes[i * n + j] = max(abs(product), abs(bias?.values[j] ?? 0));
    }
  }
  return { y, sizes };
}

function verify(x: Values, w: Weights, bias?: Values): void {
  const { y, sizes } = reference(x, w, bias);
  // Whole numbers are exact; what is left are three roundings of the scaling.
  expectClose(linear(x, w, bias), y, { relative: 1e-6, scale: sizes });
}

/** Chromium's relaxed SIMD multiplies eight bits by eight; that of Node 20 is another matter. */
const inPage = 'document' in globalThis;

onEachVariant((variant) => {
  test('equals whole-number arithmetic: small and odd shapes, 0 and 1 among them', () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 6, max: 70 }));
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 2 }),
        length,
        length,
        fc.boolean(),
        fc.constantFrom(1e-20, 1e-3, 1, 1e5, 1e25),
        fc.constantFrom(0, 2, -50),
        fc.integer(),
        (leading, n, k, biased, size, shift, seed) => {
          const random = randomFrom(seed);
          const x = normal(random, [...leading, k], size);
          x.values.forEach((value, i) => {
            x.values[i] = value + shift * size;
          });
          verify(x, weights(random, n, k), biased ? normal(random, [n], size) : undefined);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('equals whole-number arithmetic over long rows, at both ends of the bytes', () => {
    const random = randomFrom(5);
    for (const [m, n, k] of [
      [13, 33, 1030],
      [1, 50, 3072],
      [1, 150, 768],
      [4, 201, 1027],
      [8, 17, 8191],
      [2, 5, 2 ** 16],
    ] as const) {
      const w = weights(random, n, k);
      verify(normal(random, [m, k]), w, normal(random, [n]));
      // Sums as large as they get, of either sign: rows all at one end, weights all at one end.
      w.whole.forEach((_, i) => {
        w.whole[i] = i % (2 * k) < k ? 127 : -127;
      });
      const ends = { shape: [m, k], values: new Float32Array(m * k) };
      ends.values.forEach((_, i) => {
        ends.values[i] = floor(i / k) % 2 === 0 ? 3 : -3;
      });
      verify(ends, w);
      ends.values[0] = -3;
      verify(ends, w);
    }
  });

  test('rows of zeros, and rows too small to tell from them, give the bias', () => {
    const random = randomFrom(2);
    const w = weights(random, 21, 37);
    const bias = normal(random, [21]);
    const x = normal(random, [9, 37], 1e-35);
    x.values.fill(0, 0, 37);
    const y = linear(x, w, bias);
    for (let i = 0; i < 9; i++)
      expect([...y.subarray(21 * i, 21 * i + 21)]).toEqual([...bias.values]);
  });

  test('a NaN or an Infinity makes its row NaN, and no other', () => {
    const random = randomFrom(4);
    const w = weights(random, 18, 22);
    const x = normal(random, [8, 22]);
    const clean = linear(x, w);
    for (const [row, place, value] of [
      [0, 21, NaN],
      [2, 0, Number.POSITIVE_INFINITY],
      [3, 20, Number.NEGATIVE_INFINITY],
      [7, 3, NaN],
    ] as const)
      x.values[22 * row + place] = value;
    const y = linear(x, w);
    for (let i = 0; i < 8; i++) {
      const row = [...y.subarray(18 * i, 18 * i + 18)];
      if ([0, 2, 3, 7].includes(i)) expect(row.every(Number.isNaN)).toBe(true);
      else expect(row).toEqual([...clean.subarray(18 * i, 18 * i + 18)]);
    }
  });

  test('a scale of NaN makes its column NaN, and no other', () => {
    const w = weights(randomFrom(6), 5, 8);
    w.scales[3] = NaN;
    const y = linear(normal(randomFrom(1), [1, 8]), w);
    expect([...y].map(Number.isNaN)).toEqual([false, false, false, true, false]);
  });

  test('a row is the same alone and in a batch', () => {
    const random = randomFrom(8);
    const w = weights(random, 90, 100);
    const x = normal(random, [11, 100]);
    const all = linear(x, w);
    for (let i = 0; i < 11; i++) {
      const row = { shape: [1, 100], values: x.values.slice(100 * i, 100 * i + 100) };
      expect([...linear(row, w)]).toEqual([...all.subarray(90 * i, 90 * i + 90)]);
    }
  });

  test('every way to multiply gives the same bits', () => {
    const random = randomFrom(9);
    const w = weights(random, 35, 61);
    const x = normal(random, [15, 61]);
    const wide = linear(x, w, undefined, { dot: 'wide' });
    expect([...linear(x, w)]).toEqual([...wide]);
    if (variant === 'simd' || !inPage) {
      expect(() => linear(x, w, undefined, { dot: 'signed' })).toThrow('no way "signed"');
      return;
    }
    // As ARM multiplies: no engine is in doubt about weights that are not negative.
    w.whole.forEach((value, i) => {
      w.whole[i] = abs(value);
    });
    const signed = linear(x, w, undefined, { dot: 'signed' });
    expect([...signed]).toEqual([...linear(x, w, undefined, { dot: 'wide' })]);
  });

  test('activations follow the bias', () => {
    const random = randomFrom(7);
    const w = weights(random, 21, 30);
    w.scales.forEach((scale, i) => {
      w.scales[i] = scale / 500;
    });
    const bias = normal(random, [21]);
    for (const m of [1, 7]) {
      const x = normal(random, [m, 30]);
      const plain = linear(x, w, bias);
      expectClose(
        linear(x, w, bias, { activation: 'relu' }),
        plain.map((y) => max(y, 0)),
      );
      expectClose(linear(x, w, bias, { activation: 'tanh' }), plain.map(Math.tanh), {
        relative: 1e-6,
      });
    }
  });

  test('looks rows up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 21 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
        fc.integer(),
        (n, k, shape, seed) => {
          const random = randomFrom(seed);
          const w = weights(random, n, k);
          const count = shape.reduce((a, b) => a * b, 1);
          const ids = Int32Array.from({ length: count }, () => floor(random() * n));
          const y = tf.tidy(() => {
            const inputs = { ids: tf.tensor(ids, shape, 'int32'), ...tensorsOf(w) };
            const rows = tf.engine().runKernel('MhEmbeddingInt8', inputs, { dim: k }) as tf.Tensor;
            expect(rows.shape).toEqual([...shape, k]);
            return rows.dataSync();
          });
          const expected = [...ids].flatMap((id) =>
            Array.from(w.whole.subarray(id * k, (id + 1) * k), (whole) =>
              fround(whole * w.scales[id]!),
            ),
          );
          expect([...y]).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('refuses what does not fit', () => {
    const w = weights(randomFrom(1), 18, 22);
    const zeros = (...shape: number[]) => normal(() => 0, shape);
    expect(() => linear(zeros(2, 30), w)).toThrow(
      'x [2,30] by values [2,6,16,4]: the inner lengths',
    );
    expect(() => linear(zeros(2, 22), w, zeros(17))).toThrow('bias is [17], not [18]');
    expect(() => linear(zeros(2, 22), w, undefined, { activation: 'mish' })).toThrow(
      'no activation',
    );
    expect(() => linear(zeros(2, 22), w, undefined, { dot: 'fast' })).toThrow('no way "fast"');
    const expectRefusal = (
      kernel: string,
      more: () => tf.NamedTensorMap,
      attrs: tf.NamedAttrMap,
      message: string,
    ) => {
      expect(() =>
        tf.tidy(() => {
          tf.engine().runKernel(kernel, { ...tensorsOf(w), ...more() }, attrs);
        }),
      ).toThrow(message);
    };
    const ids =
      (...values: number[]) =>
      () => ({ ids: tf.tensor1d(values, 'int32') });
    expectRefusal('MhEmbeddingInt8', ids(1, 18), { dim: 22 }, 'the id at place 1 is not one of 18');
    expectRefusal('MhEmbeddingInt8', ids(-1), { dim: 22 }, 'place 0');
    expectRefusal('MhEmbeddingInt8', ids(1), { dim: 7 }, 'dim is 7');
    const with22 = (more: () => tf.NamedTensorMap) => () => ({ x: tf.zeros([2, 22]), ...more() });
    for (const [more, message] of [
      [() => ({ scales: tf.zeros([40]) }), 'do not fit'],
      [() => ({ values: tf.zeros([2, 6, 16, 4]) }), '"values" is float32, not bool'],
      [() => ({ values: tf.zeros([2, 6, 8, 8], 'bool') }), 'are not panels'],
    ] as const)
      expectRefusal('MhLinearInt8', with22(more), {}, message);
  });

  test('nn packs matrices as the kernel reads them', () => {
    const random = randomFrom(3);
    const w = normal(random, [19, 30]);
    const matrix = new QuantizedMatrix(w.values as Float32Array, [19, 30]);
    const [values, scales] = [matrix.dequantize(), matrix.scales.dataSync()];
    const given = {
      n: 19,
      k: 30,
      whole: Int8Array.from(values.dataSync(), (value, i) => round(value / scales[floor(i / 30)]!)),
      scales: scales as Float32Array,
    };
    tf.tidy(() => {
      const expected = tensorsOf(given);
      for (const name of ['values', 'scales', 'sums'] as const)
        expect([...matrix[name].dataSync()]).toEqual([...expected[name].dataSync()]);
    });
    matrix.dispose();
    values.dispose();
  });
});
