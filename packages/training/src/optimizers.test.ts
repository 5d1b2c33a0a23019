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
import { adagrad } from './adagrad.js';
import { adamW } from './adamw.js';
import { clippingScale, globalNorm } from './gradient-clipping.js';
import { applyGradients, disposeState, type OptimizerState } from './optimizer.js';
import { sgd } from './sgd.js';

const settings = JSON.parse(await readFile(fixturePath('masked-lm/settings.json'), 'utf8'));
const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = settings;

/** Each with its prefix in `optimizers.safetensors` ('' for `adamw.safetensors`), and its state. */
const cases = [
  { name: '', optimizer: adamW({ betas: [beta1, beta2], epsilon, weightDecay }), slots: ['exp_avg', 'exp_avg_sq'] }, // biome-ignore format: a table
  { name: 'sgd/', optimizer: sgd(), slots: [] },
  { name: 'sgd-decay/', optimizer: sgd({ weightDecay }), slots: [] },
  { name: 'sgd-momentum/', optimizer: sgd({ momentum: 0.9, weightDecay }), slots: ['momentum_buffer'] }, // biome-ignore format: a table
  { name: 'sgd-nesterov/', optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay }), slots: ['momentum_buffer'] }, // biome-ignore format: a table
  { name: 'adagrad/', optimizer: adagrad(), slots: ['sum'] },
  { name: 'adagrad-decay/', optimizer: adagrad({ initialAccumulatorValue: 0.1, epsilon: 1e-6, weightDecay }), slots: ['sum'] }, // biome-ignore format: a table
];

onEachBackend(() => {
  test.each(cases)(
    "twenty clipped steps give PyTorch's weights and state, gradients of 1e-9 to 10: $name $optimizer.settings.name",
    async ({ name: prefix, optimizer, slots }) => {
      const before = numTensors();
      const fixture = await readFixture('adamw.safetensors');
      const results = prefix === '' ? fixture : await readFixture('optimizers.safetensors');
      const names = ['dense.weight', 'dense.bias', 'LayerNorm.weight'];
      const shape = (name: string) => fixture.get(`initial/${name}`)!.shape;
      const tensorOf = (name: string, values: ArrayLike<number>) =>
        tf.tensor(Float32Array.from(values), shape(name));
      const parameters = parametersOf(
        Object.fromEntries(names.map((n) => [n, tensorOf(n, floats(fixture, `initial/${n}`))])),
      );
      const gradients = names.map((name) => rowsOf(fixture, `gradients/${name}`));
      const expected = names.map((name) => rowsOf(results, `${prefix}weights/${name}`));
      const rates = floats(fixture, 'learning_rate');
      const norms = floats(fixture, 'grad_norm');
      const state: OptimizerState = new Map();
      for (let step = 0; step < rates.length; step++) {
        const given = new Map(names.map((n, i) => [n, tensorOf(n, gradients[i]![step]!)]));
        const norm = await globalNorm(given);
        expect(Math.abs(norm - norms[step]!)).toBeLessThanOrEqual(1e-6 * norms[step]!);
        const gradientScale = clippingScale(norm, maxGradNorm);
        const learningRate = rates[step]! * (prefix === '' ? 1 : 10);
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
        expect(Object.keys(tensors)).toEqual(slots);
        for (const slot of slots) {
          const wanted = floats(results, `${prefix}${slot}/${name}`);
          tensors[slot]!.dataSync().forEach((value, j) => {
            expect(Math.abs(value - wanted[j]!)).toBeLessThan(1e-6);
          });
        }
      }
      disposeState(state);
      for (const parameter of parameters.values()) parameter.dispose();
      expect(numTensors()).toBe(before);
    },
  );

  test.each(cases)(
    '$name $optimizer.settings.name frees nothing that was given, and a clone keeps its values',
    ({ optimizer }) => {
      const before = numTensors();
      const parameter = tf.tensor1d([1, 2]);
      const copy = tf.clone(parameter);
      const gradient = tf.tensor1d([0.5, -0.5]);
      const given = { key: 'k', gradient, gradientScale: 1, learningRate: 0.1 };
      const first = optimizer.update({ ...given, parameter, state: undefined });
      const kept = Object.entries(first.state.tensors).map(([slot, of]) => [slot, tf.clone(of), Array.from(of.dataSync())] as const); // biome-ignore format: one line
      const second = optimizer.update({ ...given, ...first });
      expect(second.state.step).toBe(2);
      expect(take(gradient)).toEqual([0.5, -0.5]);
      expect(take(copy)).toEqual([1, 2]);
      for (const [slot, clone, values] of kept) {
        expect(take(clone)).toEqual(values);
        expect(take(second.state.tensors[slot]!)).not.toEqual(values);
      }
      tf.dispose([parameter, first.parameter, second.parameter, first.state.tensors]);
      expect(numTensors()).toBe(before);
    },
  );
});

describe('refuses options that mean nothing', () => {
  test.each([
    () => adamW({ betas: [1, 0.999] }),
    () => adamW({ betas: [0.9, -0.1] }),
    () => adamW({ epsilon: -1 }),
    () => adamW({ weightDecay: Number.NaN }),
    () => sgd({ momentum: 1 }),
    () => sgd({ momentum: -0.1 }),
    () => sgd({ nesterov: true }),
    () => sgd({ weightDecay: -1 }),
    () => adagrad({ epsilon: Number.NaN }),
    () => adagrad({ initialAccumulatorValue: -1 }),
    () => adagrad({ weightDecay: Number.POSITIVE_INFINITY }),
  ])('%s', (create) => {
    expect(create).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
