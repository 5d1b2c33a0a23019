// The operands of a product laid out anew, so that its tiles (tiles.ts) read each as one stream: B in
// panels of 16 columns, A in sixes of rows, or turned.
import { splat } from './math';
import { copy } from './tiles';

/** Rows of k that are read side by side: one after the other, they would be a page each. */
const ABREAST: usize = 16;

/** b [k, n] into panels of 16 columns, zeros past the last. */
export function pack(b: usize, ldb: usize, packed: usize, k: usize, n: usize): void {
  ldb <<= 2;
  for (let p: usize = 0; p < k; p += ABREAST) {
    const end = b + min(ABREAST, k - p) * ldb;
    let panel = packed + (p << 6);
    for (let j: usize = 0; j < n; j += 16) {
      const columns = min(16, n - j);
      let to = panel;
      for (let row = b; row < end; row += ldb) {
        const from = row + (j << 2);
        if (columns == 16) {
          v128.store(to, v128.load(from, 0), 0); v128.store(to, v128.load(from, 16), 16);
          v128.store(to, v128.load(from, 32), 32); v128.store(to, v128.load(from, 48), 48);
        } else {
          for (let i: usize = 0; i < 4; i++) v128.store(to + (i << 4), splat(0));
          copy(to, from, columns << 2);
        }
        to += 64;
      }
      panel += k << 6;
    }
    b = end;
  }
}

/** b given as [n, k] into the same panels. */
export function packTransposed(b: usize, ldb: usize, packed: usize, k: usize, n: usize): void {
  ldb <<= 2;
  for (let j: usize = 0; j < n; j += 16) {
    for (let i: usize = 0; i < 16; i += 4) {
      const row = b + (j + i) * ldb;
      const left = j + i < n ? n - j - i : 0;
      turnFour(row, ldb, packed + (i << 2), 64, k, left);
    }
    packed += k << 6;
  }
}

/**
 * The rows of a [m, k] six by six, each six as [k, 6]: gives how many rows that are, fewer than six being
 * left where they were.
 */
export function packSixes(a: usize, lda: usize, packed: usize, m: usize, k: usize): usize {
  lda <<= 2;
  const bytes = k << 2, whole = bytes & ~(<usize>15);
  let i: usize = 0;
  for (; i + 6 <= m; i += 6) {
    const a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
    let o: usize = 0;
    for (; o < whole; o += 16) {
      const r0 = v128.load(a + o), r1 = v128.load(a1 + o), r2 = v128.load(a2 + o);
      const r3 = v128.load(a3 + o), r4 = v128.load(a4 + o), r5 = v128.load(a5 + o);
      const lo01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5), hi01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
      const lo23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5), hi23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
      const lo45 = i32x4.shuffle(r4, r5, 0, 4, 1, 5), hi45 = i32x4.shuffle(r4, r5, 2, 6, 3, 7);
      v128.store(packed, i64x2.shuffle(lo01, lo23, 0, 2), 0);
      v128.store(packed, i64x2.shuffle(lo45, lo01, 0, 3), 16);
      v128.store(packed, i64x2.shuffle(lo23, lo45, 1, 3), 32);
      v128.store(packed, i64x2.shuffle(hi01, hi23, 0, 2), 48);
      v128.store(packed, i64x2.shuffle(hi45, hi01, 0, 3), 64);
      v128.store(packed, i64x2.shuffle(hi23, hi45, 1, 3), 80);
      packed += 96;
    }
    for (; o < bytes; o += 4)
      for (let row = a + o, end = row + 6 * lda; row < end; row += lda) {
        store<f32>(packed, load<f32>(row));
        packed += 4;
      }
    a += 6 * lda;
  }
  return i;
}

/** The same of a given as [k, m]. */
export function packSixesTurned(a: usize, lda: usize, packed: usize, m: usize, k: usize): usize {
  lda <<= 2;
  const whole = m - m % 6;
  for (let p: usize = 0; p < k; p += ABREAST) {
    const end = a + min(ABREAST, k - p) * lda;
    let six = packed + 24 * p;
    for (let i: usize = 0; i < whole; i += 6) {
      let to = six;
      for (let row = a; row < end; row += lda) {
        const from = row + (i << 2);
        v128.store(to, v128.load(from));
        store<u64>(to, load<u64>(from, 16), 16);
        to += 24;
      }
      six += 24 * k;
    }
    a = end;
  }
  return whole;
}

/** a [k, m] into [m, k], rows `ld` floats apart. */
export function turn(a: usize, lda: usize, turned: usize, ld: usize, m: usize, k: usize): void {
  lda <<= 2;
  const step = ld << 2;
  for (let i: usize = 0; i < m; i += 16) {
    const columns = min(16, m - i);
    let p: usize = 0;
    for (; p + 4 <= k; p += 4) {
      const row = a + p * lda + (i << 2);
      let j: usize = 0;
      for (; j + 4 <= columns; j += 4)
        turn4(row + (j << 2), lda, turned + (i + j) * step + (p << 2), step);
      for (; j < columns; j++)
        for (let q: usize = 0; q < 4; q++)
          store<f32>(turned + (i + j) * step + ((p + q) << 2), load<f32>(row + q * lda + (j << 2)));
    }
    for (; p < k; p++)
      for (let j: usize = 0; j < columns; j++)
        store<f32>(turned + (i + j) * step + (p << 2), load<f32>(a + p * lda + ((i + j) << 2)));
  }
}

/** Four rows of `k` floats become four columns; rows past `rows` are zeros. */
function turnFour(from: usize, fromStep: usize, to: usize, toStep: usize, k: usize, rows: usize): void {
  let p: usize = 0;
  if (rows >= 4)
    for (; p + 4 <= k; p += 4) turn4(from + (p << 2), fromStep, to + p * toStep, toStep);
  for (; p < k; p++)
    for (let i: usize = 0; i < 4; i++)
      store<f32>(to + p * toStep + (i << 2), i < rows ? load<f32>(from + i * fromStep + (p << 2)) : 0);
}

/** A 4 × 4 transposition. */
// @ts-ignore: decorator
@inline
function turn4(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const r0 = v128.load(from), r1 = v128.load(from + fromStep);
  const r2 = v128.load(from + 2 * fromStep), r3 = v128.load(from + 3 * fromStep);
  const lo01 = i8x16.shuffle(r0, r1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const hi01 = i8x16.shuffle(r0, r1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const lo23 = i8x16.shuffle(r2, r3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const hi23 = i8x16.shuffle(r2, r3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(to, i64x2.shuffle(lo01, lo23, 0, 2));
  v128.store(to + toStep, i64x2.shuffle(lo01, lo23, 1, 3));
  v128.store(to + 2 * toStep, i64x2.shuffle(hi01, hi23, 0, 2));
  v128.store(to + 3 * toStep, i64x2.shuffle(hi01, hi23, 1, 3));
}
