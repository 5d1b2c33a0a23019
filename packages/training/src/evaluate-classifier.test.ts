import { beforeAll, describe, expect, test } from '@jest/globals';
import { BertForSequenceClassification } from '@multihead/bert';
import { GPT2ForSequenceClassification } from '@multihead/gpt';
import { Random } from '@multihead/nn';
import { fixturePath, numTensors, onEachBackend } from '../test/support.js';
import { type ClassificationExample, classificationCollator } from './classification-collator.js';
import { accuracy, macroF1, pearson, spearman } from './classification-metrics.js';
import { evaluateClassifier } from './evaluate-classifier.js';

const random = new Random(5);
/** Texts of their own lengths. */
const texts = Array.from({ length: 23 }, () =>
  Array.from({ length: 2 + random.below(9) }, () => 5 + random.below(20)),
);
const labelled = (label: (i: number) => number): ClassificationExample[] =>
  texts.map((inputIds, i) => ({ inputIds, label: label(i) }));
const classes = labelled((i) => (i * 7) % 3);
const numbers = labelled((i) => (i % 5) / 2);
const collate = classificationCollator({ padTokenId: 0 });

onEachBackend(() => {
  describe.each([
    ['BERT', 'classifier-bert', BertForSequenceClassification],
    ['GPT-2', 'classifier-gpt', GPT2ForSequenceClassification],
  ] as const)('%s', (_, folder, Model) => {
    let model: BertForSequenceClassification | GPT2ForSequenceClassification;
    beforeAll(async () => {
      model = await Model.fromPretrained(fixturePath(folder));
    });

    test('loss, accuracy and F1 are those of the texts one by one, however they are batched', async () => {
      const before = numTensors();
      const predictions: number[] = [];
      let loss = 0;
      for (const { inputIds, label } of classes) {
        using outputs = model.forward({
          inputIds: [inputIds as number[]],
          labels: [label as number],
        });
        const logits = Array.from(outputs.logits.dataSync());
        predictions.push(logits.indexOf(Math.max(...logits)));
        loss += outputs.loss!.dataSync()[0]! / classes.length;
      }
      const labels = classes.map(({ label }) => label as number);
      for (const batchSize of [1, 4, 100]) {
        const found = await evaluateClassifier({ model, dataset: classes, collate, batchSize });
        expect(found.loss).toBeCloseTo(loss, 5);
        const { accuracy: hits, f1, examples } = found;
        expect({ hits, f1, examples }).toEqual({
          hits: accuracy(predictions, labels),
          f1: macroF1(predictions, labels),
          examples: 23,
        });
      }
      expect(numTensors()).toBe(before);
    });
  });

  test('of numbers, the squared error and both correlations', async () => {
    const model = await BertForSequenceClassification.fromPretrained(
      fixturePath('regression-bert'),
    );
    const labels = numbers.map(({ label }) => label as number);
    const predictions = numbers.map(({ inputIds }) => {
      using outputs = model.forward({ inputIds: [inputIds as number[]] });
      return outputs.logits.dataSync()[0]!;
    });
    const squares = predictions.map((value, i) => (value - labels[i]!) ** 2);
    const found = await evaluateClassifier({ model, dataset: numbers, collate, batchSize: 5 });
    expect(found.loss).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / 23, 4);
    expect(found.pearson).toBeCloseTo(pearson(predictions, labels)!, 5);
    expect(found.spearman).toBeCloseTo(spearman(predictions, labels)!, 2);
    expect(found).not.toHaveProperty('accuracy');
    model.dispose();
  });

  test('only so many batches; nothing to evaluate on, and an abort, are errors', async () => {
    const model = await BertForSequenceClassification.fromPretrained(
      fixturePath('classifier-bert'),
    );
    const before = numTensors();
    const options = { model, dataset: classes, collate, batchSize: 5 };
    expect(await evaluateClassifier({ ...options, batches: 2 })).toMatchObject({ examples: 10 });
    await expect(evaluateClassifier({ ...options, dataset: [] })).rejects.toMatchObject({
      code: 'BAD_BATCH',
    });
    const signal = AbortSignal.abort('enough');
    await expect(evaluateClassifier({ ...options, signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const several = [{ inputIds: [5, 6], label: [1, 0, 1] }];
    await expect(evaluateClassifier({ ...options, dataset: several })).rejects.toMatchObject({
      code: 'BAD_BATCH',
      message: expect.stringContaining('one label a text'),
    });
    expect(numTensors()).toBe(before);
    model.dispose();
  });
});
