// tfjs's own element-wise functions that are scalar loops there: exp, tanh, erf, and the sum of two
// tensors of one shape.
import { tailRatio } from './gelu';
import { exp4, loadTail, madd, nmadd, splat, storeTail, tanh4 } from './math';

/** e^x for every float32, within 2 ulp (absolute below the smallest normal number). */
// @ts-ignore: decorator
@inline
function expAnywhere4(x: v128): v128 {
  // As exp4, but 2^n in two factors, since 2^128 and 2^−149 are no normal numbers.
  x = f32x4.max(f32x4.min(x, splat(89)), splat(-105));
  const magic = splat(12582912);
  const biased = madd(x, splat(1.44269504), magic);
  const n = f32x4.sub(biased, magic);
  let r = nmadd(n, splat(0.693145752), x);
  r = nmadd(n, splat(1.42860677e-6), r);
  let p = splat(0.0013843605993315578);
  p = madd(p, r, splat(0.008374195545911789));
  p = madd(p, r, splat(0.04166800528764725));
  p = madd(p, r, splat(0.16666430234909058));
  p = madd(p, r, splat(0.4999999403953552));
  p = madd(p, r, splat(1));
  const whole = i32x4.sub(biased, magic);
  const half = i32x4.shr_s(whole, 1);
  const one = i32x4.splat(127);
  const first = i32x4.shl(i32x4.add(half, one), 23);
  const second = i32x4.shl(i32x4.add(i32x4.sub(whole, half), one), 23);
  return f32x4.mul(f32x4.mul(madd(r, p, splat(1)), first), second);
}

/**
 * erf x (Abramowitz & Stegun 7.1.1) within 2 ulp: near 0 x times a polynomial in x² (relative error
 * 6e-11), and from 0.8 on 1 − 2Φ(−√2·|x|).
 */
// @ts-ignore: decorator
@inline
function erf4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let p = splat(9.152873826678842e-5);
  p = madd(p, square, splat(-0.0008304043440148234));
  p = madd(p, square, splat(0.005213504657149315));
  p = madd(p, square, splat(-0.026863837614655495));
  p = madd(p, square, splat(0.11283766478300095));
  p = madd(p, square, splat(-0.37612637877464294));
  p = madd(p, square, splat(1.128379225730896));
  const small = f32x4.mul(p, x);
  const magnitude = f32x4.abs(x);
  const ratio = tailRatio(f32x4.mul(magnitude, splat(1.41421356)));
  const tail = f32x4.mul(exp4(f32x4.neg(square)), f32x4.mul(ratio, splat(2)));
  const large = v128.or(f32x4.sub(splat(1), tail), v128.and(x, splat(-0.0)));
  return v128.bitselect(large, small, f32x4.ge(magnitude, splat(0.8)));
}

// @ts-ignore: decorator
@inline
function unary4(x: v128, f: i32): v128 {
  if (f == 1) return expAnywhere4(x);
  if (f == 2) return tanh4(x);
  return erf4(x);
}

/** y = f(x). 1: exp, 2: tanh, 3: erf (see src/tfjs-unary.ts). */
export function unary(x: usize, y: usize, size: usize, f: i32): void {
  const whole = (size >> 2) << 4;
  const rest = size & 3;
  for (let o: usize = 0; o < whole; o += 16) v128.store(y + o, unary4(v128.load(x + o), f));
  if (rest) storeTail(y + whole, unary4(loadTail(x + whole, rest, 0), f), rest);
}

export function sum(a: usize, b: usize, y: usize, size: usize): void {
  const whole = (size >> 2) << 4;
  for (let o: usize = 0; o < whole; o += 16)
    v128.store(y + o, f32x4.add(v128.load(a + o), v128.load(b + o)));
  for (let o = whole; o < size << 2; o += 4)
    store<f32>(y + o, load<f32>(a + o) + load<f32>(b + o));
}
