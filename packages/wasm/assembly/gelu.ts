// GELU (Hendrycks & Gimpel 2016): x·Φ(x), with Φ exact or through the tanh of "gelu_new".
import { exp4, expNear4, loadTail, madd, nmadd, sigmoid4, splat, storeTail } from './math';

/**
 * Φ(−|x|) / e^(−x²/2), from 0.5 at 0 towards 0.4/|x|: a polynomial in t = 1 / (1 + 0.3|x|), fitted to
 * a relative error of 1.5e-7 over 0 ≤ |x| ≤ 14, beyond which e^(−x²/2) is 0 in float32. Together with
 * the exponential it keeps the *relative* accuracy of the tail, which 1 + erf(x) loses.
 */
// @ts-ignore: decorator
@inline
export function tailRatio(magnitude: v128): v128 {
  const t = f32x4.div(splat(1), madd(magnitude, splat(0.3), splat(1)));
  let p = splat(0.0356749096);
  p = madd(p, t, splat(-0.157203615));
  p = madd(p, t, splat(0.206354364));
  p = madd(p, t, splat(-0.0536843731));
  p = madd(p, t, splat(0.128561979));
  p = madd(p, t, splat(0.0999133957));
  p = madd(p, t, splat(0.12075397));
  p = madd(p, t, splat(0.119629298));
  return f32x4.mul(p, t);
}

/** The standard normal distribution function, `gaussian` being e^(−x²/2). */
// @ts-ignore: decorator
@inline
function normalCdf(x: v128, gaussian: v128): v128 {
  const tail = f32x4.mul(gaussian, tailRatio(f32x4.abs(x)));
  return v128.bitselect(tail, f32x4.sub(splat(1), tail), f32x4.lt(x, splat(0)));
}

// @ts-ignore: decorator
@inline
function gaussian4(x: v128): v128 {
  return exp4(f32x4.mul(f32x4.mul(x, splat(-0.5)), x));
}

/** ½(1 + tanh(√(2/π)·(x + 0.044715x³))), which is the logistic function of twice that argument. */
// @ts-ignore: decorator
@inline
function tanhCdf(x: v128): v128 {
  const square = f32x4.mul(x, x);
  return sigmoid4(f32x4.mul(x, madd(square, splat(0.0713548163), splat(1.59576912))));
}

// @ts-ignore: decorator
@inline
function gelu4(x: v128): v128 {
  // max(x, 0) − |x|·Φ(−|x|), where the exponential of 13.28 or more is 0.
  const magnitude = f32x4.pmin(f32x4.abs(x), splat(13.28));
  const square = f32x4.mul(f32x4.mul(magnitude, splat(-0.5)), magnitude);
  const tail = f32x4.mul(expNear4(square), tailRatio(magnitude));
  return nmadd(magnitude, tail, f32x4.pmax(x, splat(0)));
}

// @ts-ignore: decorator
@inline
function geluNew4(x: v128): v128 {
  return f32x4.mul(x, tanhCdf(x));
}

/** Φ(x) + x·φ(x). */
// @ts-ignore: decorator
@inline
function geluSlope4(x: v128): v128 {
  const gaussian = gaussian4(x);
  return madd(f32x4.mul(x, splat(0.398942280)), gaussian, normalCdf(x, gaussian));
}

/** s + x·s·(1 − s)·2u′(x), with s the tanh form of Φ. */
// @ts-ignore: decorator
@inline
function geluNewSlope4(x: v128): v128 {
  return tanhSlope(x, tanhCdf(x));
}

// @ts-ignore: decorator
@inline
function tanhSlope(x: v128, s: v128): v128 {
  const square = f32x4.mul(x, x);
  const slope = f32x4.mul(x, madd(square, splat(0.214064449), splat(1.59576912)));
  return f32x4.mul(s, madd(slope, f32x4.sub(splat(1), s), splat(1)));
}

export function gelu(x: usize, y: usize, size: usize, approximate: bool): void {
  const whole = (size >> 2) << 4;
  const rest = size & 3;
  if (approximate) {
    for (let o: usize = 0; o < whole; o += 16) v128.store(y + o, geluNew4(v128.load(x + o)));
    if (rest) storeTail(y + whole, geluNew4(loadTail(x + whole, rest, 0)), rest);
  } else {
    for (let o: usize = 0; o < whole; o += 16) v128.store(y + o, gelu4(v128.load(x + o)));
    if (rest) storeTail(y + whole, gelu4(loadTail(x + whole, rest, 0)), rest);
  }
}

/** GELU of x in place, and its derivative to `slopes`: one exponential for both. */
export function geluWithSlope(x: usize, slopes: usize, size: usize, approximate: bool): void {
  const whole = (size >> 2) << 4;
  const rest = size & 3;
  if (approximate) {
    for (let o: usize = 0; o < whole; o += 16) {
      const value = v128.load(x + o);
      const s = tanhCdf(value);
      v128.store(x + o, f32x4.mul(value, s));
      v128.store(slopes + o, tanhSlope(value, s));
    }
  } else {
    for (let o: usize = 0; o < whole; o += 16) {
      const value = v128.load(x + o);
      const magnitude = f32x4.pmin(f32x4.abs(value), splat(13.28));
      const gaussian = expNear4(f32x4.mul(f32x4.mul(magnitude, splat(-0.5)), magnitude));
      const tail = f32x4.mul(gaussian, tailRatio(magnitude));
      v128.store(x + o, nmadd(magnitude, tail, f32x4.pmax(value, splat(0))));
      const cdf = v128.bitselect(tail, f32x4.sub(splat(1), tail), f32x4.lt(value, splat(0)));
      v128.store(slopes + o, madd(f32x4.mul(value, splat(0.398942280)), gaussian, cdf));
    }
  }
  if (!rest) return;
  const value = loadTail(x + whole, rest, 0);
  storeTail(slopes + whole, approximate ? geluNewSlope4(value) : geluSlope4(value), rest);
  storeTail(x + whole, approximate ? geluNew4(value) : gelu4(value), rest);
}

export function geluGrad(dy: usize, x: usize, dx: usize, size: usize, approximate: bool): void {
  const whole = (size >> 2) << 4;
  const rest = size & 3;
  if (approximate) {
    for (let o: usize = 0; o < whole; o += 16)
      v128.store(dx + o, f32x4.mul(v128.load(dy + o), geluNewSlope4(v128.load(x + o))));
    if (rest) {
      const slope = geluNewSlope4(loadTail(x + whole, rest, 0));
      storeTail(dx + whole, f32x4.mul(loadTail(dy + whole, rest, 0), slope), rest);
    }
  } else {
    for (let o: usize = 0; o < whole; o += 16)
      v128.store(dx + o, f32x4.mul(v128.load(dy + o), geluSlope4(v128.load(x + o))));
    if (rest) {
      const slope = geluSlope4(loadTail(x + whole, rest, 0));
      storeTail(dx + whole, f32x4.mul(loadTail(dy + whole, rest, 0), slope), rest);
    }
  }
}
