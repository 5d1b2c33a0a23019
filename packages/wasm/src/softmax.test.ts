import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

const LOWEST = -3.4028234663852886e38;

function softmaxOf(row: number[]): { weights: number[]; logSum: number } {
  const top = Math.max(...row);
  const terms = row.map((v) => Math.exp(v - top));
  const sum = terms.reduce((a, b) => a + b, 0);
  return { weights: terms.map((v) => v / sum), logSum: top + Math.log(sum) };
}

const classes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(255, 1001));

onEachVariant(() => {
  test('softmax equals float64 within 1e-5, relative, large negatives among the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
        classes,
        fc.constantFrom(1, 10, 30),
        fc.integer(),
        (leading, length, deviation, seed) => {
          const random = randomFrom(seed);
          const x = normal(random, [...leading, length], deviation);
          x.values.forEach((_, i) => {
            if (random() < 0.1) x.values[i] = LOWEST;
          });
          const [y] = run('MhSoftmax', { x });
          expect(y!.shape).toEqual(x.shape);
          const values = Array.from(x.values);
          for (let i = 0; i < values.length; i += length) {
            const { weights } = softmaxOf(values.slice(i, i + length));
            const wanted = weights.map((v) => (v < 1e-36 ? 0 : v));
            expectClose(y!.values.slice(i, i + length), wanted, { scale: 1e-30 });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('cross-entropy and its gradient equal float64, ignored rows are zeros', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        classes,
        fc.constantFrom(-100, 0),
        fc.integer(),
        (rows, length, ignoreIndex, seed) => {
          const random = randomFrom(seed);
          const logits = normal(random, [rows, length], 4);
          const labels = Int32Array.from({ length: rows }, () =>
            random() < 0.3 ? ignoreIndex : Math.floor(random() * length),
          );
          const attrs = { ignoreIndex };
          const inputs = { logits, labels: { shape: [rows], values: labels } };
          const [losses, logSumExp] = run('MhSoftmaxCrossEntropy', inputs, attrs);
          const dlosses = normal(random, [rows]);
          const [dlogits] = run(
            'MhSoftmaxCrossEntropyGrad',
            { ...inputs, dlosses, logSumExp: logSumExp! },
            attrs,
          );
          expect(dlogits!.shape).toEqual([rows, length]);
          labels.forEach((label, i) => {
            const row = Array.from(logits.values.slice(i * length, i * length + length));
            const { weights, logSum } = softmaxOf(row);
            const counts = label !== ignoreIndex;
            expectClose([losses!.values[i]!], [counts ? logSum - row[label]! : 0], { scale: 1 });
            expectClose([logSumExp!.values[i]!], [logSum], { scale: 1, relative: 1e-6 });
            const d = counts ? dlosses.values[i]! : 0;
            expectClose(
              dlogits!.values.slice(i * length, i * length + length),
              weights.map((w, j) => d * (w - (j === label ? 1 : 0))),
              { scale: weights.map((w, j) => Math.abs(d) * (j === label ? 1 : w)) },
            );
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a vocabulary of 50,257 with large logits keeps its accuracy', () => {
    const logits = normal(randomFrom(1), [1, 50257], 1);
    logits.values.forEach((v, i) => {
      logits.values[i] = v + 1000;
    });
    const { logSum } = softmaxOf(Array.from(logits.values));
    const labels = { shape: [1], values: Int32Array.of(7) };
    const [losses] = run('MhSoftmaxCrossEntropy', { logits, labels });
    expectClose(losses!.values, [logSum - logits.values[7]!], { scale: 1000, relative: 1e-7 });
  });

  test('e^x is within 2 ulp from −87 to 88 and 0 below', () => {
    // With a log-sum of 0 the gradient is e^logit, away from the label.
    const values = Float32Array.from({ length: 175001 }, (_, i) => (i - 87000) / 1000);
    values.set([-87.4, -1e4, LOWEST, Number.NEGATIVE_INFINITY], 1);
    const one = { shape: [1], values: Float32Array.of(1) };
    const [exp] = run('MhSoftmaxCrossEntropyGrad', {
      ...{ logits: { shape: [1, values.length], values }, dlosses: one },
      ...{ labels: { shape: [1], values: Int32Array.of(0) } },
      logSumExp: { shape: [1], values: Float32Array.of(0) },
    });
    expect(Array.from(exp!.values.slice(1, 5))).toEqual([0, 0, 0, 0]);
    const wanted = Array.from(values.slice(5), Math.exp);
    const units = wanted.map((v) => 2 ** (Math.floor(Math.log2(v)) - 23));
    let worst = 0;
    wanted.forEach((v, i) => {
      worst = Math.max(worst, Math.abs(exp!.values[i + 5]! - v) / units[i]!);
    });
    expect(worst).toBeLessThan(2);
  });

  test('refuses labels that are no class, naming the row', () => {
    const logits = normal(randomFrom(1), [3, 4]);
    for (const bad of [4, -1, 2 ** 31 - 1]) {
      const labels = { shape: [3], values: Int32Array.of(0, -100, bad) };
      expect(() => run('MhSoftmaxCrossEntropy', { logits, labels })).toThrow(
        'the label of row 2 is neither one of the 4 classes nor ignoreIndex',
      );
      const rows = normal(randomFrom(2), [3]);
      expect(() =>
        run('MhSoftmaxCrossEntropyGrad', { logits, labels, dlosses: rows, logSumExp: rows }),
      ).toThrow('row 2');
    }
  });
});
