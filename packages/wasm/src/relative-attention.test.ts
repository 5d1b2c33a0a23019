// Attention by content and distance by the kernels beside its composition, which is what it means: forward
// and gradient, over random shapes, windows and memories.
import { expect, test } from '@jest/globals';
import { type RelativeAttentionOptions, relativeAttention } from '@multihead/attention';
import { registerGradients } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { agree, both, largest, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

const cases = fc.record({
  ...{ batch: fc.integer({ min: 1, max: 3 }), numHeads: fc.integer({ min: 1, max: 3 }) },
  ...{ size: fc.integer({ min: 1, max: 20 }), valueSize: fc.integer({ min: 1, max: 20 }) },
  ...{ queries: fc.integer({ min: 1, max: 140 }), memory: fc.integer({ min: 0, max: 70 }) },
  distances: fc.integer({ min: 1, max: 210 }),
  ...{ positionBias: fc.boolean(), distanceBias: fc.boolean() },
  window: fc.option(fc.integer({ min: 1, max: 250 }), { nil: undefined }),
  hidden: fc.boolean(),
  dropoutRate: fc.constantFrom(0, 0.3),
});

/** The tensors of a case, and how it is attended. */
function prepare(given: Of<typeof cases>, random: () => number) {
  const { batch, numHeads, queries, memory, size, valueSize, distances, window } = given;
  const draw = (...shape: number[]) => tf.tensor(normal(random, shape).values, shape);
  const tensors = [
    draw(batch, queries, numHeads * size),
    draw(batch, queries + memory, numHeads * size),
    draw(batch, queries + memory, numHeads * valueSize),
    draw(distances, numHeads * size),
    draw(numHeads, size),
    ...(given.positionBias ? [draw(numHeads, size)] : []),
    ...(given.distanceBias ? [draw(distances, numHeads)] : []),
  ];
  const hidden = Array.from({ length: batch }, () => Math.floor(random() * (memory + 1)));
  const attend = (
    [query, key, value, positions, contentBias, ...biases]: tf.Tensor[],
    more: Partial<RelativeAttentionOptions> = {},
  ) =>
    relativeAttention(query!, key!, value!, {
      ...{ numHeads, window, positions: positions!, contentBias: contentBias! },
      positionBias: given.positionBias ? biases[0] : undefined,
      distanceBias: given.distanceBias ? biases.at(-1) : undefined,
      hidden: given.hidden ? hidden : undefined,
      dropout: given.dropoutRate > 0 ? { rate: given.dropoutRate, seed: 5 } : undefined,
      ...more,
    });
  return { tensors, attend, direction: draw(batch, queries, numHeads * valueSize), draw };
}

onEachVariant(() => {
  test('context and weights', () => {
    const verify = (given: Of<typeof cases>, masked: boolean, seed: number) =>
      tf.tidy(() => {
        const { tensors, attend, draw } = prepare(given, randomFrom(seed));
        const headMask = masked ? draw(1, given.numHeads, 1, 1) : undefined;
        const [fused, composed] = both(() => attend(tensors, { headMask, outputAttentions: true }));
        agree(fused.context, composed.context);
        agree(fused.weights!, composed.weights!);
        agree(attend(tensors, { headMask }).context, fused.context);
      });
    fc.assert(fc.property(cases, fc.boolean(), fc.integer(), verify), { numRuns: 60 });
  });

  test('gradients', () => {
    registerGradients();
    const verify = (given: Of<typeof cases>, seed: number) =>
      tf.tidy(() => {
        const { tensors, attend, direction } = prepare(given, randomFrom(seed));
        const [fused, composed] = both(() =>
          tf.grads((...inputs: tf.Tensor[]) => attend(inputs).context)(tensors, direction),
        );
        // A bias gathers what hundreds of queries say, which may come to nothing.
        const scale = Math.max(...composed.map(largest));
        for (const [i, gradient] of fused.entries()) agree(gradient, composed[i]!, scale);
      });
    fc.assert(fc.property(cases, fc.integer(), verify), { numRuns: 60 });
  });

  test('refuses shapes that do not go together', () => {
    const zeros = (...shape: number[]) => normal(() => 0, shape);
    const good = {
      ...{ query: zeros(2, 3, 8), key: zeros(2, 5, 8), value: zeros(2, 5, 4) },
      ...{ positions: zeros(5, 8), contentBias: zeros(2, 4) },
    };
    const attrs = { numHeads: 2, scale: 1 };
    const refused = (inputs: object, message: string, others: tf.NamedAttrMap = {}) =>
      expect(() =>
        run('MhRelativeAttention', { ...good, ...inputs }, { ...attrs, ...others }),
      ).toThrow(message);
    expect(run('MhRelativeAttention', good, attrs)[0]!.shape).toEqual([2, 3, 4]);
    refused({ key: zeros(1, 5, 8) }, 'do not go together');
    refused({ key: zeros(2, 2, 8), value: zeros(2, 2, 4) }, 'do not go together');
    refused({ positions: zeros(5, 4) }, 'do not go together');
    refused({ positions: zeros(0, 8) }, 'do not go together');
    refused({ contentBias: zeros(4, 2) }, 'do not go together');
    refused({ distanceBias: zeros(2, 5) }, 'do not go together');
    refused({}, 'do not go together', { numHeads: 3 });
    refused({}, 'window is 0', { window: 0 });
    refused({}, 'hidden is [0,3]', { hidden: [0, 3] });
    refused({}, 'hidden is [0]', { hidden: [0] });
    refused({ headMask: zeros(2, 1, 3, 1) }, 'the headMask is [2,1,3,1]');
  });
});
