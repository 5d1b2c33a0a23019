import { expect, test } from '@jest/globals';
import { marksOf } from './marks.js';

const signs = (text: string, spaces = true) =>
  marksOf(text, { spaces })
    .map(({ text, sign }) => (sign ? `[${sign}]` : text))
    .join('');

test('what would not be seen gets a sign', () => {
  expect(signs('a b\tc\n')).toBe('a[·]b[→]c[↵]');
  expect(signs('one\u00a0two\u200bthree\r\n')).toBe('one[U+00A0]two[U+200B]three[↵]');
  expect(signs('\u0000\ufeff\ud800')).toBe('[U+0000][U+FEFF][U+D800]');
});

test('where a space is plain to see, it stays as it is', () => {
  expect(signs('a b\tc', false)).toBe('a b[→]c');
});

test('a joiner shows, unless it does its work within an emoji', () => {
  expect(signs('👩‍👧')).toBe('👩‍👧');
  expect(signs('🏳️‍🌈')).toBe('🏳️‍🌈');
  expect(signs('a\u200db')).toBe('a[U+200D]b');
});

test('put together, the parts are the text', () => {
  const text = ' a\u00a0\r\n\tb 👩‍👧\u200d \ud83d';
  expect(
    marksOf(text, { spaces: true })
      .map(({ text }) => text)
      .join(''),
  ).toBe(text);
});
