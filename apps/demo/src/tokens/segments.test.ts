import { expect, test } from '@jest/globals';
import type { Token } from './protocol.js';
import { segmentsOf, tokensWithin } from './segments.js';

const token = (start: number, end: number, kind: Token['kind'] = 'text'): Token => ({
  ...{ id: 0, piece: '', word: 0 },
  ...{ start, end, kind },
});

test('what no token has is a segment too, and the frame has no place in the text', () => {
  const tokens = [
    token(0, 0, 'frame'),
    token(0, 3),
    token(4, 6),
    token(6, 8),
    token(0, 0, 'frame'),
  ];
  expect(segmentsOf(tokens, 10)).toEqual([
    { start: 0, end: 3, tokens: [1] },
    { start: 3, end: 4, tokens: [] },
    { start: 4, end: 6, tokens: [2] },
    { start: 6, end: 8, tokens: [3] },
    { start: 8, end: 10, tokens: [] },
  ]);
});

test('tokens that share a character share its segment', () => {
  // The bytes of an emoji, the first in a token with the space before it.
  expect(segmentsOf([token(0, 3), token(1, 3), token(1, 3)], 3)).toEqual([
    { start: 0, end: 1, tokens: [0] },
    { start: 1, end: 3, tokens: [0, 1, 2] },
  ]);
});

test('a token that runs over the end of what is shown is cut off there', () => {
  expect(segmentsOf([token(0, 2), token(2, 9)], 5)).toEqual([
    { start: 0, end: 2, tokens: [0] },
    { start: 2, end: 5, tokens: [1] },
  ]);
  expect(segmentsOf([], 0)).toEqual([]);
});

test('the tokens of a stretch are those that have a part of it', () => {
  const tokens = [token(0, 0, 'frame'), token(0, 3), token(3, 6), token(6, 8)];
  expect(tokensWithin(tokens, 2, 6)).toEqual([1, 2]);
  expect(tokensWithin(tokens, 6, 7)).toEqual([3]);
  expect(tokensWithin(tokens, 8, 9)).toEqual([]);
});
