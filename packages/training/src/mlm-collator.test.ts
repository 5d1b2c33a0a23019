import { describe, expect, test } from '@jest/globals';
import { Random } from '@multihead/nn';
import { BertTokenizer } from '@multihead/tokenizers';
import { type MaskedLMBatch, type MLMCollatorOptions, mlmCollator } from './mlm-collator.js';

const [PAD, UNK, CLS, SEP, MASK] = [0, 1, 2, 3, 4];
const VOCAB = 1000;
/** Ids from 500 on are continuations. */
const tokenizer = {
  maskTokenId: MASK,
  padTokenId: PAD,
  vocabSize: VOCAB,
  specialTokenIds: [PAD, UNK, CLS, SEP, MASK],
  idToToken: (id: number) => (id >= 500 ? `##${id}` : `w${id}`),
};
const randoms = (count: number, seed = 1) =>
  Array.from({ length: count }, (_, i) => new Random(seed, i));
const collate = (
  examples: Parameters<ReturnType<typeof mlmCollator>>[0],
  options: Partial<MLMCollatorOptions> = {},
  seed = 1,
) =>
  mlmCollator({ tokenizer, ...options })(examples, randoms(examples.length, seed)) as MaskedLMBatch;

/** Many sentences [CLS] … [SEP] of random words. */
function sentences(count: number, words: number, from = 5, to = VOCAB): number[][] {
  const random = new Random(99);
  const word = () => from + random.below(to - from);
  return Array.from({ length: count }, () => [CLS, ...Array.from({ length: words }, word), SEP]);
}

/** Within five standard deviations of a binomial share. */
function expectShare(hits: number, of: number, share: number): void {
  expect(Math.abs(hits / of - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / of));
}

test('chooses 15 % of the words; 80 % become [MASK], 10 % a random token, 10 % stay', () => {
  const examples = sentences(1000, 100);
  const { inputIds, labels } = collate(examples);
  const count = { chosen: 0, masked: 0, kept: 0, random: 0, wrong: 0 };
  const replacements: number[] = [];
  for (const [row, ids] of examples.entries()) {
    for (const [i, id] of ids.entries()) {
      const [now, label] = [inputIds[row]![i]!, labels[row]![i]!];
      if (label === -100) {
        if (now !== id) count.wrong++;
        continue;
      }
      count.chosen++;
      if (label !== id || id < 5) count.wrong++;
      if (now === MASK) count.masked++;
      else if (now === id) count.kept++;
      else {
        count.random++;
        replacements.push(now);
      }
    }
  }
  expect(count.wrong).toBe(0);
  expectShare(count.chosen, 100_000, 0.15);
  expectShare(count.masked, count.chosen, 0.8 + 0.1 / VOCAB);
  expectShare(count.random, count.chosen, 0.1);
  expectShare(count.kept, count.chosen, 0.1);
  // Random tokens come from the whole vocabulary, evenly.
  expectShare(replacements.filter((id) => id < VOCAB / 4).length, replacements.length, 0.25);
  expect(Math.max(...replacements)).toBeLessThan(VOCAB);
});

test('the shares are options', () => {
  const examples = sentences(200, 50);
  const options = { mlmProbability: 0.4, maskReplaceProb: 0.5, randomReplaceProb: 0.5 };
  const { inputIds, labels } = collate(examples, options);
  const chosen = labels.flatMap((row, r) =>
    Array.from(row).flatMap((label, i) =>
      label === -100 ? [] : [{ label, now: inputIds[r]![i]! }],
    ),
  );
  expectShare(chosen.length, 10_000, 0.4);
  expectShare(chosen.filter(({ now }) => now === MASK).length, chosen.length, 0.5);
  expect(chosen.filter(({ label, now }) => now === label).length).toBeLessThan(20); // by chance only
});

test('never chooses special tokens, padding, or what the example itself leaves out', () => {
  const examples = [
    [CLS, 10, UNK, 11, SEP],
    {
      inputIds: [CLS, 12, 13, SEP, 14, SEP, PAD, 15],
      attentionMask: [1, 1, 1, 1, 1, 1, 0, 0],
      specialTokensMask: [1, 0, 1, 1, 0, 1, 1, 0],
    },
  ];
  const { inputIds, labels, attentionMask } = collate(examples, { mlmProbability: 1 });
  const I = -100;
  expect(labels.map((row) => Array.from(row))).toEqual([
    [I, 10, I, 11, I, I, I, I],
    [I, 12, I, I, 14, I, I, I],
  ]);
  expect(Array.from(inputIds[1]!)).toEqual(expect.arrayContaining([13, 15]));
  expect(attentionMask.map((row) => Array.from(row))).toEqual([
    [1, 1, 1, 1, 1, 0, 0, 0],
    [1, 1, 1, 1, 1, 1, 0, 0],
  ]);
});

