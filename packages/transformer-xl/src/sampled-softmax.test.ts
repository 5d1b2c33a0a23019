import { expect, test } from '@jest/globals';
import { LogUniformSampler, Random, valueAndGradients, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { TransfoXLConfig, TransfoXLLMHeadModel } from './index.js';

const VOCAB = 30;
const SAMPLES = 4;
const sizes = {
  ...{ vocabSize: VOCAB, dModel: 8, dEmbed: 6, nHead: 2, dHead: 4, dInner: 12, nLayer: 2 },
  ...{ memLen: 4, sameLength: false, initStd: 0.5, projInitStd: 0.5, dropout: 0 },
};
const build = (fields: object = {}) =>
  new TransfoXLLMHeadModel(
    new TransfoXLConfig({ ...sizes, sampleSoftmax: SAMPLES, ...fields }),
    new Weights({ seed: 5 }),
  );
const inputIds = [
  [1, 7, 0, 29, 3],
  [2, 2, 14, 5, 0],
];
const targets = [
  [7, 0, -100, 3, 1],
  [2, 14, 5, 0, 22],
];

await useWasm();

test.each([[{}], [{ tieWordEmbeddings: false, dEmbed: 8 }]])(
  'in training a word is foretold among those that are drawn, %j',
  (fields) => {
    const model = build(fields);
    const before = tf.memory().numTensors;
    const whole = model.forward({ inputIds, targets });
    const log = whole.logits.arraySync() as number[][][];
    const { ids, logExpected } = new LogUniformSampler(VOCAB, SAMPLES).sample(new Random(9));
    const likelihood = (row: number, at: number, id: number) =>
      Math.exp(log[row]![at]![id]! - logExpected([id])[0]!);
    const losses = targets.map((words, row) =>
      words.map((word, at) => {
        if (word < 0) return 0;
        const all = [...new Set([word, ...ids])].map((id) => likelihood(row, at, id));
        return Math.log(all.reduce((a, b) => a + b)) - Math.log(likelihood(row, at, word));
      }),
    );
    const mean = losses.flat().reduce((a, b) => a + b) / 9;

    const sampled = model.forward({ inputIds, targets }, { random: new Random(9) });
    const alone = model.forward(
      { inputIds, targets },
      { random: new Random(9), outputLogits: false },
    );
    sampled.losses!.dataSync().forEach((loss, i) => {
      expect(loss).toBeCloseTo(losses.flat()[i]!, 4);
    });
    for (const { loss } of [sampled, alone]) expect(loss!.dataSync()[0]).toBeCloseTo(mean, 5);
    expect(whole.loss!.dataSync()[0]).not.toBeCloseTo(mean, 2);
    for (const outputs of [whole, sampled, alone]) outputs.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  },
);

test('gradients reach every weight, of the words that were drawn or meant alone', () => {
  const model = build({ tieWordEmbeddings: false, dEmbed: 8 });
  const { ids } = new LogUniformSampler(VOCAB, SAMPLES).sample(new Random(9));
  const { value, gradients } = valueAndGradients(
    model,
    () =>
      model.forward({ inputIds, targets }, { random: new Random(9), outputLogits: false }).loss!,
  );
  expect([...gradients.keys()].sort()).toEqual([...model.parameters.keys()].sort());
  const rows = gradients.get('crit.out_layers.0.weight')!.arraySync() as number[][];
  const meant = new Set([...ids, ...targets.flat()]);
  expect(meant.size).toBeLessThan(VOCAB);
  rows.forEach((row, id) => {
    expect(row.some((v) => v !== 0)).toBe(meant.has(id));
  });
  tf.dispose([value, ...gradients.values()]);
  model.dispose();
});

test('the number of samples is read and written', () => {
  const config = TransfoXLConfig.fromJson({ vocab_size: VOCAB, cutoffs: [], sample_softmax: 7 });
  expect(config.sampleSoftmax).toBe(7);
  expect(config.toJson()).toMatchObject({ sample_softmax: 7 });
});
