import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { normal, onEachVariant, randomFrom, run } from '../test/kernels.js';
import { useWasm } from './use-wasm.js';

/** erf by its series (Abramowitz & Stegun 7.1.6) and, far out, by erfc's continued fraction (7.1.14). */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 100; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return (Math.sign(x) * 2 * sum * Math.exp(-z * z)) / Math.sqrt(Math.PI);
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / fraction / Math.sqrt(Math.PI));
}

/** The distance between neighbouring float32 numbers at x. */
const ulp = (x: number) => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -126) - 23);

const functions = { Exp: Math.exp, Tanh: Math.tanh, Erf: erf };

onEachVariant((variant) => {
  for (const [name, f] of Object.entries(functions)) {
    test(`${name} is within 2.5 ulp of float64 over all it is not constant on`, () => {
      const values = new Float32Array(200_000);
      for (let i = 0; i < values.length; i++) {
        const t = i / (values.length - 1);
        const wide = name === 'Exp' ? -104 + 193 * t : -10 + 20 * t;
        values[i] = i % 2 === 0 ? wide : wide * 2 ** -((i >> 1) % 40);
      }
      const [y] = run(name, { x: { shape: [values.length], values } });
      let worst = 0;
      values.forEach((x, i) => {
        const wanted = f(x);
        if (Math.fround(wanted) === y!.values[i]) return;
        const off = Math.abs(y!.values[i]! - wanted) / ulp(wanted);
        if (!(off <= 2.5))
          throw new Error(`${name}(${x}) is ${y!.values[i]}, not ${wanted}: ${off}`);
        worst = Math.max(worst, off);
      });
      expect(worst).toBeGreaterThan(0);
    });

    test(`${name} at the edges, and for every length`, () => {
      const x = Float32Array.of(0, -0, Infinity, -Infinity, NaN, 1e-40, 3e38, -3e38, 88.9, -200);
      const [y] = run(name, { x: { shape: [x.length], values: x } });
      const wanted = Array.from(x, (v) => Math.fround(f(v)));
      wanted.forEach((w, i) => {
        if (!Number.isFinite(w)) expect(y!.values[i]).toBe(w);
        else if (Math.abs(w) > 1e-38) expect(y!.values[i]! / w).toBeCloseTo(1, 6);
        else expect(Math.abs(y!.values[i]! - w)).toBeLessThan(1e-38);
      });
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 20 }), fc.integer(), (length, seed) => {
          const x = normal(randomFrom(seed), [length]);
          const [y] = run(name, { x });
          expect(y!.shape).toEqual([length]);
          x.values.forEach((v, i) => {
            expect(Math.abs(y!.values[i]! - f(v))).toBeLessThanOrEqual(2.5 * ulp(f(v)));
          });
        }),
      );
    });
  }

  test('Add: one shape, broadcast, other types', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        fc.boolean(),
        fc.integer(),
        (rows, columns, row, seed) => {
          const random = randomFrom(seed);
          const a = normal(random, [rows, columns]);
          const b = normal(random, row ? [columns] : [rows, columns]);
          const [y] = run('Add', { a, b });
          expect(y!.shape).toEqual([rows, columns]);
          const other = (i: number) => b.values[row ? i % columns : i]!;
          expect(Array.from(y!.values)).toEqual(
            Array.from(a.values, (v, i) => Math.fround(v + other(i))),
          );
        },
      ),
    );
    const whole = { shape: [3], values: Int32Array.of(1, 2, 3) };
    expect(Array.from(run('Add', { a: whole, b: whole })[0]!.values)).toEqual([2, 4, 6]);
  });

  test("accelerateTfjs: false leaves tfjs's own", async () => {
    const tanh = () => tf.getKernel('Tanh', 'wasm').kernelFunc;
    const ours = tanh();
    await useWasm({ variant, accelerateTfjs: false });
    expect(tanh()).not.toBe(ours);
    await useWasm({ variant });
    const x = tf.tensor1d([1, 2], 'int32');
    const y = tf.add(x, x);
    expect(Array.from(y.dataSync())).toEqual([2, 4]);
    tf.dispose([x, y]);
  });
});