describe('rows have one length:', () => {
  const examples = [
    [CLS, 10, SEP],
    [CLS, 10, 11, 12, SEP],
  ];
  const lengths = (options: Partial<MLMCollatorOptions>) => {
    const { inputIds, labels, attentionMask } = collate(examples, options);
    const all = [inputIds, labels, attentionMask].flatMap((rows) => rows.map((row) => row.length));
    expect(new Set(all).size).toBe(1);
    expect(inputIds[0]!.at(-1)).toBe(PAD);
    return all[0];
  };
  test('that of the longest', () => expect(lengths({})).toBe(5));
  test('a fixed one', () => expect(lengths({ maxLength: 9 })).toBe(9));
  test('a multiple', () => expect(lengths({ padToMultipleOf: 8 })).toBe(8));
  test('a longer example is an error', () => {
    expect(() => collate(examples, { maxLength: 4 })).toThrow(
      expect.objectContaining({ code: 'BAD_BATCH' }),
    );
  });
  test('token types are padded along, and left out where no example has them', () => {
    expect(collate(examples).tokenTypeIds).toBeUndefined();
    const pair = {
      inputIds: [CLS, 10, SEP, 11, SEP, 12, SEP],
      tokenTypeIds: [0, 0, 0, 1, 1, 1, 1],
    };
    expect(collate([pair, [CLS, 10, SEP]]).tokenTypeIds!.map((row) => Array.from(row))).toEqual([
      [0, 0, 0, 1, 1, 1, 1],
      [0, 0, 0, 0, 0, 0, 0],
    ]);
  });
});

test('the same generators give the same batch, others another', () => {
  const examples = sentences(20, 40);
  expect(collate(examples, {}, 3)).toEqual(collate(examples, {}, 3));
  expect(collate(examples, {}, 3)).not.toEqual(collate(examples, {}, 4));
  // An example's masks do not depend on its neighbours.
  const alone = mlmCollator({ tokenizer })([examples[7]!], [new Random(3, 7)]) as MaskedLMBatch;
  expect(alone.labels[0]).toEqual(collate(examples, {}, 3).labels[7]);
});

describe('whole words', () => {
  test('are chosen with all their pieces or not at all, 15 % of them', () => {
    const examples = sentences(1000, 100);
    const { labels } = collate(examples, { wholeWordMask: true });
    let words = 0;
    let chosen = 0;
    let torn = 0;
    for (const [row, ids] of examples.entries()) {
      for (let i = 1, end = 1; i < ids.length - 1; i = end) {
        for (end = i + 1; end < ids.length - 1 && ids[end]! >= 500; ) end++;
        const hits = labels[row]!.slice(i, end).filter((label) => label !== -100).length;
        if (hits !== 0 && hits !== end - i) torn++;
        if (hits > 0) chosen++;
        words++;
      }
    }
    expect(torn).toBe(0);
    expectShare(chosen, words, 0.15);
  });

  test('each piece is replaced on its own', () => {
    const { inputIds, labels } = collate(sentences(300, 60), { wholeWordMask: true });
    const chosen = labels.flatMap((row, r) =>
      Array.from(row).flatMap((label, i) => (label === -100 ? [] : [inputIds[r]![i] === MASK])),
    );
    expectShare(chosen.filter((masked) => masked).length, chosen.length, 0.8);
    const pairs = chosen.slice(1).filter((masked, i) => masked !== chosen[i]);
    expect(pairs.length).toBeGreaterThan(0);
  });

  test('a piece after a special token begins a word', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const { labels } = collate(
        [[CLS, 600, SEP, 601, SEP]],
        { wholeWordMask: true, mlmProbability: 0.5 },
        seed,
      );
      seen.add([labels[0]![1] !== -100, labels[0]![3] !== -100].join());
    }
    expect(seen.size).toBe(4);
  });
});

describe('refuses', () => {
  test.each<[string, Partial<MLMCollatorOptions>]>([
    ['a probability above 1', { mlmProbability: 1.5 }],
    ['shares that add up to more than 1', { maskReplaceProb: 0.8, randomReplaceProb: 0.3 }],
    ['a tokenizer without a mask token', { tokenizer: { ...tokenizer, maskTokenId: undefined } }],
  ])('%s', (_, options) => {
    expect(() => mlmCollator({ tokenizer, ...options })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
  });
  test('columns of different lengths', () => {
    expect(() => collate([{ inputIds: [1, 2, 3], tokenTypeIds: [0, 0] }])).toThrow(
      expect.objectContaining({ code: 'BAD_BATCH' }),
    );
  });
});

test("takes BERT's tokenizer and what it returns as they are", () => {
  const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'play', '##ing', 'child'];
  const bert = BertTokenizer.fromVocab(vocab);
  const examples = bert.encodeBatch(['the playing child', 'the child']).encodings;
  const collator = mlmCollator({ tokenizer: bert, mlmProbability: 1, wholeWordMask: true });
  const { labels, attentionMask, tokenTypeIds } = collator(examples, randoms(2)) as MaskedLMBatch;
  expect(labels.map((row) => Array.from(row))).toEqual([
    [-100, 5, 6, 7, 8, -100],
    [-100, 5, 8, -100, -100, -100],
  ]);
  expect(Array.from(attentionMask[1]!)).toEqual([1, 1, 1, 1, 0, 0]);
  expect(tokenTypeIds).toHaveLength(2);
});
