// attention's op by the kernels beside its composition, which is what it means: forward and gradient, over
// random shapes, masks, caches and sequences laid end to end.
import { expect, test } from '@jest/globals';
import {
  type AttentionOptions,
  KeyValueCache,
  MASKED,
  scaledDotProductAttention,
  selfAttention,
} from '@multihead/attention';
import { registerGradients } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { agree, both, normal, onEachVariant, randomFrom } from '../test/kernels.js';
import { registerKernels } from './kernels.js';

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;
type Source = () => number;

const draw = (random: Source, shape: number[], deviation = 1) =>
  tf.tensor(normal(random, shape, deviation).values, shape);

const length = (max: number) => fc.integer({ min: 0, max });
const sizes = {
  ...{ batch: fc.integer({ min: 1, max: 3 }), numHeads: fc.integer({ min: 1, max: 3 }) },
  ...{ size: fc.integer({ min: 1, max: 20 }), valueSize: fc.integer({ min: 1, max: 20 }) },
  causal: fc.boolean(),
};
const maskKinds = ['none', 'padding', 'heads', 'queries', 'everything', 'one'] as const;

/** Some keys hidden, the others with a bias; now and then all of them. */
function makeMask(random: Source, kind: (typeof maskKinds)[number], full: number[]) {
  const [batch, heads, queries, keys] = full as [number, number, number, number];
  const shape = {
    ...{ none: [], padding: [batch, 1, 1, keys], heads: [heads, 1, keys] },
    ...{ queries: [batch, 1, queries, keys], everything: full, one: [1] },
  }[kind];
  if (kind === 'none') return undefined;
  const { values } = normal(random, shape);
  const hide = random() < 0.2 ? 1 : 0.4;
  const hidden = random() < 0.5 ? MASKED : Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (random() < hide) values[i] = hidden;
  return tf.tensor(values, shape);
}

