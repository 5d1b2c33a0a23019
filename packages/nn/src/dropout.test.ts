import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { numbers, onEachBackend, runOp, take, toTensor } from '../test/backends.js';
import { Dropout, dropout, dropoutMask } from './dropout.js';
import { Random } from './random.js';

/** Which elements stay, by an implementation of the hash in another language. */
const pinned = [
  { seed: 42, rate: 0.5, kept: '011010010000000010110110' },
  { seed: 7, rate: 0.1, kept: '111101111110101111111111' },
  { seed: -1, rate: 0.9, kept: '001000100100000000000000' },
];

onEachBackend(() => {
  test.each(pinned)('the mask of seed $seed and rate $rate is fixed', ({ seed, rate, kept }) => {
    const { values } = take(dropoutMask([4, 6], rate, seed));
    const scale = Math.fround(1 / (1 - rate));
    expect(Array.from(values)).toEqual([...kept].map((bit) => (bit === '1' ? scale : 0)));
  });

  test('the backward pass drops the same elements', () => {
    const x = numbers([20, 30]);
    const dy = numbers([20, 30], 2);
    const mask = take(dropoutMask([20, 30], 0.3, 5)).values;
    const { output, gradients } = runOp(({ x }) => dropout(x, 0.3, 5), { x }, dy);
    for (let i = 0; i < 600; i++) {
      expect(output.values[i]).toBe(Math.fround(x.values[i]! * mask[i]!));
      expect(gradients.x.values[i]).toBe(Math.fround(dy.values[i]! * mask[i]!));
    }
  });

  test('a rate of 0 changes nothing and gives a tensor of its own', () => {
    const x = toTensor(numbers([3]));
    const y = dropout(x, 0, 1);
    expect(y).not.toBe(x);
    expect(Array.from(y.dataSync())).toEqual(Array.from(x.dataSync()));
    tf.dispose([x, y]);
  });

  test('of 100,000 elements the rate is dropped, and the mean stays', () => {
    for (const rate of [0.1, 0.5, 0.9]) {
      const { values } = take(dropoutMask([100_000], rate, 11));
      const dropped = Array.from(values).filter((v) => v === 0).length / 100_000;
      const mean = Array.from(values).reduce((a, b) => a + b) / 100_000;
      const deviation = Math.sqrt((rate * (1 - rate)) / 100_000);
      expect(Math.abs(dropped - rate)).toBeLessThan(4 * deviation);
      expect(Math.abs(mean - 1)).toBeLessThan((4 * deviation) / (1 - rate));
    }
  });

  test('neighbours, and masks of neighbouring seeds, are independent', () => {
    const n = 100_000;
    const one = take(dropoutMask([n], 0.5, 100)).values;
    const next = take(dropoutMask([n], 0.5, 101)).values;
    const agreement = (f: (i: number) => boolean) =>
      Array.from({ length: n - 1 }, (_, i) => f(i)).filter(Boolean).length / n;
    expect(agreement((i) => one[i] === next[i])).toBeCloseTo(0.5, 2);
    expect(agreement((i) => one[i] === one[i + 1])).toBeCloseTo(0.5, 2);
  });

  test('the layer drops with a generator, a new mask each time, and is idle without', () => {
    const layer = new Dropout(0.5);
    const x = tf.ones([64]);
    expect(layer.forward(x, undefined)).toBe(x);
    const draw = () => {
      const random = new Random(1, 'dropout');
      return [0, 1].map(() => Array.from(take(layer.forward(x, random)).values));
    };
    const [first, second] = draw();
    expect(first).not.toEqual(second);
    expect(draw()).toEqual([first, second]);
    x.dispose();
  });
});

test('a rate outside [0, 1) is an error', () => {
  const wrong = expect.objectContaining({ code: 'BAD_CONFIG' });
  for (const rate of [-0.1, 1, Number.NaN]) {
    expect(() => new Dropout(rate)).toThrow(wrong);
    expect(() => dropoutMask([1], rate, 0)).toThrow(wrong);
  }
});
