import { expect, test } from '@jest/globals';
import { spokenOf } from './spoken.js';

test('what has no letters is read aloud all the same', () => {
  const token = (text: string, name = text) => ({ text, name });
  expect(spokenOf(token(' the'))).toBeUndefined();
  expect(spokenOf(token('\n'))).toBe('line break');
  expect(spokenOf(token('  '))).toBe('space');
  expect(spokenOf(token('', '<|endoftext|>'))).toBe('<|endoftext|>');
});
