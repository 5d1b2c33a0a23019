// A key-value cache that forgets, by the kernels: whatever is appended, forgotten, reordered and attended to,
// it is as if the keys and values it should hold had been given.
import { expect, test } from '@jest/globals';
import {
  KeyValueCache,
  type RelativeAttentionOptions,
  relativeAttention,
  scaledDotProductAttention,
  selfAttention,
} from '@multihead/attention';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { agree, normal, onEachVariant, randomFrom } from '../test/kernels.js';

const [numHeads, width] = [2, 8];

const cases = fc.record({
  /** New positions, and how many are left after them. */
  steps: fc.array(
    fc.record({ added: fc.integer({ min: 1, max: 9 }), kept: fc.integer({ min: 0, max: 12 }) }),
    { minLength: 1, maxLength: 12 },
  ),
  capacity: fc.integer({ min: 1, max: 20 }),
  rows: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 4 }),
});

onEachVariant(() => {
  test('what is left is attended to, wherever it lies', () => {
    fc.assert(
      fc.property(cases, fc.integer(), ({ steps, capacity, rows }, seed) => {
        const random = randomFrom(seed);
        const draw = (...shape: number[]) => tf.tensor(normal(random, shape).values, shape);
        tf.tidy(() => {
          const relative: RelativeAttentionOptions = {
            ...{ numHeads, positions: draw(5, width), contentBias: draw(numHeads, 4) },
            outputAttentions: true,
          };
          const scaled = { numHeads, causal: true, outputAttentions: true };
          const roads = [
            (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, cache?: KeyValueCache) =>
              relativeAttention(q, k, v, { ...relative, cache }),
            (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, cache?: KeyValueCache) =>
              scaledDotProductAttention(q, k, v, { ...scaled, cache }),
            (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, cache?: KeyValueCache) =>
              cache
                ? selfAttention(tf.concat([q, k, v], 2), { ...scaled, cache })
                : scaledDotProductAttention(q, k, v, scaled),
          ];
          for (const road of roads) {
            using cache = new KeyValueCache({ batch: 3, width, capacity, canGrow: true });
            let [keys, values] = [tf.zeros([3, 0, width]), tf.zeros([3, 0, width])];
            const after = (old: tf.Tensor, more: tf.Tensor) =>
              old.shape[1] === 0 ? more : tf.concat([old, more], 1);
            for (const { added, kept } of steps) {
              const batch = cache.batch;
              const [q, k, v] = [1, 2, 3].map(() => draw(batch, added, width)) as [
                ...[tf.Tensor, tf.Tensor, tf.Tensor],
              ];
              [keys, values] = [after(keys, k), after(values, v)];
              const step = road(q, k, v, cache);
              const whole = roads[roads.indexOf(road) === 0 ? 0 : 1]!(q, keys, values);
              agree(step.context, whole.context);
              agree(step.weights!, whole.weights!);
              const forgotten = Math.max(0, cache.length - kept);
              cache.forget(forgotten);
              const left = keys.shape[1]! - forgotten;
              [keys, values] = [keys, values].map((t) =>
                tf.slice(t, [0, forgotten, 0], [batch, left, width]),
              ) as [tf.Tensor, tf.Tensor];
              const chosen = rows.map((row) => row % batch);
              cache.select(chosen);
              [keys, values] = [keys, values].map((t) =>
                left === 0
                  ? tf.zeros([chosen.length, 0, width])
                  : tf.gather(t, tf.tensor1d(chosen, 'int32')),
              ) as [tf.Tensor, tf.Tensor];
              expect([cache.batch, cache.length]).toEqual([rows.length, left]);
            }
          }
        });
      }),
      { numRuns: 25 },
    );
  });

  test('room is bounded by what is kept, and given back after much at once', () => {
    const start = tf.memory().numTensors;
    using cache = new KeyValueCache({ batch: 1, width: 1, capacity: 40, canGrow: true });
    const append = (count: number) =>
      tf.tidy(() => cache.append(tf.ones([1, count, 1]), tf.ones([1, count, 1])));
    append(500);
    expect(cache.capacity).toBe(640);
    for (let i = 0; i < 300; i++) {
      cache.forget(cache.length - 32);
      append(1);
      expect([cache.length, cache.capacity]).toEqual([33, 40]);
      expect(cache.keys.shape).toEqual([1, 40, 1]);
    }
    expect(() => cache.forget(34)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    cache.dispose();
    expect(tf.memory().numTensors).toBe(start);
  });
});
