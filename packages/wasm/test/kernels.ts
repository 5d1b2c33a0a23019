// What the kernels' tests share: running one on plain arrays, and holding the result to a float64
// reference, for every binary that this engine runs.
import { setFlagsFromString } from 'node:v8';
import { afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { registerKernels } from '../src/kernels.js';
import { useWasm } from '../src/use-wasm.js';
import type { WasmVariant } from '../src/variant.js';

// Node 20 has relaxed SIMD behind this flag.
setFlagsFromString('--experimental-wasm-relaxed-simd');

export interface Values {
  shape: number[];
  values: Float32Array | Int32Array;
}

/** The blocks of tests for the kernels, once a binary; every test in them leaks no tensor. */
export function onEachVariant(tests: (variant: WasmVariant) => void): void {
  describe.each(['simd', 'relaxed-simd'] as const)('%s', (variant) => {
    let before: { numTensors: number; numDataIds: number };
    const count = () => ({
      numTensors: tf.memory().numTensors,
      numDataIds: tf.engine().backend.numDataIds(),
    });
    beforeAll(async () => {
      expect((await useWasm({ variant })).variant).toBe(variant);
    });
    beforeEach(() => {
      before = count();
    });
    afterEach(() => {
      expect(count()).toEqual(before);
    });
    tests(variant);
  });
}

/** Runs a kernel on arrays; a shape with an Int32Array makes an int32 tensor. */
export function run(
  kernel: string,
  inputs: Record<string, Values | undefined>,
  attrs: tf.NamedAttrMap = {},
): Values[] {
  return tf.tidy(() => {
    const tensors: tf.NamedTensorMap = {};
    for (const [name, given] of Object.entries(inputs))
      if (given)
        tensors[name] = tf.tensor(
          given.values,
          given.shape,
          given.values.constructor.name === 'Int32Array' ? 'int32' : 'float32',
        );
    const outputs = tf.engine().runKernel(kernel, tensors, attrs) as tf.Tensor | tf.Tensor[];
    return [outputs].flat().map((tensor) => ({
      shape: tensor.shape,
      values: tensor.dataSync() as Float32Array,
    }));
  });
}

// Named once: looking a global up is slow inside jest's module context.
const { abs, cos, floor, imul, log, max, PI, sqrt } = Math;

/** A repeatable source of numbers (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normally distributed values. */
export function normal(random: () => number, shape: number[], deviation = 1): Values {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const radius = sqrt(-2 * log(1 - random()));
    values[i] = deviation * radius * cos(2 * PI * random());
  }
  return { shape, values };
}

/**
 * Every value within `relative` times the larger of the expected value and `scale` (the size of what
 * was summed: a sum that cancels cannot be held to its own size).
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative = 1e-5, scale = 0 }: { relative?: number; scale?: number | ArrayLike<number> } = {},
): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const size = typeof scale === 'number' ? scale : scale[i]!;
    const allowed = relative * max(abs(expected[i]!), size) + 1e-37;
    if (!(abs(actual[i]! - expected[i]!) <= allowed))
      throw new Error(`[${i}] is ${actual[i]}, not ${expected[i]} ± ${allowed}`);
  }
}

/** By the kernels, and by the composition alone. */
export function both<T>(f: () => T): [fused: T, composed: T] {
  const fused = f();
  registerKernels(false);
  try {
    return [fused, f()];
  } finally {
    registerKernels(true);
  }
}

/** Float32 beside float32, relative to the largest value: a sum that cancels has no size of its own. */
export function agree(fused: tf.Tensor, composed: tf.Tensor, scale = largest(composed)): void {
  expect(fused.shape).toEqual(composed.shape);
  expectClose(fused.dataSync(), composed.dataSync(), { scale });
}

/** The largest magnitude in a tensor, at least 1. */
export function largest(tensor: tf.Tensor): number {
  return (tensor.dataSync() as Float32Array).reduce((top, value) => max(top, abs(value)), 1);
}

/** Whether dropout keeps element i: the hash that every backend computes. */
export function keptAt(i: number, seed: number, rate: number): boolean {
  let h = (imul(i, 0x9e3779b1) + seed) | 0;
  h ^= h >>> 16;
  h = imul(h, 0x21f0aaad);
  h ^= h >>> 15;
  h = imul(h, 0x735a2d97);
  h ^= h >>> 15;
  return h >>> 8 >= floor(rate * 2 ** 24);
}
