// Dropout from a counter: whether element i is kept is a hash of (seed, i), so the backward pass needs
// no mask, and every backend draws the same. The hash is the finalizer "lowbias32" (Wellons 2018) over
// a Weyl sequence.
import { loadTail, splat, storeTail } from './math';

/** From one number of the Weyl sequence to the next. */
const WEYL: i32 = 0x9e3779b1;

/** All ones in the lanes to keep: hash(seed, i) >>> 8 ≥ threshold = ⌊rate·2²⁴⌋, `weyl` being seed + i·WEYL. */
// @ts-ignore: decorator
@inline
function kept4(weyl: v128, threshold: i32): v128 {
  let h = v128.xor(weyl, i32x4.shr_u(weyl, 16));
  h = i32x4.mul(h, i32x4.splat(0x21f0aaad));
  h = v128.xor(h, i32x4.shr_u(h, 15));
  h = i32x4.mul(h, i32x4.splat(0x735a2d97));
  h = v128.xor(h, i32x4.shr_u(h, 15));
  return i32x4.ge_s(i32x4.shr_u(h, 8), i32x4.splat(threshold));
}

/** Makes weights that are dropped negative, zeros −0; see `dropout`. */
export function signDropped(x: usize, size: usize, first: i32, seed: i32, threshold: i32): void {
  const whole = (size >> 2) << 4;
  const sign = splat(-0.0);
  let weyl = weylFrom(first, seed);
  for (let o: usize = 0; o < whole; o += 16) {
    v128.store(x + o, v128.or(v128.load(x + o), v128.andnot(sign, kept4(weyl, threshold))));
    weyl = i32x4.add(weyl, i32x4.splat(4 * WEYL));
  }
  const rest = size & 3;
  if (!rest) return;
  const dropped = v128.andnot(sign, kept4(weyl, threshold));
  storeTail(x + whole, v128.or(loadTail(x + whole, rest, 0), dropped), rest);
}

// @ts-ignore: decorator
@inline
function weylFrom(first: i32, seed: i32): v128 {
  return i32x4.add(i32x4.splat(seed + first * WEYL), i32x4(0, WEYL, 2 * WEYL, 3 * WEYL));
}

/** y = x·scale where kept, else 0; element 0 has the number `first`. In place if y is x. */
export function dropout(
  x: usize, y: usize, size: usize, first: i32, seed: i32, threshold: i32, scale: f32,
): void {
  const scale4 = splat(scale);
  const whole = (size >> 2) << 4;
  let weyl = weylFrom(first, seed);
  for (let o: usize = 0; o < whole; o += 16) {
    const kept = kept4(weyl, threshold);
    v128.store(y + o, v128.and(f32x4.mul(v128.load(x + o), scale4), kept));
    weyl = i32x4.add(weyl, i32x4.splat(4 * WEYL));
  }
  const rest = size & 3;
  if (rest) {
    const kept = kept4(weyl, threshold);
    storeTail(y + whole, v128.and(f32x4.mul(loadTail(x + whole, rest, 0), scale4), kept), rest);
  }
}
