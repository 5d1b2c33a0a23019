import { expect, test } from '@jest/globals';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors } from '../test/support.js';
import { differences, fingerprintData } from './fingerprint.js';

const of = (values: unknown[], make: (examples: readonly unknown[]) => unknown = (e) => e) =>
  fingerprintData(values, make);

test('tells values, their order, their kinds and their borders apart', async () => {
  const different = [
    [1],
    [2],
    [-1],
    [1.5],
    ['1'],
    [Number.NaN],
    [null],
    [true],
    [[1, 2]],
    [[2, 1]],
    [[1], [2]],
    [[[1], 2]],
    [{ a: 1 }],
    [{ b: 1 }],
    ['ab', 'c'],
    ['a', 'bc'],
  ];
  const prints = await Promise.all(different.map((values) => of(values)));
  expect(new Set(prints).size).toBe(different.length);
  for (const print of prints) expect(print).toMatch(/^[0-9a-f]{16}$/);
});

test('is the same for the same values, in arrays, typed arrays or tensors of one kind', async () => {
  expect(await of([[1, 2, { a: 3 }]])).toBe(await of([[1, 2, { a: 3, b: undefined }]]));
  expect(await of([Int32Array.of(4, 5)])).toBe(await of([[4, 5]]));
  await useWasm();
  const before = numTensors();
  const tensors = (values: number[]) =>
    of([values], ([row]) => ({ x: tf.tensor1d(row as number[]) }));
  expect(await tensors([1, 2])).toBe(await tensors([1, 2]));
  expect(await tensors([1, 2])).not.toBe(await tensors([1, 3]));
  expect(numTensors()).toBe(before);
});

test('of much data it looks at some from everywhere, the first one included', async () => {
  const values = Array.from({ length: 10_000 }, (_, i) => i);
  const seen: unknown[] = [];
  await of(values, (examples) => seen.push(...examples));
  expect(seen).toHaveLength(256);
  expect(seen[0]).toBe(0);
  expect(seen.at(-1)).toBeGreaterThan(9_900);
});

test('differences say where, what was, and what is', () => {
  const was = { seed: 1, optimizer: { name: 'AdamW', epsilon: 1e-8 }, gone: true };
  const is = { seed: 2, optimizer: { name: 'AdamW', epsilon: 1e-6 }, fresh: [1] };
  expect(differences(was, is)).toEqual([
    'seed was 1 and is 2',
    'optimizer.epsilon was 1e-8 and is 0.000001',
    'gone was true and is null',
    'fresh was null and is [1]',
  ]);
  expect(differences(was, structuredClone(was))).toEqual([]);
});
