import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Bpe } from './bpe.js';
import { FullBpe } from './full-bpe.js';
import { GPT2Tokenizer } from './gpt2-tokenizer.js';
import { loadTokenizer } from './load-tokenizer.js';
import { OpenAIGPTTokenizer } from './openai-gpt-tokenizer.js';
import { Tokenizer } from './tokenizer.js';
import { trainBpe } from './train-bpe.js';
import { TransfoXLTokenizer } from './transfo-xl-tokenizer.js';
import { tokenizerFiles } from './write-files.js';

const { texts } = JSON.parse(
  readFileSync(new URL('../fixtures/word-piece.json', import.meta.url), 'utf8'),
) as { texts: string[] };
const gpt2 = await trainBpe(texts, { vocabSize: 700 });

describe('GPT-2', () => {
  test('every text comes back from its ids', () => {
    for (const text of texts) expect(gpt2.decode(gpt2.encode(text).ids)).toBe(text);
  });

  test('the fast path gives what the parts give', () => {
    expect(gpt2.parts.chunkEnd).toBeDefined();
    const slow = new Tokenizer({ ...gpt2.parts, chunkEnd: undefined });
    for (const text of texts) {
      const { ids, offsets, wordIds } = gpt2.encode(text);
      const expected = slow.encode(text);
      expect([text, ids, offsets, wordIds]).toEqual([
        text,
        expected.ids,
        expected.offsets,
        expected.wordIds,
      ]);
      expect(Array.from(gpt2.encodeIds(text))).toEqual(ids);
    }
  });

  test('an encoder.json with vocab.bpe is read, and one without the other is missed', async () => {
    const { 'vocab.json': vocab, 'merges.txt': merges } = tokenizerFiles(gpt2);
    const tokenizer = await GPT2Tokenizer.fromPretrained({
      'encoder.json': vocab,
      'vocab.bpe': merges,
    });
    expect(tokenizer.encode('the river').ids).toEqual(gpt2.encode('the river').ids);
    await expect(GPT2Tokenizer.fromPretrained({ 'vocab.json': vocab })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('merges.txt'),
    });
    await expect(
      GPT2Tokenizer.fromPretrained({ 'vocab.json': vocab, 'merges.txt': '#version: 0.2\na b c\n' }),
    ).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('merge 1, "a b c"'),
    });
    await expect(
      GPT2Tokenizer.fromPretrained({ 'vocab.json': '{"a":0,"b":1}', 'merges.txt': 'a b\n' }),
    ).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  test("a vocabulary with <s>, </s> and <mask> is used as RoBERTa's", async () => {
    const specialTokens = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];
    const { 'vocab.json': vocab, 'merges.txt': merges } = tokenizerFiles(
      await trainBpe(texts, { vocabSize: 300, specialTokens }),
    );
    const roberta = await GPT2Tokenizer.fromPretrained({
      'vocab.json': vocab,
      'merges.txt': merges,
    });
    const { ids, tokens } = roberta.encode('a <mask>', { pair: 'b' });
    expect(ids[0]).toBe(0);
    expect(tokens).toEqual(['<s>', 'a', ' <mask>', '</s>', '</s>', 'b', '</s>']);
    expect(roberta.maskTokenId).toBe(4);
    expect((await loadTokenizer(tokenizerFiles(roberta))).encode('a <mask>').ids).toEqual(
      roberta.encode('a <mask>').ids,
    );
  });
});

