import { expect, test } from '@jest/globals';
// @ts-expect-error: the tooling is plain JavaScript
import { comparison, figuresOf } from '../figures.mjs';
// @ts-expect-error: the tooling is plain JavaScript
import { filled } from '../report.mjs';

test("a comparison is Student's paired test, as @stdlib/stats-ttest computes it", () => {
  // ttest([0.1, 0.12, 0.09, 0.11, 0.13]): statistic 15.556, p 0.0000996887, ci 0.0903676 to 0.1296324
  const these = [1.1, 2.12, 3.09, 4.11, 5.13];
  const { mean, interval, p, larger, seeds } = comparison(these, [1, 2, 3, 4, 5]);
  expect(mean).toBeCloseTo(0.11, 12);
  expect(interval[0]).toBeCloseTo(0.0903676, 6);
  expect(interval[1]).toBeCloseTo(0.1296324, 6);
  expect(p).toBeCloseTo(9.96887e-5, 8);
  expect({ larger, seeds }).toEqual({ larger: 5, seeds: 5 });
});

test('the best length is the one of the lowest mean, the shortest where they are alike', () => {
  const of = (...losses: number[]) => ({
    weights: 7,
    evaluations: losses.map((loss, i) => ({
      attentionLength: [64, 32, 96][i],
      loss: loss * Math.LN2,
    })),
  });
  expect(figuresOf([of(2, 3, 1), of(2, 1, 2)])).toMatchObject({
    weights: 7,
    own: { attentionLength: 64, bySeed: [2, 2] },
    best: { attentionLength: 96, bySeed: [1, 2] },
  });
  expect(figuresOf([of(2, 2.0001, 2)]).best.attentionLength).toBe(32);
});

test('parts stand where the page has places for them', () => {
  expect(filled('a\n{{ x y }}\nb {{ z }}\n', { 'x y': '$1', z: '2' })).toBe('a\n$1\nb 2\n');
  expect(() => filled('{{ x }}', {})).toThrow('a place for x');
});
