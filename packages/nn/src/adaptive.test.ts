import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors, onEachBackend } from '../test/backends.js';
import { AdaptiveEmbedding, type AdaptiveOptions } from './adaptive-embedding.js';
import { AdaptiveSoftmax, type AdaptiveSoftmaxOptions } from './adaptive-softmax.js';
import { valueAndGradients } from './gradients.js';
import { logSoftmax } from './softmax.js';
import { normal, Weights } from './weights.js';

const sizes = {
  ...{ vocabSize: 12, embedSize: 6, hiddenSize: 5, cutoffs: [4, 7], divVal: 2 },
  initializer: normal(0.5),
  projectionInitializer: normal(0.5),
};
const hiddenOf = (rows: number) => tf.randomNormal([rows, 5], 0, 1, 'float32', 4);

function build(changes: Partial<AdaptiveOptions & AdaptiveSoftmaxOptions> = {}) {
  const weights = new Weights({ seed: 2 });
  const options = { ...sizes, ...changes };
  const words = new AdaptiveEmbedding(weights.at('in'), options);
  const softmax = new AdaptiveSoftmax(weights.at('out'), { ...options, embedding: words });
  for (const parameter of weights.parameters.values()) {
    if (!parameter.path.endsWith('bias')) continue;
    parameter.assign(tf.randomNormal([...parameter.shape], 0, 1, 'float32', 5));
  }
  return { weights, words, softmax };
}

// Equality with PyTorch's Transformer-XL is tested where the models are, in @multihead/transformer-xl.
onEachBackend(() => {
  test('a word’s vector is its row, projected, times √hiddenSize', () => {
    const { weights, words } = build();
    const ids = [11, 0, 5, 7, 3, 4, 11, 6];
    const vectors = words.forward(tf.tensor2d(ids, [2, 4], 'int32'));
    expect(vectors.shape).toEqual([2, 4, 5]);
    const found = tf.reshape(vectors, [8, 5]).arraySync() as number[][];
    ids.forEach((id, place) => {
      const cluster = id < 4 ? 0 : id < 7 ? 1 : 2;
      const table = words.tables[cluster]!.weight.value.arraySync() as number[][];
      const projection = words.projections[cluster]!.value.arraySync() as number[][];
      const row = table[id - [0, 4, 7][cluster]!]!;
      expect(row).toHaveLength([6, 3, 1][cluster]!);
      projection.forEach((line, c) => {
        const sum = line.reduce((a, p, i) => a + p * row[i]!, 0);
        expect(found[place]![c]).toBeCloseTo(sum * Math.sqrt(5), 4);
      });
    });
    weights.dispose();
  });

  test.each([
    ['clusters', {}],
    ['tied projections', { tieProjections: [false, true, true] }],
    ['one table, projected', { divVal: 1, tieProjections: [false, true, false] }],
    ['one table, one projection', { divVal: 1, tieProjections: [true, true, true] }],
    ['one table as wide as the model', { divVal: 1, embedSize: 5 }],
    ['tables of its own', { tieTables: false }],
    ['one cluster', { cutoffs: [] }],
  ])('probabilities add up to one, and losses are theirs: %s', (_, changes) => {
    const { weights, softmax } = build(changes);
    const targets = [11, -100, 5, 0, 7, 4, -100, 3];
    const hidden = hiddenOf(8);
    const before = numTensors();
    const labels = tf.tensor1d(targets, 'int32');
    const log = softmax.logProbabilities(hidden);
    const losses = softmax.losses(hidden, labels);
    const loss = softmax.loss(hidden, labels);
    expect(numTensors()).toBe(before + 4);
    const rows = log.arraySync() as number[][];
    for (const row of rows) {
      expect(row).toHaveLength(12);
      expect(row.reduce((sum, v) => sum + Math.exp(v), 0)).toBeCloseTo(1, 5);
    }
    const expected = targets.map((id, i) => (id < 0 ? 0 : -rows[i]![id]!));
    losses.dataSync().forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 5);
    });
    expect(loss.dataSync()[0]).toBeCloseTo(expected.reduce((a, b) => a + b) / 6, 5);
    tf.dispose([labels, log, losses, loss]);
    weights.dispose();
  });

  test('loss and losses have the same gradients, in every parameter', () => {
    const { weights, words, softmax } = build();
    const targets = tf.tensor1d([11, 5, 0, -100], 'int32');
    const hidden = () => words.forward(tf.tensor1d([3, 6, 8, 1], 'int32'));
    const whole = valueAndGradients(weights, () => softmax.loss(hidden(), targets));
    const summed = valueAndGradients(weights, () =>
      tf.div(tf.sum(softmax.losses(hidden(), targets)), 3),
    );
    const byLog = valueAndGradients(weights, () => {
      const at = [[0, 11], [1, 5], [2, 0]]; // biome-ignore format: pairs
      const picked = tf.oneHot(
        tf.tensor1d(
          at.map(([, id]) => id!),
          'int32',
        ),
        12,
      );
      const three = tf.slice(softmax.logProbabilities(hidden()), [0, 0], [3, 12]);
      return tf.div(tf.sum(tf.mul(three, tf.cast(picked, 'float32'))), -3);
    });
    expect([...whole.gradients.keys()].sort()).toEqual([...weights.parameters.keys()].sort());
    for (const [key, gradient] of whole.gradients) {
      const values = gradient.dataSync();
      for (const { gradients } of [summed, byLog]) {
        gradients.get(key)!.dataSync().forEach((v, i) => {
          expect(v).toBeCloseTo(values[i]!, 5);
        }); // biome-ignore format: one line
      }
    }
    for (const { value, gradients } of [whole, summed, byLog]) {
      tf.dispose([value, ...gradients.values()]);
    }
    weights.dispose();
  });

  test('nothing labelled gives NaN as a mean, and losses of 0', () => {
    const { weights, softmax } = build();
    const none = tf.tensor1d([-100, -100], 'int32');
    expect(softmax.loss(hiddenOf(2), none).dataSync()[0]).toBeNaN();
    expect(Array.from(softmax.losses(hiddenOf(2), none).dataSync())).toEqual([0, 0]);
    weights.dispose();
  });

  test('ids and labels out of range are refused, and leave nothing behind', () => {
    const { weights, words, softmax } = build();
    const [high, hidden] = [tf.tensor1d([3, 12], 'int32'), hiddenOf(2)];
    const before = numTensors();
    const code = 'ID_OUT_OF_RANGE';
    expect(() => words.forward(high)).toThrow(expect.objectContaining({ code }));
    expect(() => softmax.losses(hidden, high)).toThrow(expect.objectContaining({ code }));
    expect(() => softmax.loss(hidden, high)).toThrow(expect.objectContaining({ code }));
    expect(numTensors()).toBe(before);
    weights.dispose();
  });

  test('log softmax is that of softmax, and takes large numbers', () => {
    const x = tf.tensor([1, 2, 3, 1000, 0, -1000], [2, 1, 3]);
    const y = logSoftmax(x);
    expect(y.shape).toEqual([2, 1, 3]);
    const sum = Math.log(Math.exp(-2) + Math.exp(-1) + 1);
    const expected = [-2 - sum, -1 - sum, -sum, 0, -1000, -2000];
    y.dataSync().forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 5);
    });
  });
});
