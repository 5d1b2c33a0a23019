import { expect, test } from '@jest/globals';
import { ToyModel } from '../test/toy-model.js';
import { generate } from './generate.js';
import { distribution } from './numbers.js';
import type { GenerateOptions } from './options.js';
import { logitsProcessors, processed } from './processors.js';
import { readSettings } from './settings.js';

/** Pearson's statistic, as a deviate of the standard normal (Wilson & Hilferty 1931). */
function chiSquare(counts: number[], expected: number[]): number {
  const bins = expected.map((n, i) => ({ n, count: counts[i]! })).filter(({ n }) => n > 0);
  const free = bins.length - 1;
  const statistic = bins.reduce((sum, { n, count }) => sum + (count - n) ** 2 / n, 0);
  return (Math.cbrt(statistic / free) - (1 - 2 / (9 * free))) / Math.sqrt(2 / (9 * free));
}

const DRAWS = 20_000;
const ways: GenerateOptions[] = [
  { topK: 0 },
  { temperature: 1.7, topK: 8 },
  { temperature: 1.3, topK: 0, topP: 0.9 },
  { topK: 0, minP: 0.05, repetitionPenalty: 1.3 },
  { topK: 0, typicalP: 0.8 },
];

test.each(ways)('%j draws tokens as often as they are probable', async (options) => {
  const model = new ToyModel({ vocabSize: 30 });
  const prompt = [3, 17];
  const all = { ...options, doSample: true, maxNewTokens: 1, seed: 5 };
  const { generated } = await generate(
    model,
    { inputIds: prompt },
    { ...all, numReturnSequences: DRAWS },
  );
  const counts = Array<number>(30).fill(0);
  for (const [token] of generated) counts[token!]!++;
  const processors = logitsProcessors(readSettings(model, all), prompt.length);
  const scores = processed(Float32Array.from(model.logits(prompt)), prompt, processors);
  const expected = Array.from(distribution(scores).shares, (p) => p * DRAWS);
  expected.forEach((n, token) => void (n === 0 && expect(counts[token]).toBe(0)));
  expect(Math.abs(chiSquare(counts, expected))).toBeLessThan(3.1); // 1 in 1000
});

test('the statistic notices a slightly wrong distribution', () => {
  const expected = Array.from({ length: 30 }, (_, i) => (i % 2 ? 0.93 : 1.07) * (DRAWS / 30));
  expect(chiSquare(Array<number>(30).fill(DRAWS / 30), expected)).toBeGreaterThan(3.1);
});

test('the same seed gives the same text, another seed another', async () => {
  const model = new ToyModel();
  const draw = async (seed: number) =>
    (await generate(model, { inputIds: [1] }, { doSample: true, maxNewTokens: 30, seed }))
      .generated;
  expect(await draw(1)).toEqual(await draw(1));
  expect(await draw(1)).not.toEqual(await draw(2));
  // What a seed gives is fixed: on every machine, in every version.
  expect((await draw(1))[0]!.slice(0, 10)).toEqual([4, 8, 0, 8, 9, 5, 10, 10, 1, 9]);
});

test('without a seed each call draws anew, and says by what seed', async () => {
  const model = new ToyModel();
  const options = { doSample: true, maxNewTokens: 30 };
  const first = await generate(model, { inputIds: [1] }, options);
  const second = await generate(model, { inputIds: [1] }, options);
  expect(second.generated).not.toEqual(first.generated);
  const again = await generate(model, { inputIds: [1] }, { ...options, seed: first.seed });
  expect(again.generated).toEqual(first.generated);
});

test('a text does not depend on when the others of its batch end', async () => {
  const model = new ToyModel();
  const options = { doSample: true, maxNewTokens: 25, seed: 9, numReturnSequences: 6 };
  const free = await generate(
    model,
    {
      inputIds: [
        [1, 2],
        [5, 6],
      ],
    },
    options,
  );
  const ending = await generate(
    model,
    {
      inputIds: [
        [1, 2],
        [5, 6],
      ],
    },
    { ...options, eosTokenId: [3, 8] },
  );
  ending.generated.forEach((text, i) => {
    expect(text).toEqual(free.generated[i]!.slice(0, text.length));
  });
  expect(new Set(ending.generated.map(({ length }) => length)).size).toBeGreaterThan(2);
});
