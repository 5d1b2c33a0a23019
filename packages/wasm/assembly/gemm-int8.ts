// A linear layer with int8 weights: y = x·Wᵀ + bias, W [n, k] held in a byte a weight.
//
// Row j of W is a scale times whole numbers w from −127 to 127. A row of x is rounded to a scale times
// whole numbers q − zero, the q from −128 to 127. All sums are of whole numbers, and so exact:
//   Σ (q − zero)·w = Σ q·(w + 128) − 128·Σ q − zero·Σ w
// where w + 128 is what the bytes hold, and Σ w comes with W.
//
// The bytes lie in panels of 16 rows of W, [n / 16][k / 4][16][4]: four neighbours along k make a lane
// of the relaxed dot product. Where that does not do (see `int8Dot`), eight bytes widen to 16 bits and
// two neighbours make a lane.
import { activation4 } from './activation';
import { loadTail, maxLanes, splat, storeTail } from './math';

/** The range of a row of x up to which it counts as zeros: a smaller one has no normal inverse. */
const TINY: f32 = 7.888609052210118e-31; // 2^−100

/** Ways to multiply, of `int8Dot`. */
const WIDE: i32 = 0;
const UNSIGNED: i32 = 1;
const SIGNED: i32 = 2;

/**
 * How this engine multiplies eight bits by eight. `relaxed_dot_i8x16_i7x16_add_s` promises an answer for
 * seven bits in its second operand, and leaves it to the processor, once and for all, what it makes of
 * eight: x86 with VNNI reads them unsigned and ARM signed, both without loss. Where it is none of the
 * two (older x86 saturate at 16 bits), or there is no relaxed SIMD, 16 bits are multiplied.
 */
export function int8Dot(zero: i32): i32 {
  // @ts-ignore: RELAXED is set by --use
  if (RELAXED) {
    // 127 by 255, made of an argument so that no compiler answers in the processor's stead.
    const a = i8x16.splat(<i8>(127 + zero)), b = i8x16.splat(<i8>(255 + zero));
    const dot = i32x4.extract_lane(i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, i32x4.splat(zero)), 0);
    return dot == 129540 ? UNSIGNED : dot == -508 ? SIGNED : WIDE;
  }
  return WIDE;
}

/** Bytes from one rounded row to the next. */
export function int8RowBytes(k: usize, dot: i32): usize {
  return ((dot == WIDE ? k << 1 : k) + 15) & ~(<usize>15);
}

/**
 * Rounds x [m, k]. `rounded`: m rows of `int8RowBytes`, zeros past k. `scales` [m] float32: 0 for a row
 * of zeros, NaN for a row with a NaN or of a range that is no float32. `zeros` and `shifts` [m] int32:
 * what the whole numbers count from, and what the sums with the bytes have too much.
 */
export function int8Rows(
  x: usize, m: usize, k: usize, dot: i32, rounded: usize, scales: usize, zeros: usize, shifts: usize,
): void {
  const step = int8RowBytes(k, dot);
  const whole = k & ~(<usize>7);
  for (let i: usize = 0; i < m; i++) {
    let low0 = splat(0), high0 = low0, low1 = low0, high1 = low0;
    for (let p: usize = 0; p < whole; p += 8) {
      const v0 = v128.load(x + (p << 2)), v1 = v128.load(x + (p << 2), 16);
      low0 = f32x4.min(low0, v0); high0 = f32x4.max(high0, v0);
      low1 = f32x4.min(low1, v1); high1 = f32x4.max(high1, v1);
    }
    for (let p = whole; p < k; p += 4) {
      const v = loadUpTo(x + (p << 2), k - p);
      low0 = f32x4.min(low0, v);
      high0 = f32x4.max(high0, v);
    }
    const least = -maxLanes(f32x4.neg(f32x4.min(low0, low1)));
    const range = maxLanes(f32x4.max(high0, high1)) - least;
    let scale: f32 = NaN, zero = 0, sum = 0;
    if (range >= TINY && range < Infinity) {
      scale = range / 255;
      const inverse = <f32>255 / range;
      zero = -128 - <i32>nearest(least * inverse);
      sum = roundRow(x, k, whole, inverse, zero, dot, rounded);
    } else {
      if (range < TINY) scale = 0;
      memory.fill(rounded, 0, step);
    }
    store<f32>(scales, scale);
    store<i32>(zeros, zero);
    store<i32>(shifts, dot == SIGNED ? 0 : sum << 7);
    x += k << 2;
    rounded += step;
    scales += 4;
    zeros += 4;
    shifts += 4;
  }
}

