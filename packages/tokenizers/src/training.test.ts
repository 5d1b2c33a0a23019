import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { BertNormalizer } from './bert-normalizer.js';
import { countWords } from './count-words.js';
import { loadTokenizer } from './load-tokenizer.js';
import { trainMerges } from './merge-trainer.js';
import { Whitespace } from './more-pre-tokenizers.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { trainBpe, trainClassicBpe } from './train-bpe.js';
import { mostFrequentWords, trainWordLevel } from './train-word-level.js';
import { trainWordPiece } from './train-word-piece.js';
import { tokenizerFiles } from './write-files.js';

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/training.json', import.meta.url), 'utf8'),
) as {
  lines: string[];
  repeats: number[];
  runs: Run[];
  fileRuns: Run[];
};
interface Run {
  options: {
    kind: string;
    vocab_size: number;
    min_frequency?: number;
    max_token_length?: number;
    suffix?: string;
    file?: boolean;
  };
  vocab: string[];
  merges: [string, string][] | null;
}
const corpus = fixture.lines.flatMap((line, i) =>
  Array.from({ length: fixture.repeats[i]! }, (_, k) => (k % 5 === 4 ? line.toUpperCase() : line)),
);

describe('the same as the reference learns', () => {
  for (const { options, vocab, merges } of [...fixture.runs, ...fixture.fileRuns]) {
    const vocabSize = options.vocab_size;
    const minFrequency = options.min_frequency ?? 0;
    test(JSON.stringify(options), async () => {
      if (options.kind === 'words') {
        const counts = await countWords(corpus, { preTokenizer: new Whitespace() });
        const specialTokens = ['<unk>'];
        expect(mostFrequentWords(counts, { vocabSize, minFrequency, specialTokens })).toEqual(
          vocab,
        );
      } else if (options.kind === 'byte-level') {
        const text = `${corpus.slice(0, 100).join('\r\n')}\n${corpus.slice(100).join('\n')}`;
        // A file's lines keep their ends, as the reference has them.
        const { parts } = await trainBpe(options.file ? { files: [new Blob([text])] } : corpus, {
          vocabSize,
          minFrequency,
          ...(options.max_token_length && { maxTokenLength: options.max_token_length }),
        });
        expect([...parts.model.vocab.keys()]).toEqual(vocab);
        expect(parts.model.merges).toEqual(merges);
      } else {
        const counts = await countWords(corpus, {
          normalizer: new BertNormalizer(),
          preTokenizer: new BertPreTokenizer(),
        });
        const trained = await trainMerges(counts, {
          vocabSize,
          minFrequency,
          specialTokens: ['<unk>'],
          ...(options.suffix && { endOfWordSuffix: options.suffix }),
        });
        expect(trained.merges).toEqual(merges);
        // The ids of symbols with a suffix are left to chance by the reference.
        expect(options.suffix ? trained.tokens.sort() : trained.tokens).toEqual(vocab);
      }
    });
  }
});

describe('what is trained', () => {
  const texts = ['The river, unmoved.', 'É 中文 🙂 [x] <y>', '  two  spaces ', 'new\nline\ttab'];

  test('byte-level BPE gives every text back, and is the same when written and read', async () => {
    const tokenizer = await trainBpe(corpus, { vocabSize: 500 });
    const again = await loadTokenizer(tokenizerFiles(tokenizer));
    const { 'vocab.json': vocab, 'merges.txt': merges } = tokenizerFiles(tokenizer);
    const bare = await loadTokenizer({ 'vocab.json': vocab, 'merges.txt': merges });
    for (const text of texts) {
      const { ids } = tokenizer.encode(text);
      expect(tokenizer.decode(ids)).toBe(text);
      expect(again.encode(text).ids).toEqual(ids);
      expect(bare.encode(text).ids).toEqual(ids);
    }
    expect(tokenizer.encode('a<|endoftext|>').ids.at(-1)).toBe(0);
    expect(tokenizer.eosTokenId).toBe(0);
  });

  test('byte-level BPE with a prefix space sees the first word as any other', async () => {
    const tokenizer = await trainBpe(['river', 'a river'], {
      vocabSize: 270,
      addPrefixSpace: true,
    });
    expect(tokenizer.encode('river').tokens).toEqual(['Ġriver']);
    expect(tokenizer.encode('river river').tokens).toEqual(['Ġriver', 'Ġriver']);
  });

  test('classic BPE gives lowered words back', async () => {
    const tokenizer = await trainClassicBpe(corpus, { vocabSize: 400 });
    const { ids, tokens } = tokenizer.encode('The RIVER went');
    expect(tokens).toEqual(['the</w>', 'river</w>', 'went</w>']);
    expect(tokenizer.decode(ids)).toBe('the river went');
    expect(tokenizer.encode('ж').ids).toEqual([tokenizer.unkTokenId]);
    const again = await loadTokenizer(tokenizerFiles(tokenizer));
    const { 'vocab.json': vocab, 'merges.txt': merges } = tokenizerFiles(tokenizer);
    const bare = await loadTokenizer({ 'vocab.json': vocab, 'merges.txt': merges });
    for (const text of texts) {
      expect(again.encode(text).ids).toEqual(tokenizer.encode(text).ids);
      expect(bare.encode(text).ids).toEqual(tokenizer.encode(text).ids);
    }
  });

  test('a word list knows its words, and takes hyphens, commas and points back', async () => {
    const tokenizer = await trainWordLevel(['The well-known 1,234.5 of it.', ...corpus]);
    const text = 'The well-known river, 1,234.5 of it.';
    const { ids, tokens } = tokenizer.encode(text);
    expect(tokens.join(' ')).toBe('The well @-@ known river , 1 @,@ 234 @.@ 5 of it .');
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.unkTokenId).toBe(0);
    expect(tokenizer.encode('Schifffahrt').ids).toEqual([0]);
  });

  test('files are read line by line, from a path, its URL or a Blob', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'training-'));
    try {
      const path = join(folder, 'corpus.txt');
      const text = corpus.map((line) => `${line}\n`);
      await writeFile(path, text.join(''));
      const expected = tokenizerFiles(await trainWordPiece(text, { vocabSize: 300 }));
      for (const file of [path, pathToFileURL(path), new Blob([text.join('')])]) {
        const trained = await trainWordPiece({ files: [file] }, { vocabSize: 300 });
        expect(tokenizerFiles(trained)).toEqual(expected);
      }
      await expect(trainBpe({ files: [`${path}.none`] })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('corpus.txt.none'),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('training stops when aborted, and refuses one string for many', async () => {
    const signal = AbortSignal.abort();
    for (const train of [trainBpe, trainClassicBpe, trainWordLevel]) {
      await expect(train(corpus, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(train('text')).rejects.toMatchObject({ code: 'BAD_OPTION' });
      await expect(train(corpus, { vocabSize: 1.5 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    }
  });
});
