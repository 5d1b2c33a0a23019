import { expect, test } from '@jest/globals';
import { collateAt, DataOrder } from './batches.js';

const indices = (order: DataOrder, start: number, end: number) =>
  order.places(start, end).map(({ index }) => index);
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

test('every epoch has each example once, in an order of its own', () => {
  const order = new DataOrder({ length: 50 }, 7);
  const first = indices(order, 0, 50);
  const second = indices(order, 50, 100);
  expect(sorted(first)).toEqual(upTo(50));
  expect(sorted(second)).toEqual(upTo(50));
  expect(first).not.toEqual(upTo(50));
  expect(second).not.toEqual(first);
  expect(order.places(48, 52).map(({ epoch }) => epoch)).toEqual([0, 0, 1, 1]);
});

test('a place depends on the seed and its number, not on what was asked before', () => {
  const whole = new DataOrder({ length: 11 }, 3).places(0, 60);
  const other = new DataOrder({ length: 11 }, 3);
  for (const start of [55, 0, 22, 21, 33]) {
    expect(other.places(start, start + 5)).toEqual(whole.slice(start, start + 5));
  }
  expect(indices(new DataOrder({ length: 11 }, 4), 0, 60)).not.toEqual(
    whole.map(({ index }) => index),
  );
});

test('without shuffling the data comes as it is, again and again', () => {
  expect(indices(new DataOrder({ length: 3 }, 1, false), 1, 8)).toEqual([1, 2, 0, 1, 2, 0, 1]);
});

test('orders are evenly spread: each example comes first about as often', () => {
  const counts = new Array(4).fill(0);
  for (let seed = 0; seed < 4000; seed++)
    counts[indices(new DataOrder({ length: 4 }, seed), 0, 1)[0]!]++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(130); // 4.7 σ
});

test('the generator an example gets is its own, whatever stands beside it', async () => {
  const collate = (examples: readonly string[], randoms: readonly { int32(): number }[]) =>
    Object.fromEntries(examples.map((example, i) => [example, randoms[i]!.int32()]));
  const draw = (epoch: number, ...places: number[]) =>
    collateAt(
      ['a', 'b', 'c'],
      collate,
      5,
      places.map((index) => ({ epoch, index })),
    );
  const all = await draw(0, 0, 1, 2);
  expect(await draw(0, 2, 0)).toEqual({ a: all.a, c: all.c });
  expect(new Set(Object.values(all)).size).toBe(3);
  expect((await draw(1, 0)).a).not.toBe(all.a);
});

test('examples may come as promises; one that does not come is an error', async () => {
  const dataset = { length: 2, at: async (i: number) => (i === 0 ? 'x' : undefined) };
  const collate = (examples: readonly string[]) => examples.join();
  expect(await collateAt(dataset, collate, 0, [{ epoch: 0, index: 0 }])).toBe('x');
  await expect(collateAt(dataset, collate, 0, [{ epoch: 0, index: 1 }])).rejects.toMatchObject({
    code: 'BAD_BATCH',
  });
});

test('epochs may differ in length, shuffled or not', () => {
  const dataset = { length: 2, lengthOf: (epoch: number) => 2 + (epoch % 3) };
  const order = new DataOrder(dataset, 1, false);
  expect(order.places(0, 11).map(({ epoch, index }) => `${epoch}.${index}`)).toEqual([
    ...['0.0', '0.1', '1.0', '1.1', '1.2', '2.0', '2.1', '2.2', '2.3', '3.0', '3.1'],
  ]);
  expect([0, 1, 2, 6, 9].map((k) => order.epochsUpTo(k))).toEqual([0, 0.5, 1, 2.25, 3]);
  const shuffled = new DataOrder(dataset, 1).places(5, 9);
  expect(shuffled.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
  expect(shuffled.every(({ epoch }) => epoch === 2)).toBe(true);
});

test('refuses an empty dataset', () => {
  expect(() => new DataOrder({ length: 0 }, 0)).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION' }),
  );
});
