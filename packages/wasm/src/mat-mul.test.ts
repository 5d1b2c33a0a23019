import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

// Named once: looking a global up is slow inside jest's module context.
const { abs } = Math;

interface Case {
  batch: number[];
  m: number;
  n: number;
  k: number;
  transposeA: boolean;
  transposeB: boolean;
  shared: boolean;
  bias: boolean;
  panels: boolean;
}

/** Runs the kernel and holds each element to 1e-6 of the sum of its terms' sizes. */
function verify({ batch, m, n, k, bias: biased, panels, ...flags }: Case, seed: number): void {
  const random = randomFrom(seed);
  const shared = flags.shared || panels;
  const attrs = { transposeA: flags.transposeA && !panels, transposeB: flags.transposeB };
  const a = normal(random, [...batch, ...(attrs.transposeA ? [k, m] : [m, k])]);
  const ofB = attrs.transposeB ? [n, k] : [k, n];
  const b = normal(random, shared ? ofB : [...batch, ...ofB]);
  const bias = biased ? normal(random, [n]) : undefined;
  const [packed] = panels ? run('MhPanels', { b }, { transposeB: attrs.transposeB }) : [];
  const [y] = packed
    ? run('MhMatMul', { a, b: packed, bias }, { panels })
    : run('MhMatMul', { a, b, bias }, attrs);
  expect(y!.shape).toEqual([...batch, m, n]);
  const batches = batch.reduce((product, length) => product * length, 1);
  const [x, w] = [new Float64Array(a.values), new Float64Array(b.values)];
  const [xRow, xColumn] = attrs.transposeA ? [1, m] : [k, 1];
  const [wRow, wColumn] = attrs.transposeB ? [1, k] : [n, 1];
  const expected = new Float64Array(batches * m * n);
  const sizes = new Float64Array(batches * m * n);
  for (let at = 0, z = 0; z < batches; z++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++, at++) {
        let sum = bias?.values[j] ?? 0;
        let size = abs(sum);
        let xAt = z * m * k + i * xRow;
        let wAt = (shared ? 0 : z * k * n) + j * wColumn;
        for (let p = 0; p < k; p++, xAt += xColumn, wAt += wRow) {
          const term = x[xAt]! * w[wAt]!;
          sum += term;
          size += abs(term);
        }
        expected[at] = sum;
        sizes[at] = size;
      }
  expectClose(y!.values, expected, { relative: 1e-6, scale: sizes });
}

const flags = {
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  shared: fc.boolean(),
  bias: fc.boolean(),
  panels: fc.boolean(),
};

