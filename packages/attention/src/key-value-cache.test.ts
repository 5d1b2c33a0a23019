import { beforeAll, describe, expect, test } from '@jest/globals';
import { valueAndGradients, Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import {
  KeyValueCache,
  MultiHeadAttention,
  paddingMask,
  scaledDotProductAttention,
} from './index.js';

/* Without kernels. `@multihead/wasm` tests the same class with the kernels that write in place. */

const x = (seed: number, ...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const between = (t: tf.Tensor, from: number, to: number) => {
  const [batch, , width] = t.shape as [number, number, number];
  return tf.slice(t, [0, from, 0], [batch, to - from, width]);
};
const apart = (a: tf.Tensor, b: tf.Tensor) => {
  expect(a.shape).toEqual(b.shape);
  return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;
};
const held = (cache: KeyValueCache) =>
  tf.tidy(() => {
    const { keys, values, start, length } = cache;
    return [keys, values].map((t) => between(t, start, start + length).arraySync());
  });

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => void (await tf.setBackend(backend)));

  test('steps of any size give what the whole at once gives', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [q, k, v] = [x(1, 2, 9, 6), x(2, 2, 9, 6), x(3, 2, 9, 4)];
      const padded = [1, 0].map((row) => Array.from({ length: 9 }, (_, i) => +(i >= 2 * row)));
      const options = { numHeads: 2, causal: true, outputAttentions: true };
      const mask = (length: number) =>
        paddingMask(
          tf.tensor2d(
            padded.map((row) => row.slice(0, length)),
            undefined,
            'int32',
          ),
        );
      const whole = scaledDotProductAttention(q, k, v, { ...options, mask: mask(9) });
      using cache = new KeyValueCache({ batch: 2, width: 6, valueWidth: 4 });
      for (const [from, to] of [
        [0, 4],
        [4, 5],
        [5, 6],
        [6, 9],
      ] as const) {
        const [query, key, value] = [q, k, v].map((t) => between(t, from, to));
        const step = scaledDotProductAttention(query!, key!, value!, {
          ...options,
          mask: mask(to),
          cache,
        });
        expect(cache.length).toBe(to);
        expect(step.weights!.shape).toEqual([2, 2, to - from, to]);
        const first = Math.max(from, 2); // before, the padded row has nothing in sight
        const same = (t: tf.Tensor) => between(t, first - from, to - from);
        expect(apart(same(step.context), between(whole.context, first, to))).toBeLessThan(1e-5);
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('rows are reordered, repeated and dropped; positions are forgotten', () => {
    const cache = new KeyValueCache({ batch: 3, width: 2, valueWidth: 1 });
    const [key, value] = [x(1, 3, 4, 2), x(2, 3, 4, 1)];
    cache.append(key, value);
    const [keys, values] = [key.arraySync(), value.arraySync()] as number[][][][];
    cache.select([0, 1, 2]);
    expect(held(cache)).toEqual([keys, values]);
    cache.select([2, 0, 0, 1]);
    expect(cache.batch).toBe(4);
    expect(held(cache)).toEqual([keys, values].map((t) => [2, 0, 0, 1].map((row) => t![row])));
    cache.select(Int32Array.of(3));
    cache.truncate(2);
    expect([cache.batch, cache.length]).toEqual([1, 2]);
    expect(held(cache)).toEqual([keys, values].map((t) => [t![1]!.slice(0, 2)]));
    cache.append(tf.slice(key, [0, 0, 0], [1, 1, 2]), tf.slice(value, [0, 0, 0], [1, 1, 1]));
    expect(held(cache)).toEqual([keys, values].map((t) => [[...t![1]!.slice(0, 2), t![0]![0]]]));
    cache.truncate(0);
    expect(cache.length).toBe(0);
    const others = tf.memory().numTensors;
    cache.dispose();
    cache.dispose();
    expect(tf.memory().numTensors).toBe(others - 2);
    expect(() => cache.append(key, value)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    tf.dispose([key, value]);
  });

  test('a window moves along: what is forgotten counts no more', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [key, value] = [x(1, 2, 6, 2), x(2, 2, 6, 1)];
      using cache = new KeyValueCache({ batch: 2, width: 2, valueWidth: 1, capacity: 3 });
      const part = (from: number, to: number) =>
        [key, value].map((t) => between(t, from, to)) as [tf.Tensor, tf.Tensor];
      const expected = (from: number, to: number) => part(from, to).map((t) => t.arraySync());
      cache.append(...part(0, 3));
      for (let i = 3; i < 6; i++) {
        expect(() => cache.append(...part(i, i + 1))).toThrow(/room for 3/);
        cache.forget(1);
        cache.append(...part(i, i + 1));
        expect(held(cache)).toEqual(expected(i - 2, i + 1));
      }
      cache.truncate(2);
      cache.forget(0);
      expect(held(cache)).toEqual(expected(3, 5));
      cache.forget(2);
      expect(cache.length).toBe(0);
      cache.append(...part(0, 2));
      expect(held(cache)).toEqual(expected(0, 2));
      for (const count of [3, -1, 0.5]) expect(() => cache.forget(count)).toThrow(/cannot forget/);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a capacity is a limit unless it may grow', () => {
    tf.tidy(() => {
      const three = x(1, 1, 3, 2);
      const full = new KeyValueCache({ batch: 1, width: 2, capacity: 4 });
      full.append(three, three);
      const attend = () =>
        scaledDotProductAttention(three, three, three, { numHeads: 1, cache: full });
      expect(attend).toThrow(expect.objectContaining({ code: 'CONTEXT_EXCEEDED' }));
      expect(attend).toThrow(/room for 4 positions and would hold 6/);
      expect([full.length, full.capacity]).toEqual([3, 4]);
      full.append(between(three, 0, 1), between(three, 0, 1));
      expect(full.length).toBe(4);
      for (const options of [{}, { capacity: 4, canGrow: true }]) {
        const growing = new KeyValueCache({ batch: 1, width: 2, ...options });
        for (let i = 0; i < 30; i++) growing.append(three, three);
        expect([growing.length, growing.capacity]).toEqual([90, 128]);
        const rows = three.arraySync() as number[][][];
        expect(held(growing)[0]).toEqual([Array.from({ length: 30 }, () => rows[0]!).flat()]);
        growing.dispose();
      }
      full.dispose();
    });
  });

  test('what does not fit is refused, and the cache is as before', () => {
    tf.tidy(() => {
      using cache = new KeyValueCache({ batch: 2, width: 4 });
      const good = x(1, 2, 3, 4);
      cache.append(good, good);
      const before = held(cache);
      const refused = (f: () => unknown, code: string, message: RegExp) => {
        expect(f).toThrow(expect.objectContaining({ code }));
        expect(f).toThrow(message);
        expect(held(cache)).toEqual(before);
      };
      refused(() => cache.append(good, x(1, 2, 2, 4)), 'WRONG_SHAPE', /value \[2,3,4\].*\[2,2,4\]/);
      refused(() => cache.append(x(1, 1, 3, 4), x(1, 1, 3, 4)), 'WRONG_SHAPE', /\[1,3,4\]/);
      refused(() => cache.append(x(1, 2, 4), x(1, 2, 4)), 'WRONG_SHAPE', /\[2,4\]/);
      for (const length of [4, -1, 0.5])
        refused(() => cache.truncate(length), 'BAD_INPUT', /3 positions/);
      for (const rows of [[], [2], [-1], [0.5]])
        refused(() => cache.select(rows), 'BAD_INPUT', /batch is 2/);
      const mask = tf.zeros([2, 1, 1, 3]); // over the new keys, not over all
      const attend = (options: object) => () =>
        scaledDotProductAttention(good, good, good, { numHeads: 2, cache, ...options });
      refused(attend({ mask }), 'WRONG_SHAPE', /\[2,1,1,3\].*\[2,2,3,6\]/);
      refused(attend({ sequenceLengths: [3] }), 'BAD_INPUT', /without cache/);
      const weights = new Weights({ seed: 1 });
      const w = weights.parameter('w', [2, 3, 4], () => {});
      const loss = () =>
        tf.sum(scaledDotProductAttention(w.value, good, good, { numHeads: 2, cache }).context);
      refused(() => valueAndGradients(weights, loss), 'BAD_INPUT', /holds no gradient/);
      weights.dispose();
      for (const sizes of [
        { batch: 0 },
        { width: 1.5 },
        { capacity: -1 },
        { valueWidth: Number.NaN },
      ]) {
        const make = () => new KeyValueCache({ batch: 1, width: 2, ...sizes });
        refused(make, 'BAD_CONFIG', new RegExp(Object.keys(sizes)[0]!));
      }
    });
  });

  test('MultiHeadAttention passes it on', () => {
    const weights = new Weights({ seed: 5 });
    const at = (name: string) => weights.at(name);
    const attention = new MultiHeadAttention(
      { query: at('q'), key: at('k'), value: at('v'), output: at('o') },
      { hiddenSize: 8, numHeads: 2 },
    );
    tf.tidy(() => {
      using cache = new KeyValueCache({ batch: 1, width: 8, capacity: 5 });
      const tokens = x(1, 1, 5, 8);
      const whole = attention.forward(tokens, { causal: true }).context;
      for (let i = 0; i < 5; i++) {
        const step = attention.forward(between(tokens, i, i + 1), { causal: true, cache });
        expect(apart(step.context, between(whole, i, i + 1))).toBeLessThan(1e-5);
      }
    });
    weights.dispose();
  });
});
