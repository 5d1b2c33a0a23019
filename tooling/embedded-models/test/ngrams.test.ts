import { expect, test } from '@jest/globals';
import { Random } from '@multihead/nn';
// @ts-expect-error: the tooling is plain JavaScript
import { evaluateNgrams, NgramModel } from '../ngrams.mjs';

const random = new Random(4);
/** Each token is mostly the one before plus one. */
const stream: number[] = [0];
while (stream.length < 3000) {
  const last = stream.at(-1)!;
  stream.push(random.uniform() < 0.7 ? (last + 1) % 7 : random.below(7));
}

test.each([
  [1, 8],
  [2, 8],
  [3, 8],
  [4, 8],
  [4, 20_000], // in whole numbers of 64 bits
])('order %d is a distribution after whatever came before, of %d tokens', (order, vocabSize) => {
  const model = new NgramModel(stream, order, vocabSize); // from token 7 on none occurs
  for (const history of [
    [0, 1, 2],
    [6, 6, 6],
    [7, 0, 1],
    [2, 7, 7],
  ]) {
    let sum = (vocabSize - 8) * model.probability(history, 7); // the others are like it
    for (let token = 0; token < 8; token++) {
      const p = model.probability(history, token);
      expect(p).toBeGreaterThan(0);
      sum += p;
    }
    expect(sum).toBeCloseTo(1, 10);
  }
});

test('a bigram by hand', () => {
  // 0 1 0 1 0 2: the pairs 01 (2), 10 (2), 02 (1); one was seen once and two twice.
  const model = new NgramModel([0, 1, 0, 1, 0, 2], 2, 3);
  // y = 1/(1 + 2·2); D₁ = 1 − 2y·2/1 = 0.2, and D₂ = 2 − 3y·0/2 = 2 would leave nothing: 0.75 then.
  // Below, each token follows one or two kinds of token: 1 after 0, 0 after 1, 2 after 0, each once;
  // only counts of one, so y = 1 and D₁ = 1, which leaves nothing: (1 − 0.75)/3 + 0.75·3/3 · 1/3 = 1/3.
  const unigram = 1 / 3;
  expect(model.probability([0], 1)).toBeCloseTo((2 - 0.75 + 0.95 * unigram) / 3, 12);
  expect(model.probability([0], 2)).toBeCloseTo((1 - 0.2 + 0.95 * unigram) / 3, 12);
  expect(model.probability([2], 1)).toBeCloseTo(unigram, 12); // nothing followed 2
});

test('a longer memory helps where there is something to remember', () => {
  const documents = [stream.slice(0, 2000)];
  const options = { orders: [1, 2, 3], vocabSize: 8, eosTokenId: 7, bytes: 999 };
  const found = evaluateNgrams(documents, [stream.slice(2000)], options);
  const [unigram, bigram, trigram] = found as { loss: number; [name: string]: number }[];
  expect(unigram!.loss).toBeCloseTo(Math.log(7), 1);
  // 0.7 + 0.3/7 for the successor, 0.3/7 for each other token.
  const [p, q] = [0.7 + 0.3 / 7, 0.3 / 7];
  const entropy = -(p * Math.log(p) + 6 * q * Math.log(q));
  expect(Math.abs(bigram!.loss - entropy)).toBeLessThan(0.1);
  expect(trigram!.loss).toBeGreaterThan(entropy - 0.1);
  for (const { tokens, loss, bitsPerByte, perplexity } of [unigram!, bigram!]) {
    expect(tokens).toBe(999);
    expect(bitsPerByte).toBeCloseTo(loss / Math.LN2, 10);
    expect(perplexity).toBeCloseTo(Math.exp(loss), 10);
  }
});

test('what is a number of 64 bits gives what a float64 gives', () => {
  const [small, large] = [5000, 10_000].map((vocabSize) => new NgramModel(stream, 4, vocabSize));
  const history = stream.slice(100, 103);
  // Only what no n-gram says anything of depends on the vocabulary's size, and is spread evenly.
  const evenly = (model: typeof small, vocabSize: number) =>
    model.probability(history, stream[103]) - model.probability(history, vocabSize - 1);
  expect(evenly(large, 10_000)).toBeCloseTo(evenly(small, 5000), 12);
});

test('what does not fit into a number is refused', () => {
  expect(() => new NgramModel([1, 2], 6, 6144)).toThrow('do not fit');
});