/** 1.5·2²³: what is added to it is rounded to a whole number, which its lowest bits then hold. */
const MAGIC: f32 = 12582912;

/** Gives the sum of the whole numbers. */
function roundRow(
  x: usize, k: usize, whole: usize, inverse: f32, zero: i32, dot: i32, to: usize,
): i32 {
  const inverse4 = splat(inverse), excess = i32x4.splat(reinterpret<i32>(MAGIC) - zero);
  let sums = i32x4.splat(0);
  for (let p: usize = 0; p < whole; p += 8) {
    const q0 = round4(v128.load(x + (p << 2)), inverse4, excess);
    const q1 = round4(v128.load(x + (p << 2), 16), inverse4, excess);
    sums = i32x4.add(sums, i32x4.add(q0, q1));
    const narrow = i16x8.narrow_i32x4_s(q0, q1);
    if (dot == WIDE) {
      v128.store(to, narrow);
      to += 16;
    } else {
      v128.store64_lane(to, i8x16.narrow_i16x8_s(narrow, narrow), 0);
      to += 8;
    }
  }
  for (let p = whole; p < k; p += 4) {
    // Lanes past the row are zeros, not what zero rounds to.
    const lanes = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>(k - p)));
    const q = v128.and(round4(loadUpTo(x + (p << 2), k - p), inverse4, excess), lanes);
    sums = i32x4.add(sums, q);
    const narrow = i16x8.narrow_i32x4_s(q, q);
    if (dot == WIDE) {
      v128.store64_lane(to, narrow, 0);
      to += 8;
    } else {
      v128.store32_lane(to, i8x16.narrow_i16x8_s(narrow, narrow), 0);
      to += 4;
    }
  }
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1)
    + (i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3));
}

// @ts-ignore: decorator
@inline
function round4(x: v128, inverse: v128, excess: v128): v128 {
  const integers = i32x4.sub(f32x4.add(f32x4.mul(x, inverse), splat(MAGIC)), excess);
  return i32x4.min_s(integers, i32x4.splat(127));
}

/** Four floats of a row that has `left` more; zeros past its end. */
// @ts-ignore: decorator
@inline
function loadUpTo(address: usize, left: usize): v128 {
  return left >= 4 ? v128.load(address) : loadTail(address, left, 0);
}

/** Bytes of scratch memory that `int8Gemm` needs. */
export function int8Scratch(): usize {
  return 6 << 6;
}

/**
 * c[m, n] = activation(rows · panels + bias), the rows as `int8Rows` left them. `weightScales` and
 * `weightSums` [n] are W's; `bias` [n] or 0; `ldc` in floats. To give a thread some columns, move
 * `panels`, `weightScales`, `weightSums`, `bias` and `c` on by a multiple of 16 columns; for some rows,
 * `rounded`, `scales`, `zeros`, `shifts` and `c`.
 */
export function int8Gemm(
  rounded: usize, scales: usize, zeros: usize, shifts: usize, dot: i32,
  panels: usize, weightScales: usize, weightSums: usize, bias: usize, activation: i32,
  c: usize, ldc: usize, m: usize, n: usize, k: usize, scratch: usize,
): void {
  const quads = (k + 3) >> 2;
  const step = int8RowBytes(k, dot);
  for (let j: usize = 0; j < n; j += 16) {
    const columns = min(16, n - j);
    for (let i: usize = 0; i < m; ) {
      const rows = tile(rounded + i * step, step, panels, quads, m - i, dot, scratch);
      for (let r: usize = 0; r < rows; r++) {
        const at = i << 2;
        finish(
          scratch + (r << 6), load<f32>(scales + at), load<i32>(zeros + at), load<i32>(shifts + at),
          weightScales + (j << 2), weightSums + (j << 2), bias ? bias + (j << 2) : 0, activation,
          c + ((i * ldc + j) << 2), columns,
        );
        i++;
      }
    }
    panels += quads << 6;
  }
}

