import { expect, test } from '@jest/globals';
import { TransfoXLTokenizer } from '@multihead/tokenizers';
// @ts-expect-error: the tooling is plain JavaScript
import { spellingNats, unknownWords } from '../spelling.mjs';

test('unknown words are found as they stand in the text', () => {
  const tokenizer = TransfoXLTokenizer.fromVocab(['<unk>', '<eos>', 'the', '@-@', 'sea', '.']);
  const texts = ['the sea-captain.', 'Überall the sea', ''];
  expect(unknownWords(texts, tokenizer)).toEqual(['captain', 'Überall']);
});

test('a spelling that was seen is cheaper than one that was not, and every one is possible', () => {
  const words = Array.from({ length: 50 }, (_, i) => (i % 2 ? 'whaling' : 'whaler'));
  const seen = spellingNats(words, ['whaler']);
  const unseen = spellingNats(words, ['relahw']);
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThan(unseen / 4);
  expect(spellingNats(words, ['日本'])).toBeLessThan(Number.POSITIVE_INFINITY);
  expect(spellingNats(words, ['whaler', 'whaler'])).toBeCloseTo(2 * seen, 10);
});
