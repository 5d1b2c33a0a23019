// What attention's forward and backward pass share: the products of a tile of queries with the keys it
// sees, and the values weighted by them. What the causal rule hides is not computed.
import { block } from './gemm';
import { loadTail, splat, storeTail } from './math';
import { column } from './tiles';

/** Queries whose scores exist at a time. */
export const TILE: usize = 64;
/** So many queries or keys at a time skip what the causal rule hides from all of them. */
export const STEP: usize = 16;
/** Values are read so many at a time, which the first-level cache holds. */
const DEPTH: usize = 256;
/** The lowest finite number: a score that is masked. */
export const LOWEST: f32 = -3.4028234663852886e38;

/**
 * How many keys query i may see. One that sees none, or only masked ones, attends to all keys alike,
 * hidden ones too: that is what adding a mask to scores comes to.
 */
// @ts-ignore: decorator
@inline
export function visible(i: usize, lq: usize, lk: usize, causal: bool): usize {
  if (!causal) return lk;
  const count = <i32>(i + 1 + lk) - <i32>lq;
  return count < 0 ? 0 : <usize>count;
}

/** The first of a tile's rows (from query i0 on) that sees key j, or one before it. */
// @ts-ignore: decorator
@inline
export function firstToSee(j: usize, i0: usize, lq: usize, lk: usize, causal: bool): usize {
  if (!causal) return 0;
  const row = <i32>(j + lq) - <i32>(lk + i0);
  return row <= 0 ? 0 : <usize>row & ~1; // a tile of the product takes two
}

/** Of x [rows, size] and y [lk, size], packed as panels, the products that are seen: to [rows, seen]. */
export function products(
  x: usize, step: usize, panels: usize, size: usize, to: usize, ld: usize,
  rows: usize, seen: usize, i0: usize, lq: usize, lk: usize, causal: bool, edge: usize,
): void {
  for (let j: usize = 0; j < seen; j += 16) {
    const from = firstToSee(j, i0, lq, lk, causal);
    column(x + ((from * step) << 2), step, panels, 64, to + ((from * ld + j) << 2), ld,
      rows - from, 16, size, 0, 0, edge);
    panels += size << 6;
  }
}

/** to [rows, size] = weights [rows, seen] · y [lk, size], y packed as panels. */
export function weightedSums(
  weights: usize, ld: usize, panels: usize, to: usize, step: usize, size: usize,
  rows: usize, seen: usize, i0: usize, lq: usize, lk: usize, causal: bool, edge: usize,
): void {
  const height = causal ? STEP : rows;
  for (let i: usize = 0; i < rows; i += height) {
    const count = min(height, rows - i);
    const depth = causal ? visible(i0 + i + count - 1, lq, lk, true) : seen;
    const from = weights + ((i * ld) << 2);
    const target = to + ((i * step) << 2);
    for (let p: usize = 0; p < depth || p == 0; p += DEPTH)
      block(from + (p << 2), ld, panels + (p << 6), lk << 6, target, step, count, size,
        min(DEPTH, depth - p), p > 0, edge);
  }
}

/** scores·scale + mask, never below the lowest finite number. */
export function scaleAndMask(row: usize, length: usize, scale: f32, mask: usize): void {
  const scale4 = splat(scale);
  const lowest = splat(LOWEST);
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  if (mask) {
    for (let o: usize = 0; o < whole; o += 16) {
      const score = f32x4.add(f32x4.mul(v128.load(row + o), scale4), v128.load(mask + o));
      v128.store(row + o, f32x4.pmax(score, lowest));
    }
    if (rest) {
      const last = f32x4.mul(loadTail(row + whole, rest, 0), scale4);
      const score = f32x4.add(last, loadTail(mask + whole, rest, 0));
      storeTail(row + whole, f32x4.pmax(score, lowest), rest);
    }
  } else {
    for (let o: usize = 0; o < whole; o += 16)
      v128.store(row + o, f32x4.mul(v128.load(row + o), scale4));
    if (rest) storeTail(row + whole, f32x4.mul(loadTail(row + whole, rest, 0), scale4), rest);
  }
}

export function fillRow(row: usize, length: usize, value: f32): void {
  for (let i: usize = 0; i < length; i++) store<f32>(row + (i << 2), value);
}
