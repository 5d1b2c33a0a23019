// The inner tiles of gemm-int8.ts: sums of a few rounded rows (`step` bytes apart) by 16 or 8 rows of W,
// from a panel at `b`, into `sums` [rows, 16]. A single row takes four panels at once, into sums `sumsStep`
// bytes apart: one stream alone keeps the memory waiting.

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

export function tile1x64Unsigned(a: usize, b: usize, quads: usize, sums: usize, sumsStep: usize): void {
  tile1x64(a, b, quads, false, sums, sumsStep);
}

export function tile1x64Signed(a: usize, b: usize, quads: usize, sums: usize, sumsStep: usize): void {
  tile1x64(a, b, quads, true, sums, sumsStep);
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

// @ts-ignore: decorator
@inline
function tile1x64(a: usize, b: usize, quads: usize, signed: bool, sums: usize, sumsStep: usize): void {
  let s00 = i32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  let s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  const next = quads << 6, end = a + (quads << 2);
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    let p = b;
    s00 = dot4(x, load16(p, signed), s00); s01 = dot4(x, load16(p + 16, signed), s01);
    s02 = dot4(x, load16(p + 32, signed), s02); s03 = dot4(x, load16(p + 48, signed), s03); p += next;
    s10 = dot4(x, load16(p, signed), s10); s11 = dot4(x, load16(p + 16, signed), s11);
    s12 = dot4(x, load16(p + 32, signed), s12); s13 = dot4(x, load16(p + 48, signed), s13); p += next;
    s20 = dot4(x, load16(p, signed), s20); s21 = dot4(x, load16(p + 16, signed), s21);
    s22 = dot4(x, load16(p + 32, signed), s22); s23 = dot4(x, load16(p + 48, signed), s23); p += next;
    s30 = dot4(x, load16(p, signed), s30); s31 = dot4(x, load16(p + 16, signed), s31);
    s32 = dot4(x, load16(p + 32, signed), s32); s33 = dot4(x, load16(p + 48, signed), s33);
    b += 64;
  }
  v128.store(sums, s00, 0); v128.store(sums, s01, 16); v128.store(sums, s02, 32); v128.store(sums, s03, 48); sums += sumsStep;
  v128.store(sums, s10, 0); v128.store(sums, s11, 16); v128.store(sums, s12, 32); v128.store(sums, s13, 48); sums += sumsStep;
  v128.store(sums, s20, 0); v128.store(sums, s21, 16); v128.store(sums, s22, 32); v128.store(sums, s23, 48); sums += sumsStep;
  v128.store(sums, s30, 0); v128.store(sums, s31, 16); v128.store(sums, s32, 32); v128.store(sums, s33, 48);
}

// Without it, 16 bits are multiplied: of a lane's four bytes first the even ones, by x's even ones, and
// then the odd ones. `int8Rows` puts each four of a row of x in that order: 0, 2, 1, 3.

// @ts-ignore: decorator
@inline
function even(bytes: v128): v128 {
  return v128.and(bytes, i16x8.splat(255));
}

// @ts-ignore: decorator
@inline
function odd(bytes: v128): v128 {
  return i16x8.shr_u(bytes, 8);
}

