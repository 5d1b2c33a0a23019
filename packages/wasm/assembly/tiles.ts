// The inner tiles of a matrix product: a few rows of A by 8 or 16 columns of B, the sums in registers.
//
// Plain SIMD has no fused multiply-add: 2 rows × 16 columns (eight sums, four loads of B, one splat a
// row) keep both its units busy and fit the sixteen registers of x86-64. A fused one takes longer than it
// takes to start the next eight, so there 6 × 8 (twelve sums) is what fills the pipeline.
import { madd, splat } from './math';

/**
 * One panel's width: `columns` ≤ 16 columns of c, rows of b `step` bytes apart. The sums start from
 * `from`, whose rows are `fromLd` floats apart, or from 0 where that is 0.
 */
export function column(
  a: usize, lda: usize, b: usize, step: usize, c: usize, ldc: usize,
  m: usize, columns: usize, k: usize, from: usize, fromLd: usize, edge: usize,
): void {
  lda <<= 2;
  ldc <<= 2;
  const fromStep = from ? fromLd << 2 : 0;
  let i: usize = 0;
  if (columns == 16) {
    // @ts-ignore: RELAXED is set by --use
    if (RELAXED) for (; i + 6 <= m; i += 6) {
      tile6(a, lda, b, step, c, ldc, k, from, fromStep);
      tile6(a, lda, b + 32, step, c + 32, ldc, k, from ? from + 32 : 0, fromStep);
      a += 6 * lda;
      c += 6 * ldc;
      from += 6 * fromStep;
    }
    for (; i + 2 <= m; i += 2) {
      tile2(a, a + lda, b, step, c, c + ldc, k, from, from + fromStep);
      a += lda << 1;
      c += ldc << 1;
      from += fromStep << 1;
    }
    if (i < m) tile1(a, b, step, c, k, from);
    return;
  }
  // The tile works beside c, which has no room for it.
  const bytes = columns << 2;
  for (; i < m; i += 2) {
    const pair = i + 1 < m;
    if (from) {
      copy(edge, from, bytes);
      if (pair) copy(edge + 64, from + fromStep, bytes);
    }
    if (pair) tile2(a, a + lda, b, step, edge, edge + 64, k, from ? edge : 0, edge + 64);
    else tile1(a, b, step, edge, k, from ? edge : 0);
    copy(c, edge, bytes);
    if (pair) copy(c + ldc, edge + 64, bytes);
    a += lda << 1;
    c += ldc << 1;
    from += fromStep << 1;
  }
}

/**
 * The same for sixes of rows, [k, 6] each (`packSixes`), and a panel. While it is multiplied by, the
 * panel at `next` is touched a little with each value, so that it comes from memory meanwhile:
 * WebAssembly has no other way to ask for it beforehand.
 */
export function sixes(
  a: usize, b: usize, c: usize, ldc: usize, m: usize, columns: usize, k: usize,
  from: usize, fromLd: usize, edge: usize, next: usize,
): void {
  ldc <<= 2;
  const fromStep = from ? fromLd << 2 : 0;
  // m / 3 tiles of k values touch the 64·k bytes.
  const touch = 192 / m + 1;
  const last = next + (k << 6) - touch * k;
  for (let i: usize = 0; i < m; i += 6) {
    let to = c, toStep = ldc, start = from, startStep = fromStep;
    if (columns < 16) {
      // The tile works beside c, which has no room for it.
      to = edge;
      toStep = 64;
      if (from) {
        for (let r: usize = 0; r < 6; r++) copy(edge + (r << 6), from + r * fromStep, columns << 2);
        start = edge;
        startStep = 64;
      }
    }
    tileOfSix(a, b, to, toStep, k, start, startStep, min(next, last), touch);
    next += touch * k;
    tileOfSix(a, b + 32, to + 32, toStep, k, start ? start + 32 : 0, startStep, min(next, last), touch);
    next += touch * k;
    if (columns < 16)
      for (let r: usize = 0; r < 6; r++) copy(c + r * ldc, edge + (r << 6), columns << 2);
    a += 24 * k;
    c += 6 * ldc;
    from += 6 * fromStep;
  }
}

// @ts-ignore: decorator
@inline
export function copy(to: usize, from: usize, bytes: usize): void {
  for (let o: usize = 0; o < bytes; o += 4) store<f32>(to + o, load<f32>(from + o));
}

