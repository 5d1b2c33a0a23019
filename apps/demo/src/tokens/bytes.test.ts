import { expect, test } from '@jest/globals';
import { bytesOf } from './bytes.js';

test('what byte-level pieces stand for', () => {
  // Spellings from GPT-2's vocabulary.
  expect(bytesOf('Ġthe')).toEqual([0x20, 0x74, 0x68, 0x65]);
  expect(bytesOf('ĊĊ')).toEqual([0x0a, 0x0a]);
  expect(bytesOf('ðŁĺ')).toEqual([0xf0, 0x9f, 0x98]);
  expect(bytesOf('Ń')).toEqual([0xad]);
});

test('what is spelled otherwise is none', () => {
  expect(bytesOf('шум')).toBeUndefined();
  expect(bytesOf('a b')).toBeUndefined();
});