onEachVariant(() => {
  test('small and odd shapes, 0 and 1 among them, with leading axes', () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 6, max: 40 }));
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
          ...{ m: length, n: length, k: length },
          ...flags,
        }),
        fc.integer(),
        verify,
      ),
      { numRuns: 200 },
    );
  });

  test('shapes across the edges of the blocks', () => {
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.constant<number[]>([]),
          m: fc.constantFrom(1, 2, 3, 4, 7, 13, 130, 200),
          n: fc.constantFrom(1, 15, 64, 150, 1041),
          k: fc.constantFrom(1, 255, 257, 771),
          ...flags,
        }),
        fc.integer(),
        verify,
      ),
      { numRuns: 20 },
    );
  });

  test('one row by a packed matrix: four panels at once, and those that are left', () => {
    fc.assert(
      fc.property(
        fc.record({
          ...{ batch: fc.constant<number[]>([]), m: fc.constant(1) },
          ...{ n: fc.integer({ min: 48, max: 300 }), k: fc.integer({ min: 0, max: 300 }) },
          ...{ ...flags, panels: fc.constant(true) },
        }),
        fc.integer(),
        verify,
      ),
      { numRuns: 40 },
    );
  });

  test('leading axes are broadcast', () => {
    const random = randomFrom(5);
    const a = normal(random, [2, 1, 3, 5]);
    const b = normal(random, [4, 5, 6]);
    const [y] = run('MhMatMul', { a, b });
    expect(y!.shape).toEqual([2, 4, 3, 6]);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 4; j++) {
        const x = { shape: [3, 5], values: a.values.slice(15 * i, 15 * i + 15) };
        const w = { shape: [5, 6], values: b.values.slice(30 * j, 30 * j + 30) };
        const at = 18 * (4 * i + j);
        const [one] = run('MhMatMul', { a: x, b: w });
        expectClose(y!.values.slice(at, at + 18), one!.values, { relative: 1e-6, scale: 1 });
      }
  });

  test('a matrix is packed where it lies, unless another tensor has its memory', () => {
    const { values } = normal(randomFrom(2), [37, 9]);
    const tensor = tf.tensor(values, [37, 9]);
    const pack = (b: tf.Tensor) =>
      tf.engine().runKernel('MhPanels', { b }, { transposeB: true }) as tf.Tensor;
    const clone = tf.clone(tensor);
    const apart = pack(tensor);
    expect(Array.from(tensor.dataSync())).toEqual(Array.from(values));
    clone.dispose();
    const inPlace = pack(tensor);
    expect(inPlace.dataId).toBe(tensor.dataId);
    expect(Array.from(inPlace.dataSync())).toEqual(Array.from(apart.dataSync()));
    // Panels of 16 rows, and the five rows that are left.
    expect(inPlace.dataSync()[1 * 16 + 2]).toBe(values[2 * 9 + 1]);
    expect(Array.from(inPlace.dataSync().slice(32 * 9))).toEqual(Array.from(values.slice(32 * 9)));
    tf.dispose([tensor, apart, inPlace]);
  });

  test('activations follow the bias', () => {
    const reference: Record<string, (x: number) => number> = {
      relu: (x) => Math.max(x, 0),
      tanh: Math.tanh,
      relu6: (x) => Math.min(Math.max(x, 0), 6),
      sigmoid: (x) => 1 / (1 + Math.exp(-x)),
      elu: (x) => (x < 0 ? Math.expm1(x) : x),
      silu: (x) => x / (1 + Math.exp(-x)),
      gelu_new: (x) => x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    };
    const random = randomFrom(7);
    for (const m of [1, 6]) {
      const a = normal(random, [m, 300]);
      const b = normal(random, [21, 300], 0.1);
      const bias = normal(random, [21]);
      const [plain] = run('MhMatMul', { a, b, bias }, { transposeB: true });
      for (const [activation, f] of Object.entries(reference)) {
        const [y] = run('MhMatMul', { a, b, bias }, { transposeB: true, activation });
        expectClose(y!.values, Array.from(plain!.values, f), { relative: 1e-6, scale: 1 });
      }
      const [y] = run('MhMatMul', { a, b, bias }, { transposeB: true, activation: 'gelu' });
      expectClose(y!.values, run('MhGelu', { x: plain! })[0]!.values, { relative: 1e-7, scale: 1 });
    }
  });

  test('the slope of an activation, beside the same values', () => {
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const slopes: Record<string, (x: number) => number> = {
      relu: (x) => (x > 0 ? 1 : 0),
      tanh: (x) => 1 - Math.tanh(x) ** 2,
      silu: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    };
    const verify = (m: number, n: number, k: number, transposeB: boolean, seed: number) => {
      const random = randomFrom(seed);
      const inputs = {
        a: normal(random, [m, k], 3),
        b: normal(random, transposeB ? [n, k] : [k, n]),
        bias: normal(random, [n]),
      };
      const [x] = run('MhMatMul', inputs, { transposeB });
      const ones = { shape: [m, n], values: new Float32Array(m * n).fill(1) };
      const close = { relative: 2e-6, scale: 1 };
      for (const activation of ['gelu', 'gelu_new', 'relu', 'tanh', 'silu']) {
        const attrs = { transposeB, activation };
        const [alone] = run('MhMatMul', inputs, attrs);
        const [y, slope] = run('MhMatMul', inputs, { ...attrs, outputSlope: true });
        expect([y!.shape, slope!.shape]).toEqual([x!.shape, x!.shape]);
        expectClose(y!.values, alone!.values, close);
        const approximate = activation === 'gelu_new';
        const wanted = slopes[activation]
          ? Array.from(x!.values, slopes[activation])
          : run('MhGeluGrad', { dy: ones, x: x! }, { approximate })[0]!.values;
        expectClose(slope!.values, wanted, close);
      }
    };
    const sizes = [
      [1, 6, 13, 150],
      [1, 15, 64, 1041],
      [0, 1, 20, 300, 771],
    ] as const;
    fc.assert(
      fc.property(
        ...([fc.constantFrom(...sizes[0]), fc.constantFrom(...sizes[1])] as const),
        ...([fc.constantFrom(...sizes[2]), fc.boolean(), fc.integer()] as const),
        verify,
      ),
      { numRuns: 20 },
    );
  });

  test('tanh keeps its relative accuracy near 0 and its sign and bounds far out', () => {
    const values = Float32Array.from(
      { length: 4001 },
      (_, i) => Math.sign(i - 2000) * ((i - 2000) / 600) ** 4,
    );
    const a = { shape: [values.length, 1], values };
    const b = { shape: [1, 1], values: Float32Array.of(1) };
    const [y] = run('MhMatMul', { a, b }, { activation: 'tanh' });
    expectClose(y!.values, Array.from(values, Math.tanh), { relative: 1e-6 });
  });

  test('keeps working on tensors made before the memory grows', () => {
    const random = randomFrom(3);
    const a = normal(random, [8, 8]);
    const [before] = run('MhMatMul', { a, b: a });
    const tensor = tf.tensor(a.values, [8, 8]);
    const memory = (tf.backend() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } })
      .wasm.asm.memory;
    const size = memory.buffer.byteLength;
    const large = tf.zeros([size / 4 + 1e6]);
    expect(memory.buffer.byteLength).toBeGreaterThan(size);
    const after = tf.engine().runKernel('MhMatMul', { a: tensor, b: tensor }) as tf.Tensor;
    expect(Array.from(after.dataSync())).toEqual(Array.from(before!.values));
    tf.dispose([tensor, large, after]);
  });

  test('refuses what does not fit, naming the shapes', () => {
    const zeros = (...shape: number[]) => normal(() => 0, shape);
    expect(() => run('MhMatMul', { a: zeros(2, 3), b: zeros(4, 5) })).toThrow(
      'MhMatMul: a [2,3] by b [4,5]: the inner lengths 3 and 4 differ',
    );
    expect(() => run('MhMatMul', { a: zeros(2, 2, 3), b: zeros(3, 3, 5) })).toThrow('leading axes');
    expect(() => run('MhMatMul', { a: zeros(3), b: zeros(3, 5) })).toThrow('not matrices');
    expect(() => run('MhMatMul', { a: zeros(2, 3) })).toThrow('needs the input "b"');
    const [a, b] = [zeros(2, 3), zeros(3, 5)];
    expect(() => run('MhMatMul', { a, b, bias: zeros(4) })).toThrow('bias is [4], not [5]');
    expect(() => run('MhMatMul', { a, b }, { activation: 'mish' })).toThrow('no activation "mish"');
    expect(() =>
      run('MhMatMul', { a: zeros(3, 2), b }, { transposeA: true, panels: true }),
    ).toThrow();
    for (const activation of ['linear', 'relu6'])
      expect(() => run('MhMatMul', { a, b }, { activation, outputSlope: true })).toThrow(
        `no slope of the activation "${activation}"`,
      );
    expect(() => run('MhPanels', { b: zeros(2, 3, 5) })).toThrow('b [2,3,5] is not a matrix');
    const ids = { shape: [3, 5], values: new Int32Array(15) };
    expect(() => run('MhMatMul', { a, b: ids })).toThrow('"b" is int32, not float32');
  });
});
