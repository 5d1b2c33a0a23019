// Vector arithmetic that the kernels share. Everything is float32; accuracies are measured against
// float64 in src/*.test.ts.

// @ts-ignore: decorator
@inline
export function splat(value: f32): v128 {
  return f32x4.splat(value);
}

/** a·b + c: one rounding where the relaxed instruction fuses, two on plain SIMD. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  // @ts-ignore: RELAXED is set by --use
  if (RELAXED) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  // @ts-ignore: RELAXED is set by --use
  if (RELAXED) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)
    + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** e^x for x ≤ 88 (no caller has larger ones) within 2 ulp, 0 below −87.3; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  return v128.andnot(expNear4(x), f32x4.lt(x, splat(-87.33)));
}

/**
 * The same for x ≥ −88.3 alone, as good as 0 below −87.3.
 * x = n·ln 2 + r with |r| ≤ ½ ln 2 (ln 2 in two parts, so that r is exact), then e^r = 1 + r·p(r), p of
 * degree 5 fitted to a relative error of 2e-9. Adding 1.5·2²³ + 127 leaves n + 127 in the lowest bits
 * of the sum, where a shift makes it the exponent of 2^n, or 0 of n = −127.
 */
// @ts-ignore: decorator
@inline
export function expNear4(x: v128): v128 {
  const magic = splat(12583039);
  const biased = madd(x, splat(1.44269504), magic);
  const power = i32x4.shl(biased, 23);
  const n = f32x4.sub(biased, magic);
  let r = nmadd(n, splat(0.693145752), x);
  r = nmadd(n, splat(1.42860677e-6), r);
  let p = splat(0.0013843605993315578);
  p = madd(p, r, splat(0.008374195545911789));
  p = madd(p, r, splat(0.04166800528764725));
  p = madd(p, r, splat(0.16666430234909058));
  p = madd(p, r, splat(0.4999999403953552));
  p = madd(p, r, splat(1));
  return madd(f32x4.mul(r, power), p, power);
}

/** 1 / (1 + e^−x), through e^−|x|, which cannot overflow. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const e = exp4(f32x4.neg(f32x4.abs(x)));
  const top = v128.bitselect(e, splat(1), f32x4.lt(x, splat(0)));
  return f32x4.div(top, f32x4.add(splat(1), e));
}

/** tanh |x| = (1 − e^−2|x|) / (1 + e^−2|x|), and x − x³/3 + … near 0, where that would cancel. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const e = exp4(f32x4.mul(magnitude, splat(-2)));
  const large = f32x4.div(f32x4.sub(splat(1), e), f32x4.add(splat(1), e));
  const square = f32x4.mul(x, x);
  let p = splat(-5.70498872745e-3);
  p = madd(p, square, splat(2.06390887954e-2));
  p = madd(p, square, splat(-5.37397155531e-2));
  p = madd(p, square, splat(1.33314422036e-1));
  p = madd(p, square, splat(-3.33332819422e-1));
  const small = madd(f32x4.mul(p, square), magnitude, magnitude);
  const y = v128.bitselect(small, large, f32x4.lt(magnitude, splat(0.625)));
  return v128.or(y, v128.and(x, splat(-0.0)));
}

/**
 * The rest of a row that is not a multiple of four floats: `count` (1 to 3) lanes of memory at
 * `address`, the other lanes `fill`. Nothing outside the row is read.
 */
// @ts-ignore: decorator
@inline
export function loadTail(address: usize, count: usize, fill: f32): v128 {
  let v = f32x4.replace_lane(splat(fill), 0, load<f32>(address));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(address, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(address, 8));
  return v;
}

/** The first `count` (1 to 3) lanes of `v` to memory; nothing outside the row is written. */
// @ts-ignore: decorator
@inline
export function storeTail(address: usize, v: v128, count: usize): void {
  store<f32>(address, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(address, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(address, f32x4.extract_lane(v, 2), 8);
}

/** ln x for finite positive normal x, within 1 ulp or so (after Cephes' logf). */
export function ln(x: f32): f32 {
  let bits = reinterpret<i32>(x);
  let exponent = (bits >> 23) - 126;
  bits = (bits & 0x007fffff) | 0x3f000000;
  let m = reinterpret<f32>(bits);
  if (m < 0.707106781) {
    exponent--;
    m += m;
  }
  m -= 1;
  let p: f32 = 7.0376836292e-2;
  p = p * m - 1.1514610310e-1;
  p = p * m + 1.1676998740e-1;
  p = p * m - 1.2420140846e-1;
  p = p * m + 1.4249322787e-1;
  p = p * m - 1.6668057665e-1;
  p = p * m + 2.0000714765e-1;
  p = p * m - 2.4999993993e-1;
  p = p * m + 3.3333331174e-1;
  const square = m * m;
  const e = <f32>exponent;
  const small = p * m * square - 2.12194440e-4 * e - 0.5 * square;
  return m + small + 0.693359375 * e;
}
