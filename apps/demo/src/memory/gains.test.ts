import { expect, test } from '@jest/globals';
import { changes, greatest, perplexity, seenBy } from './gains.js';
import { SEGMENT, type Token } from './protocol.js';
import { degreeOf, ratioOf, reasonOf, signed, turnOf } from './wording.js';

const token = (id: number, unknown = false): Token => ({
  id,
  text: ` ${id}`,
  name: `${id}`,
  unknown,
});

test('counts the tokens that are seen, with and without memory', () => {
  expect([0, 1, SEGMENT - 1].map((index) => seenBy(index, 0))).toEqual([0, 1, SEGMENT - 1]);
  // A segment begins with the token before the first one that it foretells.
  expect([SEGMENT, SEGMENT + 1].map((index) => seenBy(index, 0))).toEqual([1, 2]);
  expect(seenBy(SEGMENT + 1, 8)).toBe(10);
  expect(seenBy(SEGMENT + 1, 512)).toBe(SEGMENT + 1);
});

test('tells what changed most first, and why it may have', () => {
  const count = 3 * SEGMENT;
  const tokens = Array.from({ length: count }, (_, i) => token(i));
  const place = 2 * SEGMENT + 20;
  tokens[place] = token(10); // comes back after more than its segment
  tokens[place + 1] = token(2 * SEGMENT + 15); // comes back within it
  tokens[5] = tokens[place + 2] = token(99, true);
  const without = new Float32Array(count).fill(4);
  const withMemory = new Float32Array(count).fill(4);
  const set = (index: number, bits: number) => (withMemory[index] = bits);
  set(place, 1);
  set(place + 1, 3);
  set(place + 2, 2);
  set(SEGMENT, 3.2);
  set(8, 3.6); // hardly
  set(9, 6);
  set(11, 7);
  const both = { without, withMemory, memory: 512 };
  const { helped, harmed } = changes(tokens, both);
  expect(helped.map(({ index }) => index)).toEqual([place, place + 2, place + 1, SEGMENT]);
  expect(helped.map(({ why }) => why)).toEqual([
    { reason: 'came-back', distance: place - 10 },
    { reason: 'other' },
    { reason: 'other' },
    { reason: 'few-before', count: 1 },
  ]);
  expect(helped[0]).toMatchObject({ without: 4, with: 1 });
  expect(harmed.map(({ index }) => index)).toEqual([11, 9]);
  expect(greatest({ helped, harmed })).toEqual({
    cameBack: [helped[0]],
    others: helped.slice(1),
    harmed,
  });
  expect(reasonOf(helped[0]!)).toContain(`${place - 10} tokens before`);
  // Farther back than memory reaches.
  expect(changes(tokens, { ...both, memory: 32 }).helped[0]!.why.reason).toBe('other');
});

test('perplexity is e to the mean loss', () => {
  expect(perplexity(Float32Array.of(1, 2, 3))).toBeCloseTo(Math.exp(2 * Math.LN2), 5);
});

test('the greater the surprise, the greater its degree', () => {
  expect([0, 1.9, 2, 4.9, 5, 8, 10.9, 11, 20].map(degreeOf)).toEqual([0, 0, 1, 1, 2, 3, 3, 4, 4]);
});

test('a change against no memory has its degree and its sign', () => {
  expect([-9, -3, -2.9, -0.5, -0.4, 0, 0.5, 2.9, 3, 9].map(turnOf)).toEqual([
    0, 1, 1, 2, 2, 2, 3, 3, 4, 4,
  ]);
  expect([-3.25, -0.04, 0, 0.5].map(signed)).toEqual(['−3.3', '±0.0', '±0.0', '+0.5']);
});

test('the ratio is of tokens in the same time', () => {
  const runner = (measured: number, milliseconds: number) => ({
    done: 1,
    nats: 1,
    measured,
    milliseconds,
  });
  const race = { attention: 16, tokens: 20, state: 'running' as const };
  expect(ratioOf({ ...race, memory: runner(400, 10), window: runner(10, 20) })).toBeCloseTo(80);
  expect(ratioOf({ ...race, memory: runner(0, 0), window: runner(0, 0) })).toBeUndefined();
});
