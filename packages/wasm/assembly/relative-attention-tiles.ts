// What relative attention's forward and backward pass share. A query's score at a key is the sum of a
// product with the key and one with what stands for their distance (Dai et al. 2019, section 3.3).
//
// The second is computed by distance, the farthest first: column t is lk − 1 − t steps back, and of query
// i key j stands in column j + lq − 1 − i. So a row of scores by distance, read from there on, is a row of
// scores by key: nothing is shifted in memory.
import { products } from './attention-tiles';
import { fewRowsTransposed } from './gemm';
import { loadTail, splat, storeTail } from './math';

/** The column of the first distance that a tile of queries can reach, where a panel begins. */
// @ts-ignore: decorator
@inline
export function firstColumn(i0: usize, rows: usize, lq: usize): usize {
  return (lq - i0 - rows) & ~(<usize>15);
}

/** The first key that query i sees: within its window, and after the hidden ones of its row. */
// @ts-ignore: decorator
@inline
export function firstSeen(i: usize, lq: usize, lk: usize, window: usize, hidden: usize): usize {
  const end = i + 1 + lk - lq;
  return max(hidden, end > window ? end - window : 0);
}

/** One head's rows of a table by distance [distances, …], the farthest of lk first: to [lk, size]. */
export function farthestFirst(
  table: usize, step: usize, distances: usize, to: usize, lk: usize, size: usize,
): void {
  for (let t: usize = 0; t < lk; t++) {
    const distance = min(lk - 1 - t, distances - 1);
    memory.copy(to + ((t * size) << 2), table + ((distance * step) << 2), size << 2);
  }
}

/** to [rows, size] = x [rows, size] + bias [size] (or 0). */
export function withBias(x: usize, step: usize, bias: usize, to: usize, rows: usize, size: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    const row = x + ((i * step) << 2);
    const target = to + ((i * size) << 2);
    if (bias) addRows(row, bias, target, size);
    else memory.copy(target, row, size << 2);
  }
}

/** to = a + b; any of them may be the same. */
export function addRows(a: usize, b: usize, to: usize, length: usize): void {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  for (let o: usize = 0; o < whole; o += 16)
    v128.store(to + o, f32x4.add(v128.load(a + o), v128.load(b + o)));
  if (rest) {
    const last = f32x4.add(loadTail(a + whole, rest, 0), loadTail(b + whole, rest, 0));
    storeTail(to + whole, last, rest);
  }
}

/** row = (row + other)·scale. */
function addAndScale(row: usize, other: usize, length: usize, scale: f32): void {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  const scale4 = splat(scale);
  for (let o: usize = 0; o < whole; o += 16)
    v128.store(row + o, f32x4.mul(f32x4.add(v128.load(row + o), v128.load(other + o)), scale4));
  if (rest) {
    const sum = f32x4.add(loadTail(row + whole, rest, 0), loadTail(other + whole, rest, 0));
    storeTail(row + whole, f32x4.mul(sum, scale4), rest);
  }
}

/**
 * The scores of a tile of queries at the keys that each sees. `content` and `placed` [rows, size] are the
 * queries as they meet keys and distances; `keys` and `positions` [lk, size] are packed as panels, or with
 * `few` rows as they lie, the keys' `keyStep` floats apart. `bias` [lk] (or 0) is added by distance.
 */
export function relativeScores(
  content: usize, placed: usize, keys: usize, keyStep: usize, positions: usize, bias: usize, few: bool,
  scores: usize, byDistance: usize, ld: usize, rows: usize, size: usize,
  i0: usize, lq: usize, lk: usize, window: usize, hidden: usize, scale: f32, edge: usize,
): void {
  const seen = i0 + rows + lk - lq;
  const from = firstColumn(i0, rows, lq);
  const reached = lk - from;
  const source = positions + ((from * size) << 2);
  const target = byDistance + (from << 2);
  if (few) {
    fewRowsTransposed(content, size, keys, keyStep, scores, ld, rows, seen, size, false);
    fewRowsTransposed(placed, size, source, size, target, ld, rows, reached, size, false);
  } else {
    products(content, size, keys, size, scores, ld, rows, seen, i0, lq, lk, true, edge);
    products(placed, size, source, size, target, ld, rows, reached, 0, 0, 0, false, edge);
  }
  for (let i: usize = 0; i < rows; i++) {
    const first = firstSeen(i0 + i, lq, lk, window, hidden);
    const own = i0 + i + 1 + lk - lq - first;
    const column = lq - 1 - i0 - i + first;
    const row = byDistance + ((i * ld + column) << 2);
    if (bias) addRows(row, bias + (column << 2), row, own);
    addAndScale(scores + ((i * ld + first) << 2), row, own, scale);
  }
}
