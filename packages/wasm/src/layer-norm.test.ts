import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

/** Layer norm and its gradient by their definitions, in float64. */
function reference(x: number[], gamma: number[], beta: number[], dy: number[], epsilon: number) {
  const d = gamma.length;
  const rows = d ? x.length / d : 0;
  const out = { y: [], mean: [], rstd: [], dx: [] } as Record<
    'y' | 'mean' | 'rstd' | 'dx',
    number[]
  >;
  const [dgamma, dbeta, sizes] = [0, 1, 2].map(() => new Array<number>(d).fill(0));
  for (let i = 0; i < rows; i++) {
    const row = x.slice(i * d, i * d + d);
    const mean = row.reduce((a, b) => a + b, 0) / d;
    const rstd = 1 / Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / d + epsilon);
    const n = row.map((v) => (v - mean) * rstd);
    const g = n.map((_, j) => dy[i * d + j]! * gamma[j]!);
    const meanOfG = g.reduce((a, b) => a + b, 0) / d;
    const meanOfGn = g.reduce((a, b, j) => a + b * n[j]!, 0) / d;
    out.mean.push(mean);
    out.rstd.push(rstd);
    n.forEach((v, j) => {
      out.y.push(v * gamma[j]! + beta[j]!);
      out.dx.push(rstd * (g[j]! - meanOfG - v * meanOfGn));
      dgamma![j]! += dy[i * d + j]! * v;
      dbeta![j]! += dy[i * d + j]!;
      sizes![j]! += Math.abs(dy[i * d + j]!) * Math.max(1, Math.abs(v), rstd);
    });
  }
  return { ...out, dgamma: dgamma!, dbeta: dbeta!, sizes: sizes! };
}

onEachVariant(() => {
  test('forward and gradient equal float64 over random shapes', () => {
    const d = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(64, 127, 768));
    const leading = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 2 });
    const offset = fc.constantFrom(0, 3, -40);
    fc.assert(
      fc.property(leading, d, offset, fc.integer(), (before, length, shift, seed) => {
        const random = randomFrom(seed);
        const shape = [...before, length];
        const x = normal(random, shape);
        x.values.forEach((v, i) => {
          x.values[i] = v + shift;
        });
        const [gamma, beta, dy] = [[length], [length], shape].map((s) => normal(random, s));
        const epsilon = 1e-3;
        const wanted = reference(
          ...([x, gamma!, beta!, dy!].map(({ values }) => Array.from(values)) as [
            number[],
            number[],
            number[],
            number[],
          ]),
          epsilon,
        );
        const [y, mean, rstd] = run('MhLayerNorm', { x, gamma: gamma!, beta: beta! }, { epsilon });
        expect(y!.shape).toEqual(shape);
        expect(rstd!.shape).toEqual(mean!.shape);
        // x itself is only known to half a unit in its last place.
        const size = 1 + Math.abs(shift) / 2;
        expectClose(mean!.values, wanted.mean, { scale: size });
        const scale = wanted.rstd.flatMap((r) => new Array<number>(length).fill(3 * size * r));
        const relative = shift ? 3e-5 : 1e-5;
        expectClose(rstd!.values, wanted.rstd, { relative });
        expectClose(y!.values, wanted.y, { scale, relative });
        const inputs = { dy: dy!, x, gamma: gamma!, mean: mean!, rstd: rstd! };
        const [dx, dgamma, dbeta] = run('MhLayerNormGrad', inputs);
        expectClose(dx!.values, wanted.dx, { scale, relative });
        const sums = wanted.sizes.map((v) => v * size);
        expectClose(dgamma!.values, wanted.dgamma, { scale: sums, relative });
        expectClose(dbeta!.values, wanted.dbeta, { scale: wanted.sizes });
      }),
      { numRuns: 150 },
    );
  });

  test('a constant row gives beta, and a finite gradient', () => {
    const constant = { shape: [1, 5], values: new Float32Array(5).fill(1e6) };
    const beta = { shape: [5], values: Float32Array.of(1, 2, 3, 4, 5) };
    const attrs = { epsilon: 1e-12 };
    const [y, mean, rstd] = run('MhLayerNorm', { x: constant, gamma: beta, beta }, attrs);
    expect(Array.from(y!.values)).toEqual([1, 2, 3, 4, 5]);
    const inputs = { dy: y!, x: constant, gamma: beta, mean: mean!, rstd: rstd! };
    expect(run('MhLayerNormGrad', inputs)[0]!.values.every(Number.isFinite)).toBe(true);
  });

  test('refuses parameters that do not fit', () => {
    const [x, gamma, short] = [[2, 4], [4], [3]].map((shape) => normal(() => 0, shape));
    expect(() =>
      run('MhLayerNorm', { x: x!, gamma: short!, beta: gamma! }, { epsilon: 0 }),
    ).toThrow('MhLayerNorm: gamma is [3], not [4]');
    expect(() => run('MhLayerNorm', { x: x!, gamma: gamma!, beta: gamma! })).toThrow('epsilon');
  });
});