/** A row of sums becomes `columns` ≤ 16 floats of c. */
function finish(
  sums: usize, scale: f32, zero: i32, shift: i32,
  weightScales: usize, weightSums: usize, bias: usize, activation: i32, c: usize, columns: usize,
): void {
  const scale4 = splat(scale), zero4 = i32x4.splat(zero), shift4 = i32x4.splat(shift);
  for (let o: usize = 0; o < columns << 2; o += 16) {
    const left = columns - (o >> 2);
    const excess = i32x4.add(shift4, i32x4.mul(zero4, loadUpTo(weightSums + o, left)));
    const sum = f32x4.convert_i32x4_s(i32x4.sub(v128.load(sums + o), excess));
    let y = f32x4.mul(sum, f32x4.mul(scale4, loadUpTo(weightScales + o, left)));
    if (bias) y = f32x4.add(y, loadUpTo(bias + o, left));
    if (activation) y = activation4(y, activation);
    if (left >= 4) v128.store(c + o, y);
    else storeTail(c + o, y, left);
  }
}

/** Sums of the next few of `m` rows by the 16 of a panel, into `sums` [rows, 16]; how many rows. */
// @ts-ignore: decorator
@inline
function tile(a: usize, step: usize, b: usize, quads: usize, m: usize, dot: i32, sums: usize): usize {
  // @ts-ignore: RELAXED is set by --use
  if (RELAXED) {
    if (dot != WIDE) {
      const flip: i8 = dot == SIGNED ? -128 : 0;
      if (m < 6) {
        tile1x16(a, b, quads, flip, sums);
        return 1;
      }
      tile6x8(a, step, b, quads, flip, sums);
      tile6x8(a, step, b + 32, quads, flip, sums + 32);
      return 6;
    }
  }
  if (m < 3) {
    tile1x16Wide(a, b, quads, sums);
    return 1;
  }
  tile3x8Wide(a, step, b, quads, sums);
  tile3x8Wide(a, step, b + 32, quads, sums + 32);
  return 3;
}

// With the relaxed dot product. Flipping the highest bit takes a byte from w + 128 to w.

// @ts-ignore: decorator
@inline
function dot4(a: v128, b: v128, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
}

function tile6x8(a: usize, step: usize, b: usize, quads: usize, flip: i8, sums: usize): void {
  const a1 = a + step, a2 = a1 + step, a3 = a2 + step, a4 = a3 + step, a5 = a4 + step;
  const bit = i8x16.splat(flip);
  let s00 = i32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
  let s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
  const end = quads << 2;
  for (let o: usize = 0; o < end; o += 4) {
    const b0 = v128.xor(v128.load(b, 0), bit), b1 = v128.xor(v128.load(b, 16), bit);
    let x = v128.load32_splat(a + o);
    s00 = dot4(x, b0, s00); s01 = dot4(x, b1, s01);
    x = v128.load32_splat(a1 + o);
    s10 = dot4(x, b0, s10); s11 = dot4(x, b1, s11);
    x = v128.load32_splat(a2 + o);
    s20 = dot4(x, b0, s20); s21 = dot4(x, b1, s21);
    x = v128.load32_splat(a3 + o);
    s30 = dot4(x, b0, s30); s31 = dot4(x, b1, s31);
    x = v128.load32_splat(a4 + o);
    s40 = dot4(x, b0, s40); s41 = dot4(x, b1, s41);
    x = v128.load32_splat(a5 + o);
    s50 = dot4(x, b0, s50); s51 = dot4(x, b1, s51);
    b += 64;
  }
  v128.store(sums, s00, 0); v128.store(sums, s01, 16); v128.store(sums, s10, 64); v128.store(sums, s11, 80);
  v128.store(sums, s20, 128); v128.store(sums, s21, 144); v128.store(sums, s30, 192); v128.store(sums, s31, 208);
  v128.store(sums, s40, 256); v128.store(sums, s41, 272); v128.store(sums, s50, 320); v128.store(sums, s51, 336);
}

