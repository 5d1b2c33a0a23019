import { expect, test } from '@jest/globals';
import { TransfoXLTokenizer } from '@multihead/tokenizers';
import { cut } from './cut.js';

const words = ['<unk>', '<eos>', 'the', 'whale', 'well', '@-@', 'known', '.'];
const tokenizer = TransfoXLTokenizer.fromVocab(words);
const options = { tokenizer, start: 1, most: 100 };

test('the parts are the text, the words that are not known too', () => {
  const text = ' the well-known\n  Leviathan.  ';
  const { tokens, start, dropped, unknown } = cut(text, options);
  expect(tokens.map(({ name }) => name)).toEqual(['the', 'well', '@-@', 'known', '<unk>', '.']);
  expect(tokens.map((token) => token.text)).toEqual([
    ' the',
    ' well',
    '-',
    'known',
    '\n  Leviathan',
    '.  ',
  ]);
  expect(tokens.map((token) => token.unknown)).toEqual([false, false, false, false, true, false]);
  expect({ start, dropped, unknown }).toEqual({ start: '<eos>', dropped: 0, unknown: 1 });
});

test('of a text that is too long the beginning is taken', () => {
  const { tokens, dropped } = cut('the whale the whale the whale', { ...options, most: 4 });
  expect(tokens.map((token) => token.text).join('')).toBe('the whale the whale');
  expect(dropped).toBe(2);
});

test('nothing is no token', () => {
  expect(cut('', options).tokens).toEqual([]);
  expect(cut(' \n', options).tokens).toEqual([]);
});
