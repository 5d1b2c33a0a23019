// Several threads compute what one does, to the bit; what goes wrong on one of them is told.
import { setFlagsFromString } from 'node:v8';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { ThreadPool } from './threads.js';
import { useWasm } from './use-wasm.js';
import { compileKernels } from './variant.js';

setFlagsFromString('--experimental-wasm-relaxed-simd');

const normal = (...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', shape.length);
const positive = (...shape: number[]) => tf.randomUniform(shape, 0, 1, 'float32', shape.length);

const attentionInputs = (batch = 2, length = 131) => ({
  query: normal(batch, length, 96),
  key: normal(batch, length, 96),
  value: normal(batch, length, 96),
});

const int8Inputs = (rows: number) => ({
  x: normal(rows, 517),
  values: tf.tensor(
    Uint8Array.from({ length: 66 * 130 * 64 }, (_, i) => (i * 37) % 256),
    [66, 130, 16, 4],
    'bool',
  ),
  ...{ scales: positive(1043), sums: tf.zeros([1043], 'int32'), bias: normal(1043) },
});

const headInputs = () => ({
  ...{ x: normal(701, 67), weight: normal(1043, 67), bias: normal(1043) },
  labels: tf.tensor1d(
    Array.from({ length: 701 }, (_, i) => (i % 5 === 0 ? -100 : (i * 37) % 1043)),
    'int32',
  ),
});

/** Work that is worth several threads, in sizes that divide by nothing evenly. */
const work: [title: string, kernel: string, inputs: () => tf.NamedTensorMap, attrs?: object][] = [
  ['many columns', 'MhMatMul', () => ({ a: normal(131, 517), b: normal(517, 1043) })],
  [
    'one row',
    'MhMatMul',
    () => ({ a: normal(1, 517), b: normal(4001, 517), bias: normal(4001) }),
    { transposeB: true, activation: 'gelu' },
  ],
  [
    'many rows',
    'MhMatMul',
    () => ({ a: normal(131, 1043), b: normal(131, 77) }),
    { transposeA: true },
  ],
  [
    'packed weights',
    'MhMatMul',
    () => ({ a: normal(131, 517), b: normal(1043, 517) }),
    { panels: true },
  ],
  [
    'the slope too',
    'MhMatMul',
    () => ({ a: normal(131, 517), b: normal(517, 1043), bias: normal(1043) }),
    { activation: 'gelu_new', outputSlope: true },
  ],
  ['columns', 'MhColumnSums', () => ({ x: normal(301, 1043), by: normal(301, 1043) })],
  ['elements', 'MhDropout', () => ({ x: normal(301, 517) }), { rate: 0.1, seed: 7 }],
  ['many rows', 'MhLinearInt8', () => int8Inputs(67), { activation: 'gelu' }],
  ['many columns', 'MhLinearInt8', () => int8Inputs(7), { activation: 'gelu' }],
  ['exact', 'MhGelu', () => ({ x: normal(301, 517) }), { approximate: false }],
  ['exact', 'MhGeluGrad', () => ({ dy: normal(301, 517), x: normal(301, 517) })],
  [
    'rows',
    'MhLayerNorm',
    () => ({ x: normal(701, 517), gamma: normal(517), beta: normal(517) }),
    { epsilon: 1e-5 },
  ],
  ['heads', 'MhAttention', () => attentionInputs(), { numHeads: 3, scale: 0.2, causal: true }],
  [
    'heads',
    'MhAttention',
    () => attentionInputs(),
    { numHeads: 3, scale: 0.2, dropoutRate: 0.1, dropoutSeed: 7, outputWeights: true },
  ],
  [
    'heads',
    'MhAttentionGrad',
    () => ({
      ...attentionInputs(),
      dcontext: normal(2, 131, 96),
      logSumExp: tf.fill([2, 3, 131], 5),
    }),
    { numHeads: 3, scale: 0.2, dropoutRate: 0.1, dropoutSeed: 7 },
  ],
  [
    'heads side by side',
    'MhAttentionGrad',
    () => ({
      query: normal(2, 131, 288),
      dcontext: normal(2, 131, 96),
      logSumExp: tf.fill([2, 3, 131], 5),
    }),
    { numHeads: 3, scale: 0.2, causal: true, sideBySide: true },
  ],
  [
    'sequences',
    'MhAttention',
    () => attentionInputs(1, 500),
    { numHeads: 3, scale: 0.2, sequenceLengths: [131, 0, 69, 300] },
  ],
  ['rows', 'MhSoftmax', () => ({ x: normal(301, 517) })],
  ['a loss alone', 'MhLinearCrossEntropy', () => headInputs()],
  ['gradients', 'MhLinearCrossEntropy', () => headInputs(), { gradients: true, scale: 0.01 }],
  ['elements', 'Add', () => ({ a: normal(301, 517), b: normal(301, 517) })],
  ['elements', 'Tanh', () => ({ x: normal(301, 517) })],
  [
    'not in place',
    'MhAdamW',
    () => ({
      ...{ parameter: normal(301, 517), gradient: normal(301, 517) },
      ...{ expAvg: normal(301, 517), expAvgSq: positive(301, 517) },
    }),
    { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, stepSize: 0.1, keep: 0.99, scale: 0.5 },
  ],
];

describe.each(['simd', 'relaxed-simd'] as const)('%s', (variant) => {
  afterAll(() => useWasm({ threads: 1 }));

  test.each(work)('%s of %s: any number of threads gives the same bits', async (...given) => {
    const [, kernel, makeInputs, attrs = {}] = given;
    await useWasm({ variant });
    const before = tf.memory().numTensors;
    const inputs = makeInputs();
    // What is held twice is not overwritten in place.
    const held = Object.values(inputs).map((tensor) => tf.clone(tensor));
    const results: Uint8Array[][] = [];
    for (const threads of [1, 2, 3]) {
      expect(await useWasm({ variant, threads })).toMatchObject({ variant, threads });
      for (let i = 0; i < 5; i++) {
        const outputs = [tf.engine().runKernel(kernel, inputs, { ...attrs })].flat() as tf.Tensor[];
        results.push(outputs.map((output) => new Uint8Array(output.dataSync().slice().buffer)));
        tf.dispose(outputs);
      }
    }
    for (const result of results)
      expect(result.every((r, i) => same(r, results[0]![i]!))).toBe(true);
    tf.dispose([held, inputs]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe('the pool', () => {
  const size = 200_000;
  const at = 4096;
  let memory: WebAssembly.Memory;
  let pool: ThreadPool;

  beforeAll(async () => {
    memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true });
    const { module } = await compileKernels('simd', true);
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    pool = new ThreadPool(3, memory, module, exports, at);
    new Float32Array(memory.buffer, 2 ** 20, size).fill(1);
  });
  afterAll(() => pool.dispose());

  /** x → GELU(x) in eight parts. */
  const calls = Array.from({ length: 8 }, (_, part) => {
    const offset = (part * size) / 2;
    return [2 ** 20 + offset, 2 ** 21 + offset, size / 8, false];
  });

  test('shares the work among its threads once they have started', async () => {
    while (pool.partsOfOthers === 0) {
      pool.run('gelu', calls);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const y = new Float32Array(memory.buffer, 2 ** 21, size);
    expect(y.every((value) => Math.abs(value - 0.841345) < 1e-5)).toBe(true);
  }, 20_000);

  test('gives what each call returned, in order', () => {
    const sums = pool.run(
      'sumOfSquares',
      [1, 2, 3, 4].map((count) => [2 ** 20, count]),
    );
    expect(sums).toEqual([1, 2, 3, 4]);
  });

  test('tells of a call that failed, and goes on', () => {
    const outside = calls.map((args) => [2 ** 31, ...args.slice(1)]);
    expect(() => pool.run('gelu', outside)).toThrow(
      expect.objectContaining({ code: 'THREAD_FAILED' }),
    );
    expect(() => pool.run('gelu', calls)).not.toThrow();
  });

  test('does the work alone where its threads were ended, and starts them again', async () => {
    pool.dispose();
    const before = pool.partsOfOthers;
    while (pool.partsOfOthers === before) {
      pool.run('gelu', calls);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, 20_000);

  test('makes more calls than its memory has room for at once', () => {
    const counts = Array.from({ length: 150 }, (_, i) => i);
    const sums = pool.run(
      'sumOfSquares',
      counts.map((count) => [2 ** 20, count]),
    );
    expect(sums).toEqual(counts);
  });
});

test('a number of threads that is none is refused', async () => {
  for (const threads of [0, -1, 1.5, Number.NaN]) {
    await expect(useWasm({ threads })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  }
});
