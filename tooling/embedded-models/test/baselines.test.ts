import { expect, test } from '@jest/globals';
// @ts-expect-error: the tooling is plain JavaScript
import { evaluateBaselines } from '../baselines.mjs';
// @ts-expect-error: the tooling is plain JavaScript
import { askAbout } from '../questions.mjs';

const tokenizer = { vocabSize: 6, maskTokenId: 1, specialTokenIds: [0, 1] };
const row = (...ids: number[]) => Int32Array.from(ids);
const asked = (ids: number[], place: number) => ({
  ids: row(...ids),
  masked: row(...ids.map((id, i) => (i === place ? tokenizer.maskTokenId : id))),
  places: [place],
});

test('the unigram is the smoothed share of the token', () => {
  // 2 2 2 3 after the first place; one more of each of six tokens: (3 + 1) / (4 + 6).
  const { unigram } = evaluateBaselines([row(0, 2, 2, 2, 3)], [asked([0, 2, 0], 1)], tokenizer);
  expect(unigram).toEqual({
    count: 1,
    accuracy: 1,
    loss: expect.closeTo(-Math.log(0.4), 12),
    perplexity: expect.closeTo(2.5, 12),
  });
});

test('a neighbour tells what stands beside it', () => {
  const rows = Array.from({ length: 20 }, () => [row(0, 2, 3, 0), row(0, 4, 5, 0)]).flat();
  const { unigram, bigram, neighbours } = evaluateBaselines(
    rows,
    [asked([0, 4, 5, 0], 2)],
    tokenizer,
  );
  expect(bigram.loss).toBeLessThan(unigram.loss);
  expect(bigram.accuracy).toBe(1);
  expect(neighbours.loss).toBeLessThan(bigram.loss + 1e-9);
});

test('each baseline is a distribution: over all truths its probabilities add up to 1', () => {
  const rows = [row(0, 2, 3, 4, 0), row(0, 2, 5, 4, 3), row(0, 3, 3, 2, 5), row(0, 4, 2, 3, 2)];
  const sums = { unigram: 0, bigram: 0, neighbours: 0 };
  for (let truth = 0; truth < tokenizer.vocabSize; truth++) {
    const results = evaluateBaselines(rows, [asked([0, 2, truth, 4, 0], 2)], tokenizer);
    for (const name of ['unigram', 'bigram', 'neighbours'] as const) {
      sums[name] += 1 / results[name].perplexity;
    }
  }
  for (const sum of Object.values(sums)) expect(sum).toBeCloseTo(1, 10);
});

test('a masked neighbour is not known', () => {
  const rows = [row(0, 2, 3, 0), row(0, 2, 3, 0), row(0, 4, 5, 0)];
  const question = { ids: row(0, 2, 3, 0), masked: row(0, 1, 1, 0), places: [2] };
  const { unigram, bigram } = evaluateBaselines(rows, [question], tokenizer);
  expect(bigram).toEqual(unigram);
});

test('questions mask about the share asked for, never special tokens, the same each time', () => {
  const rows = Array.from({ length: 200 }, () => row(0, 2, 3, 4, 5, 2, 3, 4, 5, 0));
  const ask = () => askAbout(rows, tokenizer, { seed: 3, probability: 0.15 });
  const questions = ask();
  expect(ask()).toEqual(questions);
  const places = questions.flatMap(({ places }: { places: number[] }) => places);
  expect(places.length / (200 * 8)).toBeGreaterThan(0.12);
  expect(places.length / (200 * 8)).toBeLessThan(0.18);
  expect(places.every((place: number) => place > 0 && place < 9)).toBe(true);
  for (const { ids, masked, places } of questions) {
    for (let i = 0; i < ids.length; i++) expect(masked[i]).toBe(places.includes(i) ? 1 : ids[i]);
  }
});
