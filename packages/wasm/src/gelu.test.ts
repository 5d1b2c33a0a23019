import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

/** Φ(x) through erfc's continued fraction far out, its series near 0 (Abramowitz & Stegun 7.1). */
function normalCdf(x: number): number {
  const z = Math.abs(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 80; n++) {
      term *= (z * z) / (2 * n + 1);
      sum += term;
    }
    const half = (sum * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI);
    return x < 0 ? 0.5 - half : 0.5 + half;
  }
  let fraction = z;
  for (let n = 120; n > 0; n--) fraction = z + n / fraction;
  const tail = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI) / fraction;
  return x < 0 ? tail : 1 - tail;
}

const cdf = {
  exact: normalCdf,
  tanh: (x: number) => 1 / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};
const slope = {
  exact: (x: number) => normalCdf(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  tanh: (x: number) => {
    const s = cdf.tanh(x);
    return s + x * s * (1 - s) * 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  },
};

onEachVariant(() => {
  for (const kind of ['exact', 'tanh'] as const) {
    const attrs = { approximate: kind === 'tanh' };
    const bound = kind === 'tanh' ? 2e-5 : 3e-6;
    // The tail's exponent holds the rounding of x² (and of x³): its last bits are lost there.
    test(`${kind}: relative error below ${bound} for −8 ≤ x ≤ 8, absolute below 1e-14 further out`, () => {
      const near = Float32Array.from({ length: 160001 }, (_, i) => (i - 80000) / 1e4);
      const [y] = run('MhGelu', { x: { shape: [near.length], values: near } }, attrs);
      expectClose(
        y!.values,
        Array.from(near, (x) => x * cdf[kind](x)),
        {
          relative: bound,
        },
      );
      const far = Float32Array.from([-8.5, -12, -15, -100, -1e4, -3e38, 9, 15, 100, 1e4, 3e38]);
      const [z] = run('MhGelu', { x: { shape: [far.length], values: far } }, attrs);
      const limits = Array.from(far, (x) => Math.max(x, 0));
      expectClose(z!.values, limits, { relative: 1e-7, scale: 1e-7 });
    });

    test(`${kind}: gradient within 3e-6 of float64 for every length`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 67 }), fc.integer(), (length, seed) => {
          const random = randomFrom(seed);
          const x = normal(random, [length], 3);
          const dy = normal(random, [length]);
          const [dx] = run('MhGeluGrad', { dy, x }, attrs);
          const expected = Array.from(x.values, (v, i) => dy.values[i]! * slope[kind](v));
          expectClose(dx!.values, expected, { relative: 3e-6, scale: 1 });
          const [y] = run('MhGelu', { x }, attrs);
          expectClose(
            y!.values,
            Array.from(x.values, (v) => v * cdf[kind](v)),
            {
              relative: 3e-6,
              scale: 1,
            },
          );
        }),
        { numRuns: 60 },
      );
    });

    test(`${kind}: NaN stays NaN, shapes are kept`, () => {
      const x = { shape: [1, 2, 1], values: Float32Array.of(Number.NaN, 1) };
      const [y] = run('MhGelu', { x }, attrs);
      expect(y!.shape).toEqual([1, 2, 1]);
      expect(y!.values[0]).toBeNaN();
      expect(run('MhGeluGrad', { dy: x, x }, attrs)[0]!.values[0]).toBeNaN();
    });
  }
});