describe('streaming', () => {
  const pieces = (tokenizer: Tokenizer, ids: number[]) => {
    const stream = tokenizer.decodeStream();
    return [...ids.map((id) => stream.push(id)), stream.end()];
  };

  test('put together it is what decoding gives, and no piece has half a character', () => {
    for (const text of texts) {
      const { ids } = gpt2.encode(text);
      const given = pieces(gpt2, ids);
      expect(given.join('')).toBe(text);
      if (!text.includes('\ufffd')) expect(given.join('|')).not.toContain('\ufffd');
    }
  });

  test('a character of several tokens comes with the last of them', () => {
    const bytes = gpt2.encode('𒀀').ids;
    expect(bytes.length).toBeGreaterThan(1);
    expect(pieces(gpt2, bytes).slice(0, -1)).toEqual([...bytes.slice(1).map(() => ''), '𒀀']);
    // Cut short, it ends as what cannot be read.
    expect(pieces(gpt2, bytes.slice(0, -1)).at(-1)).toBe('\ufffd');
  });

  test('words of other families come with their spaces, and hyphens without', () => {
    const words = TransfoXLTokenizer.fromVocab([
      '<unk>',
      'well',
      '@-@',
      'known',
      '1',
      '@,@',
      '234',
      '.',
    ]);
    const { ids } = words.encode('well-known 1,234.');
    expect(pieces(words, ids)).toEqual(['well', '', '-known', ' 1', '', ',234', '.', '']);
  });

  test('special tokens are left out where it is said', () => {
    const stream = gpt2.decodeStream({ skipSpecialTokens: true });
    const { ids } = gpt2.encode('the<|endoftext|> river');
    expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe('the river');
  });
});

describe('byte-pair encoding', () => {
  const vocab = new Map(
    ['a', 'b', 'c', 'ab', 'bc', 'abc', 'aa', 'aaa', 'aaaa'].map((t, i) => [t, i]),
  );
  const merges: [string, string][] = [
    ['b', 'c'],
    ['a', 'b'],
    ['a', 'bc'],
    ['a', 'a'],
    ['aa', 'aa'],
    ['aa', 'a'],
  ];
  const tokensOf = (bpe: Bpe, word: string) => {
    const tokens: string[] = [];
    const names = [...vocab.keys()];
    bpe.tokenize(word, (id, start, end) => {
      tokens.push(names[id]!);
      expect(word.slice(start, end)).toBe(names[id]);
    });
    return tokens.join(' ');
  };

  test('earlier merges come first, the leftmost before others, in short words and long', () => {
    const bpe = new Bpe(vocab, { merges });
    expect(tokensOf(bpe, 'abc')).toBe('abc');
    expect(tokensOf(bpe, 'abab')).toBe('ab ab');
    expect(tokensOf(bpe, 'aaaaaaa')).toBe('aaaa aaa');
    expect(tokensOf(bpe, 'aaaaaaa'.repeat(8))).toBe(new Array(14).fill('aaaa').join(' '));
    expect(tokensOf(bpe, 'abc'.repeat(40))).toBe(new Array(40).fill('abc').join(' '));
  });

  test('dropout leaves merges out, all of them at 1, and is the same for the same seed', () => {
    const word = 'abcaaaa'.repeat(4);
    expect(tokensOf(new FullBpe(vocab, { merges, dropout: 1 }), 'abcaa')).toBe('a b c a a');
    const some = tokensOf(new FullBpe(vocab, { merges, dropout: 0.5, seed: 3 }), word);
    expect(tokensOf(new FullBpe(vocab, { merges, dropout: 0.5, seed: 3 }), word)).toBe(some);
    expect(some).not.toBe(tokensOf(new Bpe(vocab, { merges }), word));
    expect(some).not.toBe(tokensOf(new FullBpe(vocab, { merges, dropout: 0.5, seed: 4 }), word));
    expect(() => new FullBpe(vocab, { merges, dropout: 1.5 })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
  });

  test('dropout in a tokenizer leaves words as they are', async () => {
    const { 'vocab.json': ids, 'merges.txt': pairs } = tokenizerFiles(gpt2);
    const files = { 'vocab.json': ids, 'merges.txt': pairs };
    const tokenizer = await loadTokenizer(files, { dropout: 0.4 });
    const whole = { 'tokenizer.json': tokenizerFiles(tokenizer)['tokenizer.json'] };
    await expect(GPT2Tokenizer.fromPretrained(whole)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('dropout'),
    });
    const text = 'The river went round the heron, unmoved.';
    const first = tokenizer.encode(text).ids;
    expect(tokenizer.decode(first)).toBe(text);
    expect(first.length).toBeGreaterThan(gpt2.encode(text).ids.length);
    expect(tokenizer.encode(text).ids).not.toEqual(first);
  });
});

