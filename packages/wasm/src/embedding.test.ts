import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, run } from '../test/kernels.js';

onEachVariant(() => {
  test('gives the rows at the ids, for ids of any shape and tables packed or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
        fc.integer({ min: 0, max: 21 }),
        fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 50 })),
        fc.boolean(),
        fc.integer(),
        (shape, length, numEmbeddings, panels, seed) => {
          const random = randomFrom(seed);
          const weight = normal(random, [numEmbeddings, length]);
          const rows = shape.reduce((a, b) => a * b, 1);
          const ids = Int32Array.from({ length: rows }, () => Math.floor(random() * numEmbeddings));
          const [packed] = panels ? run('MhPanels', { b: weight }, { transposeB: true }) : [weight];
          const inputs = { weight: packed, ids: { shape, values: ids } };
          const [y] = run('MhEmbedding', inputs, { panels });
          expect(y!.shape).toEqual([...shape, length]);
          const wanted = Array.from(ids, (id) => [
            ...weight.values.subarray(id * length, (id + 1) * length),
          ]);
          expect(Array.from(y!.values)).toEqual(wanted.flat());
        },
      ),
      { numRuns: 100 },
    );
  });

  test('rows of the same id add up, unused ones are zeros', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 21 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        (rows, length, numEmbeddings, seed) => {
          const random = randomFrom(seed);
          const dy = normal(random, [rows, length]);
          const ids = Int32Array.from({ length: rows }, () => Math.floor(random() * numEmbeddings));
          const [dweight] = run(
            'MhEmbeddingGrad',
            { dy, ids: { shape: [rows], values: ids } },
            { numEmbeddings },
          );
          expect(dweight!.shape).toEqual([numEmbeddings, length]);
          const wanted = new Float64Array(numEmbeddings * length);
          ids.forEach((id, i) => {
            for (let j = 0; j < length; j++) wanted[id * length + j]! += dy.values[i * length + j]!;
          });
          expectClose(dweight!.values, wanted, { scale: 1, relative: 1e-5 });
        },
      ),
      { numRuns: 100 },
    );
  });

  test('refuses ids outside the table, naming the row', () => {
    const dy = normal(randomFrom(1), [2, 3]);
    for (const bad of [5, -1]) {
      const ids = { shape: [2], values: Int32Array.of(0, bad) };
      expect(() => run('MhEmbeddingGrad', { dy, ids }, { numEmbeddings: 5 })).toThrow(
        'the id of row 1 is not one of 5',
      );
      expect(() => run('MhEmbedding', { weight: normal(randomFrom(1), [5, 3]), ids })).toThrow(
        'the id of row 1 is not one of 5',
      );
    }
  });
});