function tile6(
  a: usize, lda: usize, b: usize, step: usize, c: usize, ldc: usize,
  k: usize, from: usize, fromStep: usize,
): void {
  tile6x8(a, lda - 4, 4, b, step, c, ldc, k, from, fromStep, 0, 0);
}

/** A six as `packSixes` left it. */
function tileOfSix(
  a: usize, b: usize, c: usize, ldc: usize, k: usize, from: usize, fromStep: usize,
  next: usize, touch: usize,
): void {
  tile6x8(a, 0, 24, b, 64, c, ldc, k, from, fromStep, next, touch);
}

/**
 * 6 × 8, the next row of a being 4 + `beyond` bytes on and the next value `valueStep`. In a six, with each
 * value a byte at `next` is read, which goes on by `touch`.
 */
// @ts-ignore: decorator
@inline
function tile6x8(
  a: usize, beyond: usize, valueStep: usize, b: usize, step: usize, c: usize, ldc: usize,
  k: usize, from: usize, fromStep: usize, next: usize, touch: usize,
): void {
  let s00 = splat(0), s01 = splat(0), s10 = splat(0), s11 = splat(0);
  let s20 = splat(0), s21 = splat(0), s30 = splat(0), s31 = splat(0);
  let s40 = splat(0), s41 = splat(0), s50 = splat(0), s51 = splat(0);
  if (from) {
    s00 = v128.load(from); s01 = v128.load(from, 16); from += fromStep;
    s10 = v128.load(from); s11 = v128.load(from, 16); from += fromStep;
    s20 = v128.load(from); s21 = v128.load(from, 16); from += fromStep;
    s30 = v128.load(from); s31 = v128.load(from, 16); from += fromStep;
    s40 = v128.load(from); s41 = v128.load(from, 16); from += fromStep;
    s50 = v128.load(from); s51 = v128.load(from, 16);
  }
  for (const end = a + k * valueStep; a < end; a += valueStep) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a); s00 = madd(x0, b0, s00); s01 = madd(x0, b1, s01);
    let row = a + beyond;
    const x1 = v128.load32_splat(row, 4); s10 = madd(x1, b0, s10); s11 = madd(x1, b1, s11); row += beyond;
    const x2 = v128.load32_splat(row, 8); s20 = madd(x2, b0, s20); s21 = madd(x2, b1, s21); row += beyond;
    const x3 = v128.load32_splat(row, 12); s30 = madd(x3, b0, s30); s31 = madd(x3, b1, s31); row += beyond;
    const x4 = v128.load32_splat(row, 16); s40 = madd(x4, b0, s40); s41 = madd(x4, b1, s41); row += beyond;
    const x5 = v128.load32_splat(row, 20); s50 = madd(x5, b0, s50); s51 = madd(x5, b1, s51);
    if (valueStep == 24) {
      load<u8>(next);
      next += touch;
    }
    b += step;
  }
  v128.store(c, s00); v128.store(c, s01, 16); c += ldc;
  v128.store(c, s10); v128.store(c, s11, 16); c += ldc;
  v128.store(c, s20); v128.store(c, s21, 16); c += ldc;
  v128.store(c, s30); v128.store(c, s31, 16); c += ldc;
  v128.store(c, s40); v128.store(c, s41, 16); c += ldc;
  v128.store(c, s50); v128.store(c, s51, 16);
}

function tile2(
  a0: usize, a1: usize, b: usize, step: usize, c0: usize, c1: usize,
  k: usize, from0: usize, from1: usize,
): void {
  let s00 = splat(0), s01 = splat(0), s02 = splat(0), s03 = splat(0);
  let s10 = splat(0), s11 = splat(0), s12 = splat(0), s13 = splat(0);
  if (from0) {
    s00 = v128.load(from0, 0); s01 = v128.load(from0, 16); s02 = v128.load(from0, 32); s03 = v128.load(from0, 48);
    s10 = v128.load(from1, 0); s11 = v128.load(from1, 16); s12 = v128.load(from1, 32); s13 = v128.load(from1, 48);
  }
  const end = k << 2;
  for (let o: usize = 0; o < end; o += 4) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const x0 = v128.load32_splat(a0 + o);
    s00 = madd(x0, b0, s00); s01 = madd(x0, b1, s01); s02 = madd(x0, b2, s02); s03 = madd(x0, b3, s03);
    const x1 = v128.load32_splat(a1 + o);
    s10 = madd(x1, b0, s10); s11 = madd(x1, b1, s11); s12 = madd(x1, b2, s12); s13 = madd(x1, b3, s13);
    b += step;
  }
  v128.store(c0, s00, 0); v128.store(c0, s01, 16); v128.store(c0, s02, 32); v128.store(c0, s03, 48);
  v128.store(c1, s10, 0); v128.store(c1, s11, 16); v128.store(c1, s12, 32); v128.store(c1, s13, 48);
}

