import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keptAt, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

onEachVariant(() => {
  test('keeps exactly the elements the hash keeps, scaled, for every length', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 70 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        (length, rate, seed) => {
          const x = normal(randomFrom(length), [length]);
          const [y] = run('MhDropout', { x }, { rate, seed });
          const scale = Math.fround(1 / (1 - rate));
          const wanted = Array.from(x.values, (v, i) =>
            keptAt(i, seed, rate) ? Math.fround(v * scale) : 0,
          );
          expect(Array.from(y!.values, (v) => v + 0)).toEqual(wanted.map((v) => v + 0));
        },
      ),
    );
  });

  test('drops the given part of many elements, and different ones for another seed', () => {
    const x = { shape: [100000], values: new Float32Array(100000).fill(1) };
    const [a] = run('MhDropout', { x }, { rate: 0.1, seed: 1 });
    const [b] = run('MhDropout', { x }, { rate: 0.1, seed: 2 });
    const dropped = a!.values.filter((v) => v === 0).length;
    expect(Math.abs(dropped - 10000)).toBeLessThan(4 * Math.sqrt(9000));
    const both = a!.values.filter((v, i) => v === 0 && b!.values[i] === 0).length;
    expect(Math.abs(both - 1000)).toBeLessThan(4 * Math.sqrt(990));
  });

  test('a rate of 0 changes nothing, a rate of 1 drops all; others are refused', () => {
    const x = normal(randomFrom(1), [9]);
    expect(run('MhDropout', { x }, { rate: 0, seed: 3 })[0]!.values).toEqual(x.values);
    expect(run('MhDropout', { x }, { rate: 1, seed: 3 })[0]!.values.every((v) => v === 0)).toBe(
      true,
    );
    expect(() => run('MhDropout', { x }, { rate: 1.5, seed: 3 })).toThrow(
      'rate is 1.5, not 0 to 1',
    );
  });
});
