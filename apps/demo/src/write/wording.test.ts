import { expect, test } from '@jest/globals';
import type { Choice, Token } from './protocol.js';
import { withCandidate } from './with-candidate.js';
import { labelOf, stateOf, surprise } from './wording.js';

const candidates = [
  { id: 5, name: ' the', probability: 0.5, chance: 0.6 },
  { id: 7, name: ' a', probability: 0.25, chance: 0.4 },
];
const choice: Choice = { probability: 0.5, chance: 0.6, rank: 1, candidates };
const given: Token = { id: 1, text: 'In', name: 'In', special: false };
const written: Token = { id: 5, text: ' the', name: ' the', special: false, choice };

test('the less probable, the greater the surprise', () => {
  expect([1, 0.5, 0.49, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001].map(surprise)).toEqual([
    0, 0, 1, 1, 2, 2, 3, 3, 4,
  ]);
});

test('labels show what would not be seen', () => {
  expect([' the', '\n', '\n\n', ' ', '\t'].map(labelOf)).toEqual(['the', '↵', '↵↵', '␣', '→']);
});

test('says why a text ended, and counts what was written', () => {
  const run = { tokens: [given, written], state: 'ended' as const, seed: 1, from: 0 };
  expect(stateOf({ ...run, reason: 'length' }, 128)).toBe('Done: 1 token written.');
  expect(stateOf({ ...run, reason: 'context' }, 128)).toContain('reads 128 at most');
  expect(stateOf({ ...run, state: 'writing' }, 128)).toBe('Writing …');
  expect(stateOf(run, 128)).toContain('not finished');
});

test('a candidate takes the place of a token, and what came after it goes', () => {
  const tokens = withCandidate([given, written, written], 1, 7);
  expect(tokens.map(({ id }) => id)).toEqual([1, 7]);
  expect(tokens[1]!.choice).toMatchObject({ probability: 0.25, rank: 2, picked: true });
});
