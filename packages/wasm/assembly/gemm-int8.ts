// A linear layer with int8 weights: y = x·Wᵀ + bias, W [n, k] held in a byte a weight.
//
// Row j of W is a scale times whole numbers w from −127 to 127. A row of x is rounded to a scale times
// whole numbers q − zero, the q from −128 to 127. All sums are of whole numbers, and so exact:
//   Σ (q − zero)·w = Σ q·(w + 128) − 128·Σ q − zero·Σ w
// where w + 128 is what the bytes hold, and Σ w comes with W.
//
// The bytes lie in panels of 16 rows of W, [n / 16][k / 4][16][4]: four neighbours along k make a lane
// of the relaxed dot product. Where that does not do (see `int8Dot`), every other byte of a vector, as 16
// bits, makes one: two of a lane.
import { activate } from './activation';
import { loadTail, maxLanes, splat } from './math';
import { copy } from './tiles';
import {
  tile1x16Signed, tile1x16Unsigned, tile1x16Wide, tile1x64Signed, tile1x64Unsigned, tile1x64Wide,
  tile2x16Wide, tile6x8Signed, tile6x8Unsigned, widen,
} from './tiles-int8';

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
    // A lane of `total` is NaN if there was one, or infinities of both signs, and else a number or infinite.
    let low0 = splat(0), high0 = low0, low1 = low0, high1 = low0, total = low0;
    for (let p: usize = 0; p < whole; p += 8) {
      const v0 = v128.load(x + (p << 2)), v1 = v128.load(x + (p << 2), 16);
      low0 = f32x4.pmin(low0, v0); high0 = f32x4.pmax(high0, v0);
      low1 = f32x4.pmin(low1, v1); high1 = f32x4.pmax(high1, v1);
      total = f32x4.add(total, f32x4.add(v0, v1));
    }
    for (let p = whole; p < k; p += 4) {
      const v = loadUpTo(x + (p << 2), k - p);
      low0 = f32x4.pmin(low0, v);
      high0 = f32x4.pmax(high0, v);
      total = f32x4.add(total, v);
    }
    const least = -maxLanes(f32x4.neg(f32x4.pmin(low0, low1)));
    const most = maxLanes(f32x4.pmax(high0, high1));
    const range: f32 = v128.any_true(f32x4.ne(total, total)) ? NaN : most - least;
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
      v128.store(to, evenFirst(narrow));
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
      v128.store64_lane(to, evenFirst(narrow), 0);
      to += 8;
    } else {
      v128.store32_lane(to, i8x16.narrow_i16x8_s(narrow, narrow), 0);
      to += 4;
    }
  }
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1)
    + (i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3));
}

/** Of each four neighbours the even ones, then the odd ones: see tiles-int8.ts. */
// @ts-ignore: decorator
@inline
function evenFirst(q: v128): v128 {
  return i16x8.shuffle(q, q, 0, 2, 1, 3, 4, 6, 5, 7);
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

/** Rows of x whose sums with a panel exist at a time. */
const ROWS: usize = 192;
/** So many times four weights of a row of W are wide at a time: the first-level cache holds them. */
const QUADS: usize = 192;

/** Fewer rows are multiplied one by one, by four panels at once, and the bytes as they are. */
const FEW: usize = 5;

/** Bytes of scratch memory that `int8Gemm` needs. */
export function int8Scratch(): usize {
  return 3 * 64 + ((ROWS + 2 * QUADS) << 6);
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
  const sums = scratch + 3 * 64, wide = sums + (ROWS << 6);
  // A panel's scales, sums and bias, where it has not all of its columns, or no bias.
  memory.fill(scratch, 0, 3 * 64);
  // Some rows meet all panels before the next rows do, so that the second-level cache holds them.
  for (let i: usize = 0; i < m; i += ROWS) {
    const rows = min(ROWS, m - i), at = i << 2;
    const a = rounded + i * step;
    let together: usize = m < FEW ? 4 : 1, panel = panels;
    for (let j: usize = 0; j < n; ) {
      if (n - j < together << 4) together = 1;
      if (together == 4) multiply4(a, step, panel, quads, rows, dot, sums);
      else multiply(a, step, panel, quads, rows, dot, sums, wide);
      let from = sums, to = c + ((i * ldc + j) << 2);
      for (let first = j, end = j + (together << 4); first < end; first += 16) {
        const offset = first << 2;
        let ofScales = weightScales + offset, ofSums = weightSums + offset;
        let ofBias = bias ? bias + offset : scratch + 128;
        const bytes = min(16, n - first) << 2;
        if (bytes < 64) {
          copy(scratch, ofScales, bytes);
          copy(scratch + 64, ofSums, bytes);
          if (bias) copy(scratch + 128, ofBias, bytes);
          ofScales = scratch;
          ofSums = scratch + 64;
          ofBias = scratch + 128;
        }
        finish(from, rows, scales + at, zeros + at, shifts + at, ofScales, ofSums, ofBias);
        if (activation) activate(from, 16, rows, 16, activation);
        copyRows(to, ldc << 2, from, rows, bytes);
        from += rows << 6;
        to += 64;
      }
      j += together << 4;
      panel += (together * quads) << 6;
    }
  }
}

/** Rows of 16 floats to rows of c, `step` bytes apart and `bytes` long. */
function copyRows(to: usize, step: usize, from: usize, rows: usize, bytes: usize): void {
  for (const end = from + (rows << 6); from < end; from += 64) {
    if (bytes == 64) {
      v128.store(to, v128.load(from, 0), 0); v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32); v128.store(to, v128.load(from, 48), 48);
    } else copy(to, from, bytes);
    to += step;
  }
}

