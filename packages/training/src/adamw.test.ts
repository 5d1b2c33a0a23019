import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors, onEachBackend, parametersOf } from '../test/support.js';
import { adamW } from './adamw.js';
import { applyGradients, disposeState, type OptimizerState } from './optimizer.js';

const options = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 } as const;

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
});