function tile1x16(a: usize, b: usize, quads: usize, flip: i8, sums: usize): void {
  const bit = i8x16.splat(flip);
  let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = a + (quads << 2);
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    s0 = dot4(x, v128.xor(v128.load(b, 0), bit), s0); s1 = dot4(x, v128.xor(v128.load(b, 16), bit), s1);
    s2 = dot4(x, v128.xor(v128.load(b, 32), bit), s2); s3 = dot4(x, v128.xor(v128.load(b, 48), bit), s3);
    b += 64;
  }
  v128.store(sums, s0, 0); v128.store(sums, s1, 16); v128.store(sums, s2, 32); v128.store(sums, s3, 48);
}

// Without it: four rows of W are two vectors of sums, a row's two sums side by side.

// @ts-ignore: decorator
@inline
function dotWide(a: v128, b: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

/** The sums of neighbours: of four rows of W. */
// @ts-ignore: decorator
@inline
function pairs(low: v128, high: v128): v128 {
  return i32x4.add(i32x4.shuffle(low, high, 0, 2, 4, 6), i32x4.shuffle(low, high, 1, 3, 5, 7));
}

function tile3x8Wide(a: usize, step: usize, b: usize, quads: usize, sums: usize): void {
  const a1 = a + step, a2 = a1 + step;
  let s00 = i32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00;
  let s12 = s00, s13 = s00, s20 = s00, s21 = s00, s22 = s00, s23 = s00;
  const end = quads << 3;
  for (let o: usize = 0; o < end; o += 8) {
    const low = v128.load(b, 0), high = v128.load(b, 16);
    const b0 = i16x8.extend_low_i8x16_u(low), b1 = i16x8.extend_high_i8x16_u(low);
    const b2 = i16x8.extend_low_i8x16_u(high), b3 = i16x8.extend_high_i8x16_u(high);
    let x = v128.load64_splat(a + o);
    s00 = dotWide(x, b0, s00); s01 = dotWide(x, b1, s01); s02 = dotWide(x, b2, s02); s03 = dotWide(x, b3, s03);
    x = v128.load64_splat(a1 + o);
    s10 = dotWide(x, b0, s10); s11 = dotWide(x, b1, s11); s12 = dotWide(x, b2, s12); s13 = dotWide(x, b3, s13);
    x = v128.load64_splat(a2 + o);
    s20 = dotWide(x, b0, s20); s21 = dotWide(x, b1, s21); s22 = dotWide(x, b2, s22); s23 = dotWide(x, b3, s23);
    b += 64;
  }
  v128.store(sums, pairs(s00, s01), 0); v128.store(sums, pairs(s02, s03), 16);
  v128.store(sums, pairs(s10, s11), 64); v128.store(sums, pairs(s12, s13), 80);
  v128.store(sums, pairs(s20, s21), 128); v128.store(sums, pairs(s22, s23), 144);
}

function tile1x16Wide(a: usize, b: usize, quads: usize, sums: usize): void {
  let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  const end = a + (quads << 3);
  for (; a < end; a += 8) {
    const x = v128.load64_splat(a);
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    s0 = dotWide(x, i16x8.extend_low_i8x16_u(b0), s0); s1 = dotWide(x, i16x8.extend_high_i8x16_u(b0), s1);
    s2 = dotWide(x, i16x8.extend_low_i8x16_u(b1), s2); s3 = dotWide(x, i16x8.extend_high_i8x16_u(b1), s3);
    s4 = dotWide(x, i16x8.extend_low_i8x16_u(b2), s4); s5 = dotWide(x, i16x8.extend_high_i8x16_u(b2), s5);
    s6 = dotWide(x, i16x8.extend_low_i8x16_u(b3), s6); s7 = dotWide(x, i16x8.extend_high_i8x16_u(b3), s7);
    b += 64;
  }
  v128.store(sums, pairs(s0, s1), 0); v128.store(sums, pairs(s2, s3), 16);
  v128.store(sums, pairs(s4, s5), 32); v128.store(sums, pairs(s6, s7), 48);
}
