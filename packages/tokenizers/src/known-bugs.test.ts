// What tokenizer libraries got wrong before, each with the report it comes from.
import { describe, expect, test } from '@jest/globals';
import { BertTokenizer } from './bert-tokenizer.js';
import { GPT2Tokenizer } from './gpt2-tokenizer.js';
import { loadTokenizer } from './load-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';
import { trainBpe } from './train-bpe.js';
import { tokenizerFiles } from './write-files.js';

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const bert = (words: string[], doLowerCase: boolean, options = {}) =>
  BertTokenizer.fromVocab(
    [
      '[PAD]',
      '[UNK]',
      '[CLS]',
      '[SEP]',
      '[MASK]',
      ...letters,
      ...letters.map((c) => `##${c}`),
      ...words,
    ],
    { doLowerCase, ...options },
  );
const texts = ['hello hello', 'the river and the bridge', 'i j'];
const gpt2 = await trainBpe(texts, { vocabSize: 290 });
const slices = (tokenizer: Tokenizer, text: string) =>
  tokenizer
    .encode(text, { addSpecialTokens: false })
    .offsets.map(([start, end]) => text.slice(start, end));

describe('offsets', () => {
  test('stay right after an accented letter and a special token (transformers #3058)', () => {
    const tokenizer = bert([',', '.', 'naive', 'sentence', 'Allen', '##NL', '##P'], false, {
      stripAccents: true,
    });
    const text = 'A, naïve [MASK] AllenNLP sentence.';
    expect(slices(tokenizer, text)).toEqual([
      ...['A', ',', 'naïve', '[MASK]', 'Allen', 'NL', 'P', 'sentence', '.'],
    ]);
  });

  test('of the parts of a character are those of the character (tokenizers #156)', () => {
    const { tokens, offsets } = gpt2.encode('i ⭢ j');
    expect(tokens).toHaveLength(6);
    expect(offsets.slice(2, 5)).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
    expect(offsets.at(-1)).toEqual([3, 5]);
  });

  test('do not lose the first letter to a space that was put before it (transformers #14752)', async () => {
    const json = JSON.parse(tokenizerFiles(gpt2)['tokenizer.json']!);
    json.pre_tokenizer.add_prefix_space = true;
    json.post_processor = { ...json.post_processor, add_prefix_space: true, trim_offsets: true };
    const tokenizer = await loadTokenizer({ 'tokenizer.json': JSON.stringify(json) });
    const { tokens, offsets } = tokenizer.encode('hello hello');
    expect(tokens).toEqual(['Ġhello', 'Ġhello']);
    expect(offsets).toEqual([
      [0, 5],
      [6, 11],
    ]);
  });

  test('leave out what was removed from the middle of a word (tokenizers #663)', () => {
    const tokenizer = bert(['this', 'test'], true);
    const text = 'T\x10his \x10\t \n \x10\x10 te\x10st\n';
    expect(slices(tokenizer, text)).toEqual(['T\x10his', 'te\x10st']);
  });

  test('an added token shows the space it took in, and is placed after it (transformers #3796)', async () => {
    const tokenizer = await GPT2Tokenizer.fromPretrained(tokenizerFiles(gpt2));
    tokenizer.addTokens([{ content: '<mask>', special: true, lstrip: true }]);
    const { tokens, offsets } = tokenizer.encode('the <mask>');
    expect(tokens.at(-1)).toBe(' <mask>');
    expect(offsets.at(-1)).toEqual([3, 10]);
  });
});

describe('words', () => {
  test('punctuation beyond ASCII is a word of its own (tokenizers #115)', () => {
    const tokenizer = bert(['–'], false);
    const text = 'Cretaceous–Paleogene';
    expect(tokenizer.encode(text).wordIds.at(-2)).toBe(2);
    expect(slices(tokenizer, text)).toContain('–');
  });

  test('letters keep their base when accents go (llama.cpp #5496)', () => {
    const tokenizer = bert(['kanto', 'lushi'], true);
    expect(tokenizer.encode('Kantō lǜshi').tokens.slice(1, -1)).toEqual(['kanto', 'lushi']);
  });

  test('が is not か where accents are kept (transformers #1317)', () => {
    const kept = bert(['が', 'か'], false);
    expect(kept.encode('が か').tokens.slice(1, -1)).toEqual(['が', 'か']);
    const lowered = bert(['が', 'か'], true, { stripAccents: false });
    expect(lowered.encode('が').tokens[1]).toBe('が');
    expect(bert(['か'], true).encode('が').tokens[1]).toBe('か');
  });

  test('replacement characters vanish (transformers #12249)', () => {
    const tokenizer = bert(['个', '中'], false);
    const { tokens, offsets } = tokenizer.encode('个���中');
    expect(tokens.slice(1, -1)).toEqual(['个', '中']);
    expect(offsets.slice(1, -1)).toEqual([
      [0, 1],
      [4, 5],
    ]);
  });
});
