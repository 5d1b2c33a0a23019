import { beforeAll, describe, expect, test } from '@jest/globals';
import { GPT2LMHeadModel } from '@multihead/gpt';
import { Random, Weights } from '@multihead/nn';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import * as tf from '@tensorflow/tfjs-core';
import { fixturePath, numTensors, onEachBackend } from '../test/support.js';
import { contextLosses } from './context-losses.js';

const random = new Random(5);
const ids = Array.from({ length: 23 }, () => random.below(25));

/** −log softmax(logits)[id] in float64. */
function nats(logits: tf.Tensor, id: number): number {
  const row = Array.from(logits.dataSync());
  const max = Math.max(...row);
  return max + Math.log(row.reduce((sum, v) => sum + Math.exp(v - max), 0)) - row[id]!;
}
/** The last of rows [1, length, vocabSize]. */
const last = (logits: tf.Tensor) => tf.slice(logits, [0, logits.shape[1]! - 1, 0], [1, 1, -1]);

onEachBackend(() => {
  describe('contextLosses', () => {
    let gpt: GPT2LMHeadModel;
    let xl: TransfoXLLMHeadModel;
    beforeAll(async () => {
      gpt = await GPT2LMHeadModel.fromPretrained(fixturePath('causal-lm'));
      const sizes = { dModel: 8, dEmbed: 8, nHead: 2, dHead: 4, dInner: 12, nLayer: 2 };
      const memory = { memLen: 5, sameLength: false, emptyStart: true };
      const config = new TransfoXLConfig({ vocabSize: 25, ...sizes, ...memory, initStd: 0.5 });
      xl = new TransfoXLLMHeadModel(config, new Weights({ seed: 3 }));
    });

    test('each token is foretold from the tokens before it and no others', async () => {
      const before = numTensors();
      const told: number[] = [];
      const onProgress = ({ done }: { done: number }) => told.push(done);
      const given = { model: gpt, ids, contextLengths: [1, 4, 9], stride: 2, batchSize: 3 };
      const results = await contextLosses({ ...given, onProgress });
      expect(numTensors()).toBe(before);
      expect(told).toEqual([3, 6, 7, 10, 13, 14, 17, 20, 21]);
      expect(results.map(({ contextLength }) => contextLength)).toEqual([1, 4, 9]);
      for (const { contextLength, losses } of results) {
        const expected = [9, 11, 13, 15, 17, 19, 21].map((at) =>
          tf.tidy(() => {
            const outputs = gpt.forward({ inputIds: ids.slice(at - contextLength, at) });
            return nats(last(outputs.logits), ids[at]!);
          }),
        );
        expect(losses).toHaveLength(7);
        expected.forEach((loss, i) => void expect(losses[i]).toBeCloseTo(loss, 4));
      }
    });

    test('in segments a model with a memory has of the tokens before what it remembers', async () => {
      const given = { model: xl, ids, contextLengths: [3, 8, 14] };
      const results = await contextLosses({ ...given, segmentLength: 3 });
      for (const { contextLength, losses } of results) {
        expect(losses).toHaveLength(9);
        losses.forEach((loss, i) => {
          const at = 14 + i;
          const expected = tf.tidy(() => {
            let mems: readonly tf.Tensor[] | undefined;
            const start = at - contextLength;
            for (let from = start - ((3 - (contextLength % 3)) % 3); from < at; from += 3) {
              const inputIds = ids.slice(Math.max(from, start), from + 3);
              const outputs = xl.forward({ inputIds, mems });
              if (from + 3 === at) return nats(last(outputs.logits), ids[at]!);
              mems = outputs.mems;
            }
            throw new Error('No segment ends where the token stands.');
          });
          expect(loss).toBeCloseTo(expected, 4);
        });
      }
      const [, , whole] = await contextLosses(given);
      expect(whole!.losses).not.toEqual(results[2]!.losses); // at once, all 14 are seen
    });

    test('contexts of whole segments are asked for on the way of one pass', async () => {
      const contextLengths = [3, 6, 8, 12];
      const given = { ids, segmentLength: 3, stride: 3 };
      let tokens = 0;
      const model = new Proxy(xl, {
        get(target, name) {
          if (name === 'step') {
            return (rows: Int32Array[], state: ReturnType<typeof xl.createState>) => {
              tokens += rows.reduce((sum, { length }) => sum + length, 0);
              return xl.step(rows, state);
            };
          }
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const together = await contextLosses({ ...given, model, contextLengths });
      // Of tokens 12, 15, 18 and 21: 12 from 0, 3, 6 and 9 on, 6 from 12 and 15, 3 from 18; 8 from 4, 7, 10 and 13.
      expect(tokens).toBe(4 * 12 + 2 * 6 + 3 + 4 * 8);
      for (const [i, length] of contextLengths.entries()) {
        const alone = {
          ...given,
          model: xl,
          stride: 1,
          contextLengths: [length, 12].slice(length === 12 ? 1 : 0),
        };
        const [one] = await contextLosses(alone);
        const every = Array.from(one!.losses).filter((_, token) => token % 3 === 0);
        every.forEach(
          (loss, token) => void expect(together[i]!.losses[token]).toBeCloseTo(loss, 5),
        );
        expect(together[i]!.losses).toHaveLength(every.length);
      }
    });

    test('an abort is heeded, and leaves nothing', async () => {
      const before = numTensors();
      const controller = new AbortController();
      const given = { model: gpt, ids, contextLengths: [2, 4], batchSize: 4 };
      const onProgress = () => controller.abort();
      const run = contextLosses({ ...given, onProgress, signal: controller.signal });
      await expect(run).rejects.toMatchObject({
        code: 'ABORTED',
        message: 'Aborted after 4 of 38 losses.',
      });
      expect(numTensors()).toBe(before);
    });

    test.each([
      ['no contexts', { contextLengths: [] }],
      ['contexts that do not rise', { contextLengths: [4, 4] }],
      ['a context of nothing', { contextLengths: [0, 4] }],
      ['a context as long as the text', { contextLengths: [4, 23] }],
      ['no stride', { contextLengths: [4], stride: 0 }],
      ['no batch', { contextLengths: [4], batchSize: 0 }],
      ['an id that is none', { contextLengths: [4], ids: [...ids, Number.NaN] }],
      ['half a segment', { contextLengths: [4], segmentLength: 0.5 }],
    ])('%s is refused', async (_, options) => {
      const run = contextLosses({ model: gpt, ids, ...options });
      await expect(run).rejects.toMatchObject({ code: 'BAD_OPTION' });
    });

    test('more context than the model has is its own error, and leaves nothing', async () => {
      const before = numTensors();
      const run = contextLosses({ model: gpt, ids, contextLengths: [4, 20] });
      await expect(run).rejects.toMatchObject({ code: 'CONTEXT_EXCEEDED' });
      expect(numTensors()).toBe(before);
    });
  });
});
