import { expect, test } from '@jest/globals';
import { headWeights, strongest } from './attention.js';

// Two layers of two heads over two tokens; every number tells where it stands.
const attention = {
  layers: 2,
  heads: 2,
  length: 2,
  weights: Float32Array.from([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]),
};

test('a head of a layer is found in the whole', () => {
  expect([...headWeights(attention, 0, 1)]).toEqual([10, 11, 12, 13]);
  expect([...headWeights(attention, 1, 0)]).toEqual([20, 21, 22, 23]);
});

test('the mean is that of the heads of one layer', () => {
  expect([...headWeights(attention, 1, 'mean')]).toEqual([25, 26, 27, 28]);
});

test('the strongest columns of a row come first', () => {
  const weights = Float32Array.from([0.1, 0.2, 0.7, 0.5, 0.3, 0.2, 0, 0, 1]);
  expect(strongest(weights, 3, 0)).toEqual([2, 1, 0]);
  expect(strongest(weights, 3, 1)).toEqual([0, 1, 2]);
});
