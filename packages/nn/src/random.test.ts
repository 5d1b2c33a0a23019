import { describe, expect, test } from '@jest/globals';
import { hash, Random } from './random.js';

const draw = (n: number, f: () => number) => Array.from({ length: n }, f);

describe('pinned to an implementation in another language', () => {
  test('hash', () => {
    const of = (seed: number) => [0, 1, 2, 3].map((i) => hash(seed, i) >>> 0);
    expect(of(0)).toEqual([0, 580771925, 1443134380, 2298643120]);
    expect(of(42)).toEqual([671623878, 3051710096, 3609122367, 1133981832]);
    expect(hash(-7, 1_000_000) >>> 0).toBe(2000815740);
  });

  test.each<[ConstructorParameters<typeof Random>, number[]]>([
    [[0], [1358064631, -236867422, 1633878831, 1005832612]],
    [[42], [-893011505, -1256264910, -952897384, -626840233]],
    [
      [42, 'encoder.layer.0.weight'],
      [1719963800, 1002065297, 572818898, -7630162],
    ],
    [
      [42, 'dropout', 7],
      [-2064914695, 1714912622, 949062886, -621311415],
    ],
    [
      [-1, 'é𝄞'],
      [-1458081042, -101029932, 1400274152, 2070779495],
    ],
    [[2 ** 40 + 3], [-1509517989, 1720704065, -1425827091, -1880306364]],
  ])('%p', (seed, expected) => {
    const random = new Random(...seed);
    expect(draw(4, () => random.int32())).toEqual(expected);
  });

  test('uniform and normal', () => {
    const uniform = new Random(42);
    expect(draw(3, () => uniform.uniform())).toEqual([
      0.7920795582793878, 0.7781362895224421, 0.7694291919275674,
    ]);
    const normal = new Random(42);
    const expected = [
      0.6713713210670637, 1.2719569693000148, -1.0764292928304917, -1.79703001231842,
    ];
    for (const value of expected) expect(normal.normal()).toBeCloseTo(value, 14);
  });
});

test('streams differ: by seed, by name, by number, by where a name ends, by kind', () => {
  const streams: ConstructorParameters<typeof Random>[] = [
    [1], [2], [1, 0], [1, ''], [1, 'a'], [1, 97], [1, 'ab'], [1, 'a', 'b'], [1, 'b', 'a'],
    [1, 1], [1, 2 ** 32], [1, 2 ** 32 + 1], [1, -1], [-1],
  ]; // biome-ignore format: a table
  const first = streams.map((seed) => new Random(...seed).int32());
  expect(new Set(first).size).toBe(streams.length);
});

test('two streams of one seed are not correlated', () => {
  const [a, b] = [new Random(9, 'a'), new Random(9, 'b')];
  const n = 20_000;
  const products = draw(n, () => a.normal() * b.normal());
  expect(Math.abs(products.reduce((x, y) => x + y) / n)).toBeLessThan(4 / Math.sqrt(n));
});

test('normal has the moments of N(0, 1), uniform those of U[0, 1)', () => {
  const random = new Random(3);
  const n = 100_000;
  const moment = (values: number[], k: number) => values.reduce((s, v) => s + v ** k, 0) / n;
  const normal = draw(n, () => random.normal());
  expect(Math.abs(moment(normal, 1))).toBeLessThan(4 / Math.sqrt(n));
  expect(Math.abs(moment(normal, 2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  expect(Math.abs(moment(normal, 3))).toBeLessThan(4 * Math.sqrt(15 / n));
  expect(Math.abs(moment(normal, 4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  const uniform = draw(n, () => random.uniform());
  expect(Math.min(...uniform.slice(0, 1000))).toBeGreaterThanOrEqual(0);
  expect(Math.abs(moment(uniform, 1) - 1 / 2)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
  expect(Math.abs(moment(uniform, 2) - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / n));
});

test('below gives each number its share, also where 2^32 is no multiple', () => {
  const random = new Random(4);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++;
  const chiSquare = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
  expect(chiSquare).toBeLessThan(22.5); // 6 degrees of freedom, p = 0.001
  // With 3·2^30, taking the rest of 32 bits would give the lowest third half of the draws.
  const low = draw(30_000, () => random.below(3 * 2 ** 30)).filter((v) => v < 2 ** 30).length;
  expect(low / 30_000).toBeCloseTo(1 / 3, 1);
  expect(random.below(1)).toBe(0);
});

test('below and seeds refuse what is no whole number', () => {
  const wrong = expect.objectContaining({ code: 'BAD_INPUT' });
  const random = new Random(1);
  for (const end of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
    expect(() => random.below(end)).toThrow(wrong);
  }
  for (const seed of [0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new Random(seed)).toThrow(wrong);
    expect(() => new Random(1, seed)).toThrow(wrong);
  }
});

test('shuffle permutes in place, every order equally often', () => {
  const random = new Random(5);
  const items = Uint32Array.from({ length: 1000 }, (_, i) => i);
  expect(random.shuffle(items)).toBe(items);
  expect(items).not.toEqual(items.slice().sort());
  expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));

  const orders = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffle(['a', 'b', 'c']).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  const chiSquare = [...orders.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0);
  expect(orders.size).toBe(6);
  expect(chiSquare).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
});
