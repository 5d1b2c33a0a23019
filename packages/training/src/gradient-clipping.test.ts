import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors, onEachBackend, take } from '../test/support.js';
import { clipByGlobalNorm, globalNorm } from './gradient-clipping.js';

const free = (gradients: Map<string, tf.Tensor>) => tf.dispose([...gradients.values()]);

onEachBackend(() => {
  test('scales all gradients by maxNorm / (norm + 1e-6), as PyTorch does', async () => {
    const before = numTensors();
    const gradients = new Map([
      ['a', tf.tensor1d([3, 0])],
      ['b', tf.tensor2d([[0], [-4]])],
    ] as [string, tf.Tensor][]);
    expect(await clipByGlobalNorm(gradients, 0.5)).toBe(5);
    expect(numTensors()).toBe(before + 2);
    const factor = Math.fround(0.5 / (5 + 1e-6));
    expect(take(gradients.get('a')!)).toEqual([Math.fround(3 * factor), 0]);
    expect(take(gradients.get('b')!)).toEqual([0, Math.fround(-4 * factor)]);
    expect(numTensors()).toBe(before);
  });

  test('leaves gradients alone that are small enough', async () => {
    const gradient = tf.tensor1d([3, 4]);
    const gradients = new Map<string, tf.Tensor>([['a', gradient]]);
    expect(await clipByGlobalNorm(gradients, 6)).toBe(5);
    expect(await clipByGlobalNorm(gradients, Number.POSITIVE_INFINITY)).toBe(5);
    expect(gradients.get('a')).toBe(gradient);
    free(gradients);
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
      await expect(clipByGlobalNorm(gradients, 0.1)).rejects.toMatchObject({
        code: 'NON_FINITE_GRADIENT',
        message: expect.stringContaining('layer.bias'),
      });
      expect([...gradients.values()]).toEqual(given);
      expect(given[0]!.isDisposed).toBe(false);
      free(gradients);
    },
  );

  test('refuses a norm that would undo all learning', async () => {
    await expect(clipByGlobalNorm(new Map(), 0)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await expect(clipByGlobalNorm(new Map(), Number.NaN)).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
  });
});