// @ts-ignore: decorator
@inline
function dotWide(a: v128, b: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

// @ts-ignore: decorator
@inline
function dotBytes(xEven: v128, xOdd: v128, bytes: v128, sum: v128): v128 {
  return dotWide(xOdd, odd(bytes), dotWide(xEven, even(bytes), sum));
}

/** Two rows of x by the 16 of a panel that `widen` wrote; `add`: to what `sums` has. */
export function tile2x16Wide(
  a: usize, step: usize, b: usize, quads: usize, add: bool, sums: usize,
): void {
  const a1 = a + step;
  let s00 = i32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  if (add) {
    s00 = v128.load(sums, 0); s01 = v128.load(sums, 16); s02 = v128.load(sums, 32); s03 = v128.load(sums, 48);
    s10 = v128.load(sums, 64); s11 = v128.load(sums, 80); s12 = v128.load(sums, 96); s13 = v128.load(sums, 112);
  }
  const end = quads << 3;
  for (let o: usize = 0; o < end; o += 8) {
    let b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let x = v128.load32_splat(a + o);
    s00 = dotWide(x, b0, s00); s01 = dotWide(x, b1, s01); s02 = dotWide(x, b2, s02); s03 = dotWide(x, b3, s03);
    x = v128.load32_splat(a1 + o);
    s10 = dotWide(x, b0, s10); s11 = dotWide(x, b1, s11); s12 = dotWide(x, b2, s12); s13 = dotWide(x, b3, s13);
    b0 = v128.load(b, 64); b1 = v128.load(b, 80); b2 = v128.load(b, 96); b3 = v128.load(b, 112);
    x = v128.load32_splat(a + o, 4);
    s00 = dotWide(x, b0, s00); s01 = dotWide(x, b1, s01); s02 = dotWide(x, b2, s02); s03 = dotWide(x, b3, s03);
    x = v128.load32_splat(a1 + o, 4);
    s10 = dotWide(x, b0, s10); s11 = dotWide(x, b1, s11); s12 = dotWide(x, b2, s12); s13 = dotWide(x, b3, s13);
    b += 128;
  }
  v128.store(sums, s00, 0); v128.store(sums, s01, 16); v128.store(sums, s02, 32); v128.store(sums, s03, 48);
  v128.store(sums, s10, 64); v128.store(sums, s11, 80); v128.store(sums, s12, 96); v128.store(sums, s13, 112);
}

/** A panel in 16 bits: of each 64 bytes the even ones and then the odd ones. */
export function widen(b: usize, quads: usize, to: usize): void {
  for (const end = b + (quads << 6); b < end; b += 64) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    v128.store(to, even(b0), 0); v128.store(to, even(b1), 16); v128.store(to, even(b2), 32); v128.store(to, even(b3), 48);
    v128.store(to, odd(b0), 64); v128.store(to, odd(b1), 80); v128.store(to, odd(b2), 96); v128.store(to, odd(b3), 112);
    to += 128;
  }
}

export function tile1x16Wide(a: usize, b: usize, quads: usize, sums: usize): void {
  let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = a + (quads << 3);
  for (; a < end; a += 8) {
    const e = v128.load32_splat(a), o = v128.load32_splat(a, 4);
    s0 = dotBytes(e, o, v128.load(b, 0), s0); s1 = dotBytes(e, o, v128.load(b, 16), s1);
    s2 = dotBytes(e, o, v128.load(b, 32), s2); s3 = dotBytes(e, o, v128.load(b, 48), s3);
    b += 64;
  }
  v128.store(sums, s0, 0); v128.store(sums, s1, 16); v128.store(sums, s2, 32); v128.store(sums, s3, 48);
}

export function tile1x64Wide(a: usize, b: usize, quads: usize, sums: usize, sumsStep: usize): void {
  let s00 = i32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  let s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  const next = quads << 6, end = a + (quads << 3);
  for (; a < end; a += 8) {
    const e = v128.load32_splat(a), o = v128.load32_splat(a, 4);
    let p = b;
    s00 = dotBytes(e, o, v128.load(p, 0), s00); s01 = dotBytes(e, o, v128.load(p, 16), s01);
    s02 = dotBytes(e, o, v128.load(p, 32), s02); s03 = dotBytes(e, o, v128.load(p, 48), s03); p += next;
    s10 = dotBytes(e, o, v128.load(p, 0), s10); s11 = dotBytes(e, o, v128.load(p, 16), s11);
    s12 = dotBytes(e, o, v128.load(p, 32), s12); s13 = dotBytes(e, o, v128.load(p, 48), s13); p += next;
    s20 = dotBytes(e, o, v128.load(p, 0), s20); s21 = dotBytes(e, o, v128.load(p, 16), s21);
    s22 = dotBytes(e, o, v128.load(p, 32), s22); s23 = dotBytes(e, o, v128.load(p, 48), s23); p += next;
    s30 = dotBytes(e, o, v128.load(p, 0), s30); s31 = dotBytes(e, o, v128.load(p, 16), s31);
    s32 = dotBytes(e, o, v128.load(p, 32), s32); s33 = dotBytes(e, o, v128.load(p, 48), s33);
    b += 64;
  }
  v128.store(sums, s00, 0); v128.store(sums, s01, 16); v128.store(sums, s02, 32); v128.store(sums, s03, 48); sums += sumsStep;
  v128.store(sums, s10, 0); v128.store(sums, s11, 16); v128.store(sums, s12, 32); v128.store(sums, s13, 48); sums += sumsStep;
  v128.store(sums, s20, 0); v128.store(sums, s21, 16); v128.store(sums, s22, 32); v128.store(sums, s23, 48); sums += sumsStep;
  v128.store(sums, s30, 0); v128.store(sums, s31, 16); v128.store(sums, s32, 32); v128.store(sums, s33, 48);
}
