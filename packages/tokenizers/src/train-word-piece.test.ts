import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BertTokenizer } from './bert-tokenizer.js';
import type { TrainingProgress } from './merge-trainer.js';
import { trainWordPiece } from './train-word-piece.js';
import { tokenizerFiles } from './write-files.js';

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/word-piece-training.json', import.meta.url), 'utf8'),
) as {
  lines: string[];
  repeats: number[];
  runs: {
    options: {
      vocab_size: number;
      min_frequency: number;
      limit_alphabet?: number;
      initial_alphabet?: string[];
    };
    vocab: string[];
  }[];
};
const corpus = fixture.lines.flatMap((line, i) =>
  Array.from({ length: fixture.repeats[i]! }, (_, k) => (k % 5 === 4 ? line.toUpperCase() : line)),
);

describe('the vocabulary is that of the reference', () => {
  for (const { options, vocab } of fixture.runs) {
    test(JSON.stringify(options), async () => {
      const tokenizer = await trainWordPiece(corpus, {
        vocabSize: options.vocab_size,
        minFrequency: options.min_frequency,
        ...(options.limit_alphabet && { limitAlphabet: options.limit_alphabet }),
        ...(options.initial_alphabet && { initialAlphabet: options.initial_alphabet }),
      });
      expect([...tokenizer.vocab.keys()].sort()).toEqual([...vocab].sort());
    });
  }
});

describe('training', () => {
  test('is the same whichever way the texts come, and in whatever order', async () => {
    async function* later() {
      yield* corpus;
    }
    const options = { vocabSize: 300 };
    const first = tokenizerFiles(await trainWordPiece(corpus, options));
    expect(tokenizerFiles(await trainWordPiece(later(), options))).toEqual(first);
    expect(tokenizerFiles(await trainWordPiece([...corpus].reverse(), options))).toEqual(first);
  });

  test('gives a tokenizer that uses what it learned', async () => {
    const tokenizer = await trainWordPiece(corpus, { vocabSize: 400 });
    expect(tokenizer).toBeInstanceOf(BertTokenizer);
    expect(tokenizer.vocabSize).toBe(400);
    const encoding = tokenizer.encode('The river [MASK] the bridge.');
    expect(encoding.tokens).toEqual([
      '[CLS]',
      'the',
      'river',
      '[MASK]',
      'the',
      'bridge',
      '.',
      '[SEP]',
    ]);
    expect(tokenizer.padTokenId).toBe(0);
    expect(tokenizer.specialTokenIds).toEqual([0, 1, 2, 3, 4]);
  });

  test('takes further special tokens, and says if one that BERT needs is missing', async () => {
    const specialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '[USER]'];
    const tokenizer = await trainWordPiece(corpus, { vocabSize: 300, specialTokens });
    expect(tokenizer.encode('[USER] the').tokens).toContain('[USER]');
    expect(tokenizer.specialTokenIds).toEqual([0, 1, 2, 3, 4, 5]);
    await expect(
      trainWordPiece(corpus, { specialTokens: ['[PAD]', '[UNK]'] }),
    ).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('[CLS], [SEP]'),
    });
  });

  test('keeps capital letters where it is told to', async () => {
    const tokenizer = await trainWordPiece(corpus, { vocabSize: 500, doLowerCase: false });
    expect(tokenizer.tokenToId('The')).toBeDefined();
    expect(tokenizerFiles(tokenizer)['tokenizer_config.json']).toContain('"do_lower_case": false');
  });

  test('reports its progress, and stops when aborted', async () => {
    const seen: TrainingProgress[] = [];
    await trainWordPiece(corpus, { vocabSize: 300, onProgress: (progress) => seen.push(progress) });
    expect(seen.find(({ phase }) => phase === 'count')?.done).toBe(corpus.length);
    expect(seen.at(-1)).toEqual({ phase: 'merge', done: 300, total: 300 });

    const controller = new AbortController();
    const aborted = trainWordPiece(corpus, {
      vocabSize: 1000,
      onProgress: ({ phase }) => phase === 'merge' && controller.abort(new Error('enough')),
      signal: controller.signal,
    });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
  });

  test('refuses impossible options', async () => {
    for (const options of [{ vocabSize: 0 }, { vocabSize: 2.5 }, { minFrequency: -1 }]) {
      await expect(trainWordPiece(corpus, options)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    }
    await expect(trainWordPiece('one text')).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});
