// What an optimizer does to every number of a model: the norm of the gradients, and AdamW.
import { loadTail, madd, splat, storeTail } from './math';

/** Σ x² in float64, which holds the square of any float32. */
export function sumOfSquares(x: usize, size: usize): f64 {
  const whole = (size >> 2) << 4;
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let o: usize = 0; o < whole; o += 16) {
    const four = v128.load(x + o);
    const two = f64x2.promote_low_f32x4(four);
    const next = f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0));
    low = f64x2.add(low, f64x2.mul(two, two));
    high = f64x2.add(high, f64x2.mul(next, next));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (let o = whole; o < size << 2; o += 4) {
    const value = <f64>load<f32>(x + o);
    sum += value * value;
  }
  return sum;
}

/** Four weights of `adamW`, from their new means. */
// @ts-ignore: decorator
@inline
function moved(p: v128, m: v128, v: v128, epsilon: v128, stepSize: v128, keep: v128): v128 {
  const change = f32x4.div(f32x4.mul(m, stepSize), f32x4.add(f32x4.sqrt(v), epsilon));
  return f32x4.sub(f32x4.mul(p, keep), change);
}

/**
 * With g = gradient·scale: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
 * p ← keep·p − stepSize·m / (√v + ε). Where `m` and `v` are 0 they are zeros. In place if the last
 * three addresses are those of p, m and v.
 */
export function adamW(
  p: usize, gradient: usize, m: usize, v: usize, nextP: usize, nextM: usize, nextV: usize,
  size: usize, scale: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32,
  epsilon: f32, stepSize: f32, keep: f32,
): void {
  const scale4 = splat(scale);
  const b1 = splat(beta1);
  const r1 = splat(rest1);
  const b2 = splat(beta2);
  const r2 = splat(rest2);
  const epsilon4 = splat(epsilon);
  const stepSize4 = splat(stepSize);
  const keep4 = splat(keep);
  const zero = splat(0);
  const whole = (size >> 2) << 4;
  for (let o: usize = 0; o < whole; o += 16) {
    const g = f32x4.mul(v128.load(gradient + o), scale4);
    const mean = madd(m ? v128.load(m + o) : zero, b1, f32x4.mul(g, r1));
    const square = madd(v ? v128.load(v + o) : zero, b2, f32x4.mul(f32x4.mul(g, g), r2));
    v128.store(nextM + o, mean);
    v128.store(nextV + o, square);
    v128.store(nextP + o, moved(v128.load(p + o), mean, square, epsilon4, stepSize4, keep4));
  }
  const rest = size & 3;
  if (rest) {
    const g = f32x4.mul(loadTail(gradient + whole, rest, 0), scale4);
    const mean = madd(m ? loadTail(m + whole, rest, 0) : zero, b1, f32x4.mul(g, r1));
    const before = v ? loadTail(v + whole, rest, 0) : zero;
    const square = madd(before, b2, f32x4.mul(f32x4.mul(g, g), r2));
    storeTail(nextM + whole, mean, rest);
    storeTail(nextV + whole, square, rest);
    const old = loadTail(p + whole, rest, 0);
    storeTail(nextP + whole, moved(old, mean, square, epsilon4, stepSize4, keep4), rest);
  }
}
