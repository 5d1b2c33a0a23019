import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors, onEachBackend, take } from '../test/support.js';
import { clippingScale, globalNorm } from './gradient-clipping.js';

const free = (gradients: Map<string, tf.Tensor>) => tf.dispose([...gradients.values()]);

onEachBackend(() => {
  test('the norm is over all gradients; reading it leaves them alone', async () => {
    const before = numTensors();
    const gradients = new Map([
      ['a', tf.tensor1d([3, 0])],
      ['b', tf.tensor2d([[0], [-4]])],
    ] as [string, tf.Tensor][]);
    expect(await globalNorm(gradients)).toBe(5);
    expect(take(gradients.get('a')!)).toEqual([3, 0]);
    expect(take(gradients.get('b')!)).toEqual([0, -4]);
    expect(await globalNorm(new Map())).toBe(0);
    expect(numTensors()).toBe(before);
  });

  test('the norm of a million elements is right to nine digits', async () => {
    const gradients = new Map<string, tf.Tensor>([['a', tf.fill([1_000_000], 0.1)]]);
    const expected = 1000 * Math.fround(0.1);
    expect(Math.abs((await globalNorm(gradients)) / expected - 1)).toBeLessThan(1e-9);
    free(gradients);
  });

  test('squares that float32 cannot hold are no infinity', async () => {
    const gradients = new Map<string, tf.Tensor>([['a', tf.tensor1d([3e30, 4e30])]]);
    expect((await globalNorm(gradients)) / 5e30).toBeCloseTo(1, 6);
    free(gradients);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'a gradient with %p is an error that names its key, and nothing is changed',
    async (value) => {
      const gradients = new Map<string, tf.Tensor>([
        ['fine', tf.tensor1d([1])],
        ['layer.bias', tf.tensor1d([1, value])],
        ['later', tf.tensor1d([value])],
      ]);
      const given = [...gradients.values()];
      await expect(globalNorm(gradients)).rejects.toMatchObject({
        code: 'NON_FINITE_GRADIENT',
        message: expect.stringContaining('layer.bias'),
      });
      expect([...gradients.values()]).toEqual(given);
      expect(given[0]!.isDisposed).toBe(false);
      free(gradients);
    },
  );
});

test('scales by maxNorm / (norm + 1e-6), as PyTorch does, and never up', () => {
  expect(clippingScale(5, 0.5)).toBe(0.5 / (5 + 1e-6));
  expect(clippingScale(5, 6)).toBe(1);
  expect(clippingScale(5, Number.POSITIVE_INFINITY)).toBe(1);
});

test.each([0, -1, Number.NaN])('refuses a norm that would undo all learning: %p', (maxNorm) => {
  expect(() => clippingScale(1, maxNorm)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
});
