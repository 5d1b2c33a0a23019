import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { crossing, distribution, exp, largest, logSoftmax, nthLargest } from './numbers.js';

const scores = fc.array(
  fc.oneof(
    fc.integer({ min: -6, max: 6 }), // ties
    fc.float({ min: -20, max: 20, noNaN: true }),
    fc.constant(Number.NEGATIVE_INFINITY),
  ),
  { minLength: 1, maxLength: 160 },
);

test('e^x as the engine has it, to the last bits', () => {
  for (let x = 0; x > -700; x -= 0.37) {
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-14);
  }
  expect(exp(0)).toBe(1);
  expect(exp(-800)).toBe(0);
});

test('the n-th largest and the largest are those of sorting', () => {
  fc.assert(
    fc.property(scores, fc.nat(), (values, at) => {
      const count = 1 + (at % values.length);
      const sorted = [...values].sort((a, b) => b - a || 0);
      expect(nthLargest(Float32Array.from(values), count) + 0).toBe(sorted[count - 1]! + 0);
      expect(largest(values, count).map((i) => values[i]! + 0)).toEqual(
        sorted.slice(0, count).map((x) => x + 0),
      );
    }),
  );
});

test('the crossing is where a running sum over sorted keys reaches the mass', () => {
  fc.assert(
    fc.property(scores, fc.integer({ min: 0, max: 100 }), fc.boolean(), (keys, part, strict) => {
      const mass = (part / 100) * keys.length;
      const weights = keys.map((_, i) => (i % 3) / 2 + 0.25);
      const { key, before } = crossing(Float32Array.from(keys), weights, mass, strict);
      const order = keys
        .map((value, i) => ({ value, i }))
        .sort((a, b) => a.value - b.value || a.i - b.i);
      let sum = 0;
      let expected = order.at(-1)!.value;
      for (const { value, i } of order) {
        sum += (i % 3) / 2 + 0.25;
        if (strict ? sum > mass : sum >= mass) {
          expected = value;
          break;
        }
      }
      expect(key + 0).toBe(expected + 0);
      const below = keys.reduce((all, value, i) => all + (value < key ? (i % 3) / 2 + 0.25 : 0), 0);
      expect(before).toBeCloseTo(below, 9);
    }),
  );
});

test('probabilities add up to 1 and are those of the logarithms', () => {
  const row = Float32Array.of(3, -2, 80, 79.5, Number.NEGATIVE_INFINITY);
  const { shares } = distribution(row);
  expect(shares.reduce((sum, x) => sum + x)).toBeCloseTo(1, 12);
  expect(shares[4]).toBe(0);
  logSoftmax(row);
  row.forEach((x, i) => void expect(Math.exp(x)).toBeCloseTo(shares[i]!, 6));
});