onEachVariant(() => {
  const attended = fc.record({
    ...sizes,
    ...{ queries: length(70), keys: length(70) },
    mask: fc.constantFrom(...maskKinds),
    headMask: fc.constantFrom<number[] | undefined>(undefined, [1], [1, 1, 1], [1, 1]),
    dropoutRate: fc.constantFrom(0, 0.3),
    outputAttentions: fc.boolean(),
  });

  /** The options of a case, and its three inputs. */
  function prepare(given: Of<typeof attended>, random: Source) {
    const { batch, numHeads, queries, keys, size, valueSize, causal, dropoutRate } = given;
    const inputs = [
      draw(random, [batch, queries, numHeads * size]),
      draw(random, [batch, keys, numHeads * size]),
      draw(random, [batch, keys, numHeads * valueSize]),
    ] as [tf.Tensor, tf.Tensor, tf.Tensor];
    const heads = given.headMask && [numHeads, ...given.headMask.slice(1)];
    const options: AttentionOptions = {
      ...{ numHeads, causal, outputAttentions: given.outputAttentions },
      mask: makeMask(random, given.mask, [batch, numHeads, queries, keys]),
      headMask: heads && draw(random, heads.length === 1 ? [numHeads, 1, 1] : heads),
      dropout: dropoutRate > 0 ? { rate: dropoutRate, seed: 5 } : undefined,
    };
    // [heads, 1] and [heads, 1, 1] are masks over queries and over heads: of any size only the latter.
    if (heads && heads.length === 2 && queries !== numHeads) options.headMask = undefined;
    return { inputs, options };
  }

  test('context and weights, whatever the mask', () => {
    const verify = (given: Of<typeof attended>, seed: number) =>
      tf.tidy(() => {
        const { inputs, options } = prepare(given, randomFrom(seed));
        const [fused, composed] = both(() => scaledDotProductAttention(...inputs, options));
        agree(fused.context, composed.context);
        if (given.outputAttentions) agree(fused.weights!, composed.weights!);
      });
    fc.assert(fc.property(attended, fc.integer(), verify), { numRuns: 60 });
  });

  test('query, key and value side by side, in a cache or not, are what they are apart', () => {
    const sideBySide = attended.filter(({ queries }) => queries > 0);
    const verify = (given: Of<typeof attended>, before: number, seed: number) =>
      tf.tidy(() => {
        const random = randomFrom(seed);
        const { batch, numHeads, size, queries } = given;
        const keys = before + queries;
        const { options } = prepare({ ...given, keys }, random);
        const qkv = draw(random, [batch, queries, 3 * numHeads * size]);
        const past = draw(random, [batch, before, numHeads * size]);
        const parts = tf.split(qkv, 3, 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
        const cached = (attend: (cache: KeyValueCache) => ReturnType<typeof selfAttention>) => {
          using cache = new KeyValueCache({ batch, width: numHeads * size });
          cache.append(past, past);
          return attend(cache);
        };
        const [fused, composed] = both(() =>
          before === 0
            ? selfAttention(qkv, options)
            : cached((cache) => selfAttention(qkv, { ...options, cache })),
        );
        const apart =
          before === 0
            ? scaledDotProductAttention(...parts, options)
            : cached((cache) => scaledDotProductAttention(...parts, { ...options, cache }));
        for (const result of [composed, apart]) {
          agree(fused.context, result.context);
          if (given.outputAttentions) agree(fused.weights!, result.weights!);
        }
      });
    const lengths = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }));
    fc.assert(fc.property(sideBySide, lengths, fc.integer(), verify), { numRuns: 60 });
  });

  test('gradients', () => {
    registerGradients();
    const verify = (given: Of<typeof attended>, seed: number) =>
      tf.tidy(() => {
        const random = randomFrom(seed);
        const { inputs, options } = prepare(given, random);
        const [batch, queries] = inputs[0].shape as [number, number];
        const direction = draw(random, [batch, queries, inputs[2].shape[2]!]);
        const attend = (...[q, k, v]: tf.Tensor[]) =>
          scaledDotProductAttention(q!, k!, v!, options).context;
        const [fused, composed] = both(() => tf.grads(attend)(inputs, direction));
        for (const [i, gradient] of fused.entries()) agree(gradient, composed[i]!);
      });
    const some = attended.filter(({ queries, keys }) => queries > 0 && keys > 0);
    fc.assert(fc.property(some, fc.integer(), verify), { numRuns: 60 });
  });

  test('gradients side by side', () => {
    registerGradients();
    const verify = (given: Of<typeof attended>, seed: number) =>
      tf.tidy(() => {
        const random = randomFrom(seed);
        const { batch, numHeads, size, queries } = given;
        const { options } = prepare({ ...given, keys: queries }, random);
        const qkv = draw(random, [batch, queries, 3 * numHeads * size]);
        const direction = draw(random, [batch, queries, numHeads * size]);
        const attend = (qkv: tf.Tensor) => selfAttention(qkv, options).context;
        const [fused, composed] = both(() => tf.grad(attend)(qkv, direction));
        agree(fused, composed);
      });
    const some = attended.filter(({ queries }) => queries > 0);
    fc.assert(fc.property(some, fc.integer(), verify), { numRuns: 60 });
  });

  test('sequences laid end to end, forward and gradient', () => {
    registerGradients();
    const packed = fc.record({
      ...sizes,
      lengths: fc.array(length(40), { minLength: 1, maxLength: 6 }),
      dropoutRate: fc.constantFrom(0, 0.3),
      headMask: fc.boolean(),
    });
    const verify = (given: Of<typeof packed>, seed: number) =>
      tf.tidy(() => {
        const { lengths, numHeads, size, valueSize, causal, dropoutRate } = given;
        const random = randomFrom(seed);
        const total = lengths.reduce((a, b) => a + b, 0);
        const make = (size: number) => draw(random, [1, total, numHeads * size]);
        const inputs = [make(size), make(size), make(valueSize)] as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const direction = make(valueSize);
        const options = {
          ...{ numHeads, causal, sequenceLengths: lengths },
          headMask: given.headMask ? draw(random, [numHeads, 1, 1]) : undefined,
          dropout: dropoutRate > 0 ? { rate: dropoutRate, seed: 5 } : undefined,
        };
        const attend = (...[q, k, v]: tf.Tensor[]) =>
          scaledDotProductAttention(q!, k!, v!, options).context;
        const [fused, composed] = both(() => [
          attend(...inputs),
          ...tf.grads(attend)(inputs, direction),
        ]);
        for (const [i, value] of fused.entries()) agree(value, composed[i]!);
      });
    const some = packed.filter(({ lengths }) => lengths.some((length) => length > 0));
    fc.assert(fc.property(some, fc.integer(), verify), { numRuns: 30 });
  });

  test('a cache, step by step, cut and reordered on the way', () => {
    const steps = fc.record({
      ...sizes,
      steps: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
      capacity: fc.constantFrom(undefined, 1, 200),
      cut: fc.boolean(),
      masked: fc.boolean(),
    });
    const verify = (given: Of<typeof steps>, seed: number) =>
      tf.tidy(() => {
        const { numHeads, size, valueSize, causal, capacity, cut, masked } = given;
        const [fused, composed] = both(() => {
          const random = randomFrom(seed);
          let { batch } = given;
          const [width, valueWidth] = [numHeads * size, numHeads * valueSize];
          using cache = new KeyValueCache({
            ...{ batch, width, valueWidth, canGrow: true },
            ...(capacity && { capacity }),
          });
          return given.steps.map((added) => {
            const keys = cache.length + added;
            const { context } = scaledDotProductAttention(
              draw(random, [batch, added, width]),
              draw(random, [batch, added, width]),
              draw(random, [batch, added, valueWidth]),
              {
                numHeads,
                causal,
                cache,
                mask: masked ? draw(random, [batch, 1, 1, keys]) : undefined,
              },
            );
            expect(cache.length).toBe(keys);
            if (cut) cache.truncate(Math.floor(random() * keys));
            const rows = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
              Math.floor(random() * batch),
            );
            cache.select(rows);
            batch = rows.length;
            return context;
          });
        });
        for (const [i, context] of fused.entries()) agree(context, composed[i]!);
      });
    fc.assert(fc.property(steps, fc.integer(), verify), { numRuns: 30 });
  });

  test('a cache is written where it lies, and moves between backends that can and cannot', () => {
    tf.tidy(() => {
      using cache = new KeyValueCache({ batch: 1, width: 2, capacity: 4 });
      const at = (...values: number[]) => tf.tensor3d(values, [1, values.length / 2, 2]);
      const { keys } = cache;
      expect(keys.shape).toEqual([1, 4, 2]);
      cache.append(at(1, 2), at(1, 2));
      cache.append(at(3, 4), at(3, 4));
      expect(cache.keys).toBe(keys);
      registerKernels(false);
      cache.append(at(5, 6), at(5, 6));
      expect(Array.from(cache.values.dataSync())).toEqual([1, 2, 3, 4, 5, 6]);
      registerKernels(true);
      cache.append(at(7, 8), at(7, 8));
      expect(Array.from(cache.values.dataSync())).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const append = () => cache.append(at(0, 0), at(0, 0));
      expect(append).toThrow(/room for 4 positions/);
    });
  });
});
