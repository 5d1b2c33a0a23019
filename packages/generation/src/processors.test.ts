import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ToyModel } from '../test/toy-model.js';
import { distribution } from './numbers.js';
import type { GenerateOptions } from './options.js';
import { logitsProcessors, processed } from './processors.js';
import { readSettings } from './settings.js';

interface Case {
  options: GenerateOptions;
  promptLength: number;
  ids: number[][];
  scores: number[][];
  probabilities: number[][];
}
const file = new URL('../fixtures/processors.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

test.each(cases)('$options gives the distribution of Hugging Face', (reference) => {
  const { options, promptLength } = reference;
  const model = new ToyModel({ vocabSize: 60 });
  const settings = readSettings(model, { topK: 0, doSample: true, ...options });
  const lengths = {
    maxLength: promptLength + 20,
    minLength: promptLength + (options.minNewTokens ?? 0),
  };
  const processors = logitsProcessors({ ...settings, ...lengths }, promptLength);
  reference.scores.forEach((row, i) => {
    const after = distribution(
      processed(Float32Array.from(row), reference.ids[i]!, processors),
    ).shares;
    const apart = after.map((p, token) => Math.abs(p - reference.probabilities[i]![token]!));
    expect(Math.max(...apart)).toBeLessThan(1e-6);
  });
});

test('there are enough of them to tell something', () => {
  expect(cases.length).toBeGreaterThan(45);
});
