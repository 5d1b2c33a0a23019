// The inner tiles of gemm-int8.ts: sums of a few rounded rows (`step` bytes apart) by 16 or 8 rows of W,
// from a panel at `b`, into `sums` [rows, 16].

// With the relaxed dot product. Where bytes are read as signed, flipping the highest bit takes one from
// w + 128 to w. x86 has no register left for that, and ARM has plenty: so each has tiles of its own.

export function tile6x8Unsigned(a: usize, step: usize, b: usize, quads: usize, sums: usize): void {
  tile6x8(a, step, b, quads, false, sums);
}

export function tile6x8Signed(a: usize, step: usize, b: usize, quads: usize, sums: usize): void {
  tile6x8(a, step, b, quads, true, sums);
}

export function tile1x16Unsigned(a: usize, b: usize, quads: usize, sums: usize): void {
  tile1x16(a, b, quads, false, sums);
}

export function tile1x16Signed(a: usize, b: usize, quads: usize, sums: usize): void {
  tile1x16(a, b, quads, true, sums);
}

// @ts-ignore: decorator
@inline
function load16(address: usize, signed: bool): v128 {
  const bytes = v128.load(address);
  return signed ? v128.xor(bytes, i8x16.splat(-128)) : bytes;
}

// @ts-ignore: decorator
@inline
function dot4(a: v128, b: v128, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
}

// @ts-ignore: decorator
@inline
function tile6x8(a: usize, step: usize, b: usize, quads: usize, signed: bool, sums: usize): void {
  const a1 = a + step, a2 = a1 + step, a3 = a2 + step, a4 = a3 + step, a5 = a4 + step;
  let s00 = i32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
  let s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
  const end = quads << 2;
  for (let o: usize = 0; o < end; o += 4) {
    const b0 = load16(b, signed), b1 = load16(b + 16, signed);
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

// @ts-ignore: decorator
@inline
function tile1x16(a: usize, b: usize, quads: usize, signed: bool, sums: usize): void {
  let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = a + (quads << 2);
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    s0 = dot4(x, load16(b, signed), s0); s1 = dot4(x, load16(b + 16, signed), s1);
    s2 = dot4(x, load16(b + 32, signed), s2); s3 = dot4(x, load16(b + 48, signed), s3);
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

/** Of a panel, two rows of x by eight of W, which `widen` put side by side; `add`: to what `sums` has. */
export function tile2x8Wide(
  a: usize, step: usize, b: usize, quads: usize, add: bool, sums: usize,
): void {
  const a1 = a + step;
  let s00 = i32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  const end = quads << 3;
  for (let o: usize = 0; o < end; o += 8) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let x = v128.load64_splat(a + o);
    s00 = dotWide(x, b0, s00); s01 = dotWide(x, b1, s01); s02 = dotWide(x, b2, s02); s03 = dotWide(x, b3, s03);
    x = v128.load64_splat(a1 + o);
    s10 = dotWide(x, b0, s10); s11 = dotWide(x, b1, s11); s12 = dotWide(x, b2, s12); s13 = dotWide(x, b3, s13);
    b += 64;
  }
  let y0 = pairs(s00, s01), y1 = pairs(s02, s03), y2 = pairs(s10, s11), y3 = pairs(s12, s13);
  if (add) {
    y0 = i32x4.add(y0, v128.load(sums, 0)); y1 = i32x4.add(y1, v128.load(sums, 16));
    y2 = i32x4.add(y2, v128.load(sums, 64)); y3 = i32x4.add(y3, v128.load(sums, 80));
  }
  v128.store(sums, y0, 0); v128.store(sums, y1, 16); v128.store(sums, y2, 64); v128.store(sums, y3, 80);
}

/** A panel's bytes in 16 bits: its first eight rows of W, then, `quads` · 64 bytes on, the others. */
export function widen(b: usize, quads: usize, to: usize): void {
  const half = quads << 6;
  for (const end = b + half; b < end; b += 64) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    v128.store(to, i16x8.extend_low_i8x16_u(b0), 0); v128.store(to, i16x8.extend_high_i8x16_u(b0), 16);
    v128.store(to, i16x8.extend_low_i8x16_u(b1), 32); v128.store(to, i16x8.extend_high_i8x16_u(b1), 48);
    const other = to + half;
    v128.store(other, i16x8.extend_low_i8x16_u(b2), 0); v128.store(other, i16x8.extend_high_i8x16_u(b2), 16);
    v128.store(other, i16x8.extend_low_i8x16_u(b3), 32); v128.store(other, i16x8.extend_high_i8x16_u(b3), 48);
    to += 64;
  }
}

export function tile1x16Wide(a: usize, b: usize, quads: usize, sums: usize): void {
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
