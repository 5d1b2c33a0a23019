import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { fixturePath } from '../test/support.js';
import { accuracy, macroF1, pearson, spearman } from './classification-metrics.js';

const fixture = JSON.parse(await readFile(fixturePath('classification-metrics.json'), 'utf8'));

test("accuracy and F1 are scikit-learn's, a class that is never predicted among them", () => {
  const { labels, predictions, ...expected } = fixture.classes;
  expect(new Set(predictions).size).toBeLessThan(new Set(labels).size);
  expect(accuracy(predictions, labels)).toBeCloseTo(expected.accuracy, 12);
  expect(macroF1(predictions, labels)).toBeCloseTo(expected.f1, 12);
});

test("correlations are SciPy's, equal numbers sharing their rank", () => {
  const { labels, predictions, ...expected } = fixture.numbers;
  expect(new Set(predictions).size).toBeLessThan(predictions.length);
  expect(pearson(predictions, labels)).toBeCloseTo(expected.pearson, 12);
  expect(spearman(predictions, labels)).toBeCloseTo(expected.spearman, 12);
});

test('what is all alike correlates with nothing', () => {
  expect(pearson([2, 2, 2], [1, 2, 3])).toBeUndefined();
  expect(spearman([1, 2, 3], [4, 4, 4])).toBeUndefined();
});