function tile1(a: usize, b: usize, step: usize, c: usize, k: usize, from: usize): void {
  let s0 = splat(0), s1 = splat(0), s2 = splat(0), s3 = splat(0);
  if (from) {
    s0 = v128.load(from, 0); s1 = v128.load(from, 16); s2 = v128.load(from, 32); s3 = v128.load(from, 48);
  }
  const end = a + (k << 2);
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b, 0), s0); s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b, 32), s2); s3 = madd(x, v128.load(b, 48), s3);
    b += step;
  }
  v128.store(c, s0, 0); v128.store(c, s1, 16); v128.store(c, s2, 32); v128.store(c, s3, 48);
}

/**
 * One row by the 64 columns of four panels, which are `next` bytes apart. What takes its time is to read
 * them, and one stream alone keeps the memory waiting.
 */
export function tile1x64(a: usize, b: usize, next: usize, c: usize, k: usize, from: usize): void {
  let s00 = splat(0), s01 = splat(0), s02 = splat(0), s03 = splat(0);
  let s10 = splat(0), s11 = splat(0), s12 = splat(0), s13 = splat(0);
  let s20 = splat(0), s21 = splat(0), s22 = splat(0), s23 = splat(0);
  let s30 = splat(0), s31 = splat(0), s32 = splat(0), s33 = splat(0);
  if (from) {
    s00 = v128.load(from, 0); s01 = v128.load(from, 16); s02 = v128.load(from, 32); s03 = v128.load(from, 48);
    s10 = v128.load(from, 64); s11 = v128.load(from, 80); s12 = v128.load(from, 96); s13 = v128.load(from, 112);
    s20 = v128.load(from, 128); s21 = v128.load(from, 144); s22 = v128.load(from, 160); s23 = v128.load(from, 176);
    s30 = v128.load(from, 192); s31 = v128.load(from, 208); s32 = v128.load(from, 224); s33 = v128.load(from, 240);
  }
  const end = a + (k << 2);
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    let p = b;
    s00 = madd(x, v128.load(p, 0), s00); s01 = madd(x, v128.load(p, 16), s01);
    s02 = madd(x, v128.load(p, 32), s02); s03 = madd(x, v128.load(p, 48), s03); p += next;
    s10 = madd(x, v128.load(p, 0), s10); s11 = madd(x, v128.load(p, 16), s11);
    s12 = madd(x, v128.load(p, 32), s12); s13 = madd(x, v128.load(p, 48), s13); p += next;
    s20 = madd(x, v128.load(p, 0), s20); s21 = madd(x, v128.load(p, 16), s21);
    s22 = madd(x, v128.load(p, 32), s22); s23 = madd(x, v128.load(p, 48), s23); p += next;
    s30 = madd(x, v128.load(p, 0), s30); s31 = madd(x, v128.load(p, 16), s31);
    s32 = madd(x, v128.load(p, 32), s32); s33 = madd(x, v128.load(p, 48), s33);
    b += 64;
  }
  v128.store(c, s00, 0); v128.store(c, s01, 16); v128.store(c, s02, 32); v128.store(c, s03, 48);
  v128.store(c, s10, 64); v128.store(c, s11, 80); v128.store(c, s12, 96); v128.store(c, s13, 112);
  v128.store(c, s20, 128); v128.store(c, s21, 144); v128.store(c, s22, 160); v128.store(c, s23, 176);
  v128.store(c, s30, 192); v128.store(c, s31, 208); v128.store(c, s32, 224); v128.store(c, s33, 240);
}
