// A query's scores become the terms of its softmax, e^(score − largest), in place and in two passes. What
// divides them by their sum is left to the context, which is shorter. A row has room up to a multiple of
// four floats, where the terms are 0.
import { loadTail, madd, maxLanes, splat, sumLanes } from './math';
import { LOWEST } from './attention-tiles';

/** Lanes before the `rest`th. */
// @ts-ignore: decorator
@inline
function firstLanes(rest: usize): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>rest));
}

/** The largest score. Where there is a mask it is added first; no sum is below the lowest finite number. */
export function largest(row: usize, length: usize, mask: usize): f32 {
  const lowest = splat(LOWEST);
  const whole = (length >> 2) << 4, rest = length & 3;
  let top0 = lowest, top1 = lowest, top2 = lowest, top3 = lowest;
  let o: usize = 0;
  if (mask) {
    for (; o < whole; o += 16) {
      const score = f32x4.pmax(f32x4.add(v128.load(row + o), v128.load(mask + o)), lowest);
      v128.store(row + o, score);
      top0 = f32x4.pmax(top0, score);
    }
    if (rest) {
      const score = f32x4.add(v128.load(row + o), loadTail(mask + o, rest, 0));
      v128.store(row + o, f32x4.pmax(score, lowest));
    }
  } else {
    for (; o + 48 < whole; o += 64) {
      top0 = f32x4.pmax(top0, v128.load(row + o, 0)); top1 = f32x4.pmax(top1, v128.load(row + o, 16));
      top2 = f32x4.pmax(top2, v128.load(row + o, 32)); top3 = f32x4.pmax(top3, v128.load(row + o, 48));
    }
    for (; o < whole; o += 16) top0 = f32x4.pmax(top0, v128.load(row + o));
  }
  if (rest) top1 = f32x4.pmax(top1, v128.bitselect(v128.load(row + o), lowest, firstLanes(rest)));
  return maxLanes(f32x4.pmax(f32x4.pmax(top0, top1), f32x4.pmax(top2, top3)));
}

/** Scores to terms; gives their sum. */
export function terms(row: usize, length: usize, top: f32): f32 {
  const top4 = splat(top);
  const whole = (length >> 2) << 4, rest = length & 3;
  let sum0 = splat(0), sum1 = splat(0);
  let o: usize = 0;
  for (; o + 16 < whole; o += 32) {
    const e0 = term(v128.load(row + o), top4), e1 = term(v128.load(row + o, 16), top4);
    v128.store(row + o, e0); v128.store(row + o, e1, 16);
    sum0 = f32x4.add(sum0, e0); sum1 = f32x4.add(sum1, e1);
  }
  for (; o < whole; o += 16) {
    const e = term(v128.load(row + o), top4);
    v128.store(row + o, e);
    sum0 = f32x4.add(sum0, e);
  }
  if (rest) {
    const e = v128.and(term(v128.load(row + o), top4), firstLanes(rest));
    v128.store(row + o, e);
    sum1 = f32x4.add(sum1, e);
  }
  return sumLanes(f32x4.add(sum0, sum1));
}

/**
 * e^(score − top) within 2e-7 of itself, and of what the factor log₂ e loses in a large difference; 0
 * below 2^−126.5. As in math.ts, but for powers of 2: 2^n · (1 + r·p(r)) with |r| ≤ ½, p of degree 4.
 */
// @ts-ignore: decorator
@inline
function term(score: v128, top: v128): v128 {
  const magic = splat(12583039);
  const x = f32x4.pmax(f32x4.mul(f32x4.sub(score, top), splat(1.44269504)), splat(-127));
  const biased = f32x4.add(x, magic);
  const r = f32x4.sub(x, f32x4.sub(biased, magic));
  let p = madd(r, splat(0.001326472731307149), splat(0.009671512991189957));
  p = madd(p, r, splat(0.05550733581185341));
  p = madd(p, r, splat(0.24022242426872253));
  p = madd(p, r, splat(0.6931470036506653));
  return f32x4.mul(madd(p, r, splat(1)), i32x4.shl(biased, 23));
}
