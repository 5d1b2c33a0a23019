import { expect, test } from '@jest/globals';
import type { Token } from './protocol.js';
import { blankOut, fillBlank, normalizeBlanks, readable } from './sentence.js';

test('a blank is known however its letters were typed', () => {
  expect(normalizeBlanks('a [mask] and a [Mask]')).toBe('a [MASK] and a [MASK]');
});

test('a word goes into the blank that was meant, and into no other', () => {
  expect(fillBlank('[MASK] and [MASK]', 0, 'war')).toBe('war and [MASK]');
  expect(fillBlank('[MASK] and [MASK]', 1, 'peace')).toBe('[MASK] and peace');
  expect(fillBlank('no blank', 0, 'peace')).toBe('no blank');
});

test('what a word is filled with stands as it is, signs of replacement too', () => {
  expect(fillBlank('costs [MASK].', 0, '$&')).toBe('costs $&.');
});

test('an ending joins the word before it', () => {
  expect(fillBlank('he was walk [MASK] home', 0, '##ing')).toBe('he was walking home');
  expect(fillBlank('[MASK] walk[MASK]', 1, '##ed')).toBe('[MASK] walked');
  expect(readable('##ing')).toBe('-ing');
  expect(readable('ship')).toBe('ship');
});

test('blanking a token takes the whole of its word', () => {
  const tokens: Token[] = [
    { text: '[CLS]', start: 0, end: 0, word: null },
    { text: 'the', start: 0, end: 3, word: 0 },
    { text: 'whale', start: 4, end: 9, word: 1 },
    { text: '##rs', start: 9, end: 11, word: 1 },
    { text: '[SEP]', start: 0, end: 0, word: null },
  ];
  expect(blankOut('the whalers', tokens, 1)).toBe('[MASK] whalers');
  expect(blankOut('the whalers', tokens, 2)).toBe('the [MASK]');
  expect(blankOut('the whalers', tokens, 3)).toBe('the [MASK]');
  expect(blankOut('the whalers', tokens, 0)).toBe('the whalers');
});