describe('GPT-1 and Transformer-XL', () => {
  test('special tokens of GPT-1 by their names', async () => {
    const tokenizer = await OpenAIGPTTokenizer.fromPretrained({
      'vocab.json': '{"<unk>":0,"a</w>":1,"b</w>":2,"a":3,"ab</w>":4}',
      'merges.txt': '#version: 0.2\na b</w>\n',
    });
    expect(tokenizer.encode('A ab ç').ids).toEqual([1, 4, 0]);
    expect(tokenizer.decode([1, 4])).toBe('a ab');
  });

  test('text that is already cut by Moses stays as it is', () => {
    const line =
      '= Robert <unk> = In 2006 , 1 @,@ 000 @.@ 5 fans of the well @-@ known U.S. actor \'s films didn \'t ( " see " ) St. Louis ... again ; Mr. J. R. Smith .';
    const tokenizer = TransfoXLTokenizer.fromVocab(new Set(['<unk>', '<eos>', ...line.split(' ')]));
    expect(tokenizer.encode(line).tokens).toEqual(line.split(' '));
    const eos = TransfoXLTokenizer.fromVocab(['<unk>', '<eos>', 'a'], {
      addEos: true,
      lowerCase: true,
    });
    expect(eos.encode('A').tokens).toEqual(['a', '<eos>']);
  });

  test('what a list of words has for unknown ones stands for them, as in transformers', async () => {
    const { text, cases } = JSON.parse(
      readFileSync(new URL('../fixtures/transfo-xl-unknown.json', import.meta.url), 'utf8'),
    ) as { text: string; cases: { words: string[]; ids: number[] }[] };
    expect(cases.length).toBe(3);
    for (const { words, ids } of cases) {
      const tokenizer = await loadTokenizer({ 'vocab.txt': words.join('\n') });
      expect(tokenizer.encode(text).ids).toEqual(ids);
      const again = await loadTokenizer(tokenizerFiles(tokenizer));
      expect(again.encode(text).ids).toEqual(ids);
    }
  });

  test('a word list with counts is read, and written as words', async () => {
    const tokenizer = await loadTokenizer({ 'vocab.txt': '<eos> 9\n<unk> 8\nthe 5\nriver 3\n' });
    expect(tokenizer).toBeInstanceOf(TransfoXLTokenizer);
    expect(tokenizer.encode('the river ran').ids).toEqual([2, 3, 1]);
    expect(tokenizerFiles(tokenizer)['vocab.txt']).toBe('<eos>\n<unk>\nthe\nriver\n');
    const again = await TransfoXLTokenizer.fromPretrained(tokenizerFiles(tokenizer));
    expect(again.encode('the river ran').ids).toEqual([2, 3, 1]);
  });
});

describe('maps between tokens, words and characters', () => {
  const encoding = gpt2.encode('the unforgettable 🙂', { pair: 'river' });

  test('lead from each to each and back', () => {
    const text = 'the unforgettable 🙂';
    for (let token = 0; token < encoding.length; token++) {
      const sequence = encoding.sequenceIds[token]!;
      const place = encoding.tokenToChars(token)!;
      const word = encoding.tokenToWord(token)!;
      expect(encoding.charToWord(place[0], sequence)).toBe(word);
      const [from, to] = encoding.wordToTokens(word, sequence)!;
      expect(token).toBeGreaterThanOrEqual(from);
      expect(token).toBeLessThan(to);
      const first = encoding.charToToken(place[0], sequence)!;
      expect(encoding.tokenToChars(first)).toEqual(place);
    }
    const word = encoding.charToWord(6)!;
    expect(text.slice(...encoding.wordToChars(word)!)).toBe(' unforgettable');
    expect(encoding.charToToken(1, 1)).toBeGreaterThan(encoding.charToToken(1)!);
  });

  test('give undefined for what is not there', () => {
    expect(encoding.tokenToChars(999)).toBeUndefined();
    expect(encoding.charToToken(999)).toBeUndefined();
    expect(encoding.charToWord(999)).toBeUndefined();
    expect(encoding.wordToTokens(99)).toBeUndefined();
    expect(encoding.wordToChars(0, 2)).toBeUndefined();
  });
});

test('loadTokenizer says what is missing', async () => {
  await expect(loadTokenizer({})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(
    loadTokenizer({ 'tokenizer.json': '{"model":{"type":"Unigram"}}' }),
  ).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('Unigram') });
});
