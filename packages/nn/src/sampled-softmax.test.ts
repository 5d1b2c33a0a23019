import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectCloseRelative,
  expectNoLeak,
  onEachBackend,
  runOp,
  toTensor,
} from '../test/backends.js';
import { readCases } from '../test/fixtures.js';
import { Random } from './random.js';
import { LogUniformSampler, sampledCrossEntropy } from './sampled-softmax.js';

const VOCAB = 20;

onEachBackend(() => {
  describe.each(readCases('sampled-softmax'))('%s', (_, fixture) => {
    const ids = fixture.samples!.values as Int32Array;
    const sampler = new LogUniformSampler(VOCAB, fixture.num_samples!.values[0]!);
    const drawn = { ids, logExpected: sampler.sample(new Random(1)).logExpected };

    test('equals PyTorch: losses within 1e-5, gradients within 1e-4', () => {
      const targets = tf.tensor1d(fixture.targets!.values as Int32Array, 'int32');
      const { output, gradients } = runOp(
        ({ hidden, weight, bias }) => sampledCrossEntropy(hidden, weight, bias, targets, drawn),
        { hidden: fixture.hidden!, weight: fixture.weight!, bias: fixture.bias! },
        fixture.cotangent!,
      );
      expectClose(output, fixture.output!, 1e-5);
      for (const name of ['hidden', 'weight', 'bias'] as const) {
        expectCloseRelative(gradients[name], fixture[`grad/${name}`]!);
      }
      targets.dispose();
    });

    test('leaves nothing behind', () => {
      const given = [fixture.hidden!, fixture.weight!, fixture.bias!].map(toTensor);
      const targets = tf.tensor1d(fixture.targets!.values as Int32Array, 'int32');
      const [hidden, weight, bias] = given as [tf.Tensor, tf.Tensor, tf.Tensor];
      expectNoLeak(() => sampledCrossEntropy(hidden, weight, bias, targets, drawn).dispose());
      tf.dispose([given, targets]);
    });
  });
});

describe('LogUniformSampler', () => {
  test('draws word k with probability ln((k + 2) / (k + 1)) / ln(words + 1)', () => {
    const counts = new Float64Array(VOCAB);
    const runs = 40_000;
    const random = new Random(7);
    const sampler = new LogUniformSampler(VOCAB, 1);
    for (let i = 0; i < runs; i++) for (const id of sampler.sample(random).ids) counts[id]!++;
    counts.forEach((count, k) => {
      const p = Math.log((k + 2) / (k + 1)) / Math.log(VOCAB + 1);
      const expected = 1 - (1 - p) ** 2; // of two draws
      const deviation = Math.sqrt((expected * (1 - expected)) / runs);
      expect(Math.abs(count / runs - expected)).toBeLessThan(4.5 * deviation);
    });
  });

  test('gives each word once, in order, the same ones for the same seed, and how often to expect them', () => {
    const sampler = new LogUniformSampler(1000, 50);
    const { ids, logExpected } = sampler.sample(new Random(3));
    expect(ids).toEqual(Int32Array.from(new Set(ids)).sort());
    expect(ids.length).toBeGreaterThan(30);
    expect(ids.length).toBeLessThan(100);
    expect(sampler.sample(new Random(3)).ids).toEqual(ids);
    expect(sampler.sample(new Random(4)).ids).not.toEqual(ids);
    for (const id of [0, 1, 17, 999]) {
      const p = Math.log((id + 2) / (id + 1)) / Math.log(1001);
      expect(logExpected([id])[0]).toBeCloseTo(Math.log(1 - (1 - p) ** 100), 5);
    }
  });

  test('goes on with the generator: the next words are others', () => {
    const sampler = new LogUniformSampler(1000, 50);
    const random = new Random(3);
    expect(sampler.sample(random).ids).not.toEqual(sampler.sample(random).ids);
  });

  test.each([
    [0, 5],
    [10, 0],
    [10, 1.5],
    [Number.NaN, 5],
  ])('refuses %p words, %p samples', (words, samples) => {
    expect(() => new LogUniformSampler(words, samples)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG' }),
    );
  });
});