/** `rows` of sums become floats in place; the last three arguments are of the panel's columns. */
function finish(
  sums: usize, rows: usize, scales: usize, zeros: usize, shifts: usize,
  weightScales: usize, weightSums: usize, bias: usize,
): void {
  for (const end = sums + (rows << 6); sums < end; sums += 64) {
    const scale = v128.load32_splat(scales), zero = v128.load32_splat(zeros);
    const shift = v128.load32_splat(shifts);
    for (let o: usize = 0; o < 64; o += 16) {
      const excess = i32x4.add(shift, i32x4.mul(zero, v128.load(weightSums + o)));
      const sum = f32x4.convert_i32x4_s(i32x4.sub(v128.load(sums + o), excess));
      const y = f32x4.mul(sum, f32x4.mul(scale, v128.load(weightScales + o)));
      v128.store(sums + o, f32x4.add(y, v128.load(bias + o)));
    }
    scales += 4;
    zeros += 4;
    shifts += 4;
  }
}

/** Both for some rows of x: they need nobody else's. `c`, `rounded` and what follows it are those rows'. */
export function int8Linear(
  x: usize, rounded: usize, scales: usize, zeros: usize, shifts: usize, dot: i32,
  panels: usize, weightScales: usize, weightSums: usize, bias: usize, activation: i32,
  c: usize, ldc: usize, m: usize, n: usize, k: usize, scratch: usize,
): void {
  int8Rows(x, m, k, dot, rounded, scales, zeros, shifts);
  int8Gemm(rounded, scales, zeros, shifts, dot, panels, weightScales, weightSums, bias, activation,
    c, ldc, m, n, k, scratch);
}

/** Sums of `m` < FEW rows by four panels, into `sums` [4, m, 16]. */
function multiply4(
  a: usize, step: usize, b: usize, quads: usize, m: usize, dot: i32, sums: usize,
): void {
  for (let i: usize = 0; i < m; i++) {
    const row = a + i * step, to = sums + (i << 6);
    // @ts-ignore: RELAXED is set by --use
    if (RELAXED) {
      if (dot == SIGNED) { tile1x64Signed(row, b, quads, to, m << 6); continue; }
      if (dot == UNSIGNED) { tile1x64Unsigned(row, b, quads, to, m << 6); continue; }
    }
    tile1x64Wide(row, b, quads, to, m << 6);
  }
}

/** Sums of `m` ≤ ROWS rows by the 16 of a panel, into `sums` [m, 16]. */
function multiply(
  a: usize, step: usize, b: usize, quads: usize, m: usize, dot: i32, sums: usize, wide: usize,
): void {
  let i: usize = 0;
  // @ts-ignore: RELAXED is set by --use
  if (RELAXED) {
    if (dot != WIDE) {
      for (; i + 6 <= m; i += 6) {
        const rows = a + i * step, to = sums + (i << 6);
        for (let o: usize = 0; o < 64; o += 32)
          if (dot == SIGNED) tile6x8Signed(rows, step, b + o, quads, to + o);
          else tile6x8Unsigned(rows, step, b + o, quads, to + o);
      }
      for (; i < m; i++)
        if (dot == SIGNED) tile1x16Signed(a + i * step, b, quads, sums + (i << 6));
        else tile1x16Unsigned(a + i * step, b, quads, sums + (i << 6));
      return;
    }
  }
  if (m >= FEW) {
    for (let p: usize = 0; p < quads; p += QUADS) {
      const count = min(QUADS, quads - p);
      widen(b + (p << 6), count, wide);
      const rows = a + (p << 3);
      for (i = 0; i + 2 <= m; i += 2)
        tile2x16Wide(rows + i * step, step, wide, count, p > 0, sums + (i << 6));
      // A row without a second is its own: ROWS is even, so there is room for the sums.
      if (i < m) tile2x16Wide(rows + i * step, 0, wide, count, p > 0, sums + (i << 6));
    }
    return;
  }
  for (; i < m; i++) tile1x16Wide(a + i * step, b, quads, sums + (i << 6));
}
