import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { fixturePath } from '../test/support.js';
import type { ContextLosses } from './context-losses.js';
import { relativeContextLengths } from './relative-context.js';

interface Fixture {
  group: Record<string, ContextLosses>;
  cases: {
    ratio: number;
    threshold: number;
    expected: ReturnType<typeof relativeContextLengths<string>>;
  }[];
}
const file = await readFile(fixturePath('relative-context.json'), 'utf8');
const { group, cases }: Fixture = JSON.parse(file);

/** Losses by context: 1, 2, 3, … tokens. */
const by = (...losses: number[][]): ContextLosses =>
  losses.map((losses, i) => ({ contextLength: i + 1, losses }));

describe('relativeContextLengths', () => {
  test.each(cases)(
    'is what NumPy makes of the definition: r $ratio, threshold $threshold',
    ({ expected, ...options }) => {
      const actual = relativeContextLengths(group, options);
      for (const [name, { gains, ...rest }] of Object.entries(expected)) {
        expect(actual[name]).toMatchObject(rest);
        expect(actual[name]!.gains).toHaveLength(gains.length);
        gains.forEach((gain, i) => {
          const { from, to, ...numbers } = actual[name]!.gains[i]!;
          expect({ from, to }).toEqual({ from: gain.from, to: gain.to });
          expect(numbers.gain).toBeCloseTo(gain.gain, 12);
          expect(numbers.perplexityGain).toBeCloseTo(gain.perplexityGain, 10);
        });
      }
    },
  );

  test('the fixture tells models, ratios and thresholds apart', () => {
    const lengths = cases.map(({ expected }) => Object.values(expected).map((one) => one.length));
    expect(new Set(lengths.flat()).size).toBeGreaterThan(3);
    expect(new Set(lengths.map(String)).size).toBeGreaterThan(1);
  });

  test('by hand: a model alone gains what its perplexity loses, token by token', () => {
    // c = 1: b = (2, 4), exp f = e³. c′ = 2: min(2, 3) = 2 and min(4, 2) = 2, exp f = e².
    const { only } = relativeContextLengths({ only: by([2, 4], [3, 2], [3, 2]) });
    expect(only.gains[0]!.gain).toBeCloseTo(1 - 1 / Math.E, 12);
    expect(only.gains[0]!.perplexityGain).toBeCloseTo(Math.E ** 3 - Math.E ** 2, 12);
    expect(only.gains[1]).toEqual({ from: 2, to: 3, gain: 0, perplexityGain: 0 });
    expect(only).toMatchObject({ length: 2, isLongest: false });
  });

  test('by hand: more context counts only where it beats the best of the group', () => {
    const group = { poor: by([9, 9], [5, 5]), good: by([4, 4], [3, 4]) };
    const { poor, good } = relativeContextLengths(group);
    expect(poor).toMatchObject({ length: 1, gains: [{ gain: 0 }] }); // it halves, and stays above 4
    expect(good.gains[0]!.gain).toBeCloseTo(1 - Math.exp(-0.5), 12);
    expect(good).toMatchObject({ length: 2, isLongest: true });
    expect(relativeContextLengths({ poor: group.poor }).poor.gains[0]!.gain).toBeGreaterThan(0.9);
  });

  test('by hand: a ratio keeps the tokens that are hardest for the best of the group', () => {
    const losses = by([1, 2, 3, 8], [1, 2, 2, 8]); // only the third gains; the hardest is the fourth
    const gain = (ratio: number) =>
      relativeContextLengths({ losses }, { ratio }).losses.gains[0]!.gain;
    expect(gain(0.25)).toBe(0);
    expect(gain(0.5)).toBeCloseTo(1 - Math.exp(-1 / 2), 12);
    expect(gain(1)).toBeCloseTo(1 - Math.exp(-1 / 4), 12);
    expect(gain(0.01)).toBe(0); // at least one token
  });

  test('it ends at the first gain below the threshold, whatever comes after', () => {
    const losses = by([5], [4], [4], [1]);
    expect(relativeContextLengths({ losses }).losses).toMatchObject({
      length: 2,
      isLongest: false,
    });
    const patient = relativeContextLengths({ losses }, { threshold: 0 }).losses;
    expect(patient).toMatchObject({ length: 4, isLongest: true });
  });

  test.each<[string, Record<string, ContextLosses>, object, RegExp]>([
    ['no model', {}, {}, /at least one model/],
    ['one context', { a: by([1]) }, {}, /two or more/],
    ['contexts that fall', { a: [...by([1], [1])].reverse() }, {}, /2, 1/],
    ['contexts by uneven steps', { a: [by([1], [1]), by([1], [1], [1], [1]).slice(3)].flat() }, {}, /1, 2, 4/], // biome-ignore format: a row
    ['contexts of its own', { a: by([1], [1]), b: by([1], [1], [1]) }, {}, /b has context/],
    ['tokens of its own', { a: by([1, 2], [1, 2]), b: by([1, 2], [1]) }, {}, /b with a context of 2 has losses of 1/], // biome-ignore format: a row
    ['no tokens', { a: by([], []) }, {}, /no losses/],
    ['a loss that is none', { a: by([1, 2], [1, Number.NaN]) }, {}, /loss of NaN, its token 1/],
    ['a ratio of nothing', { a: by([1], [1]) }, { ratio: 0 }, /ratio is 0/],
    ['a ratio of too much', { a: by([1], [1]) }, { ratio: 10 }, /ratio is 10/],
    ['a threshold in per cent', { a: by([1], [1]) }, { threshold: 1 }, /threshold is 1/],
  ])('%s is refused', (_, group, options, message) => {
    expect(() => relativeContextLengths(group, options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(message) }),
    );
  });
});
