import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  fixturePath,
  floats,
  numTensors,
  onEachBackend,
  parametersOf,
  readFixture,
  rowsOf,
  take,
} from '../test/support.js';
import { adamW } from './adamw.js';
import { clippingScale, globalNorm } from './gradient-clipping.js';
import { applyGradients, disposeState, type OptimizerState } from './optimizer.js';

const settings = JSON.parse(await readFile(fixturePath('masked-lm/settings.json'), 'utf8'));
const options = {
  betas: [settings.beta1, settings.beta2],
  epsilon: settings.epsilon,
  weightDecay: settings.weightDecay,
} as const;

/** The algorithm of the paper in float64, one number at a time. */
function inFloat64(
  start: number,
  gradients: readonly number[],
  rate: number,
  { betas: [b1, b2], epsilon, weightDecay }: typeof options,
) {
  let [theta, m, v] = [start, 0, 0];
  gradients.forEach((g, i) => {
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    const mHat = m / (1 - b1 ** (i + 1));
    const vHat = v / (1 - b2 ** (i + 1));
    theta -= rate * (mHat / (Math.sqrt(vHat) + epsilon) + weightDecay * theta);
  });
  return theta;
}

onEachBackend(() => {
  test("twenty clipped steps give PyTorch's weights and moments, gradients of 1e-9 to 10", async () => {
    const before = numTensors();
    const fixture = await readFixture('adamw.safetensors');
    const names = ['dense.weight', 'dense.bias', 'LayerNorm.weight'];
    const shape = (name: string) => fixture.get(`initial/${name}`)!.shape;
    const tensorOf = (name: string, values: ArrayLike<number>) =>
      tf.tensor(Float32Array.from(values), shape(name));
    const parameters = parametersOf(
      Object.fromEntries(names.map((n) => [n, tensorOf(n, floats(fixture, `initial/${n}`))])),
    );
    const gradients = names.map((name) => rowsOf(fixture, `gradients/${name}`));
    const expected = names.map((name) => rowsOf(fixture, `weights/${name}`));
    const rates = floats(fixture, 'learning_rate');
    const norms = floats(fixture, 'grad_norm');
    const state: OptimizerState = new Map();
    const optimizer = adamW(options);
    for (let step = 0; step < rates.length; step++) {
      const given = new Map(names.map((n, i) => [n, tensorOf(n, gradients[i]![step]!)]));
      const norm = await globalNorm(given);
      expect(Math.abs(norm - norms[step]!)).toBeLessThanOrEqual(1e-6 * norms[step]!);
      const gradientScale = clippingScale(norm, settings.maxGradNorm);
      const learningRate = rates[step]!;
      applyGradients(optimizer, parameters, given, state, { learningRate, gradientScale });
      names.forEach((name, i) => {
        const values = parameters.get(name)!.value.dataSync();
        expect(values.length).toBe(expected[i]![step]!.length);
        values.forEach((value, j) => {
          expect(Math.abs(value - expected[i]![step]![j]!)).toBeLessThan(1e-6);
        });
      });
    }
    for (const name of names) {
      const { step, tensors } = state.get(name)!;
      expect(step).toBe(rates.length);
      const squares = floats(fixture, `exp_avg_sq/${name}`);
      const [m, v] = [tensors.exp_avg!.dataSync(), tensors.exp_avg_sq!.dataSync()];
      // A mean of gradients of both signs is as exact as their size allows, not its own.
      floats(fixture, `exp_avg/${name}`).forEach((mean, j) => {
        expect(Math.abs(m[j]! - mean)).toBeLessThanOrEqual(1e-5 * Math.sqrt(squares[j]!));
        expect(Math.abs(v[j]! - squares[j]!)).toBeLessThanOrEqual(1e-5 * squares[j]!);
      });
    }
    disposeState(state);
    for (const parameter of parameters.values()) parameter.dispose();
    expect(numTensors()).toBe(before);
  });

  test('equals the algorithm in float64 over 200 steps of one quadratic', () => {
    const start = [1, -2, 0.5];
    const parameters = parametersOf({ w: tf.tensor2d([start]) });
    const gradients: number[][] = [];
    const state: OptimizerState = new Map();
    for (let step = 0; step < 200; step++) {
      const values = Array.from(parameters.get('w')!.value.dataSync());
      gradients.push(values.map((value, i) => Math.fround((i + 1) * value)));
      const given = new Map<string, tf.Tensor>([['w', tf.tensor2d([gradients.at(-1)!])]]);
      applyGradients(adamW(options), parameters, given, state, { learningRate: 0.01 });
    }
    const values = parameters.get('w')!.value.dataSync();
    start.forEach((from, i) => {
      const of = gradients.map((row) => row[i]!);
      expect(Math.abs(values[i]! - inFloat64(from, of, 0.01, options))).toBeLessThan(1e-5);
    });
    disposeState(state);
    parameters.get('w')!.dispose();
  });

  test('weights shrink at a zero gradient, and only those that should', () => {
    const shrunk = (optimizer: ReturnType<typeof adamW>, key: string) => {
      const parameters = parametersOf({
        [key]: key.endsWith('bias') ? tf.tensor1d([2]) : tf.tensor2d([[2]]),
      });
      const gradients = new Map([[key, tf.zerosLike(parameters.get(key)!.value)]]);
      const state: OptimizerState = new Map();
      applyGradients(optimizer, parameters, gradients, state, { learningRate: 0.5 });
      const [value] = parameters.get(key)!.value.dataSync();
      disposeState(state);
      parameters.get(key)!.dispose();
      return value;
    };
    expect(shrunk(adamW({ weightDecay: 0.1 }), 'dense.weight')).toBeCloseTo(2 * (1 - 0.05), 6);
    expect(shrunk(adamW({ weightDecay: 0.1 }), 'dense.bias')).toBe(2);
    const biasesToo = adamW({ weightDecay: 0.1, decays: (key) => key.endsWith('bias') });
    expect(shrunk(biasesToo, 'dense.bias')).toBeCloseTo(2 * (1 - 0.05), 6);
    expect(shrunk(biasesToo, 'dense.weight')).toBe(2);
  });

  test('a parameter without a gradient keeps its value and its own count of steps', () => {
    const before = numTensors();
    const parameters = parametersOf({ a: tf.tensor1d([1]), b: tf.tensor1d([1]) });
    const state: OptimizerState = new Map();
    const step = (...keys: string[]) => {
      const gradients = new Map(keys.map((key) => [key, tf.tensor1d([1]) as tf.Tensor]));
      applyGradients(adamW(), parameters, gradients, state, { learningRate: 0.1 });
      expect(gradients.size).toBe(0);
    };
    step('a');
    expect(parameters.get('b')!.value.dataSync()[0]).toBe(1);
    expect(state.has('b')).toBe(false);
    step('a', 'b');
    expect(state.get('a')!.step).toBe(2);
    expect(state.get('b')!.step).toBe(1);
    disposeState(state);
    for (const parameter of parameters.values()) parameter.dispose();
    expect(numTensors()).toBe(before);
  });

  test('update frees nothing that was given, and a clone keeps its values', () => {
    const before = numTensors();
    const parameter = tf.tensor1d([1, 2]);
    const copy = tf.clone(parameter);
    const gradient = tf.tensor1d([0.5, -0.5]);
    const given = { key: 'k', gradient, gradientScale: 1, learningRate: 0.1 };
    const first = adamW().update({ ...given, parameter, state: undefined });
    const { exp_avg, exp_avg_sq } = first.state.tensors;
    const kept = tf.clone(exp_avg!);
    const second = adamW().update({ ...given, ...first });
    expect(take(gradient)).toEqual([0.5, -0.5]);
    expect(take(copy)).toEqual([1, 2]);
    expect(take(kept)[0]).toBeCloseTo(0.05, 6);
    expect(second.state.step).toBe(2);
    expect(take(second.state.tensors.exp_avg!)[0]).toBeCloseTo(0.095, 6);
    tf.dispose([parameter, first.parameter, exp_avg!, exp_avg_sq!]);
    tf.dispose([second.parameter, second.state.tensors.exp_avg_sq!]);
    expect(numTensors()).toBe(before);
  });
});

describe('refuses options that mean nothing', () => {
  test.each([
    { betas: [1, 0.999] as const },
    { betas: [0.9, -0.1] as const },
    { epsilon: -1 },
    { weightDecay: Number.NaN },
  ])('%j', (options) => {
    expect(() => adamW(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
