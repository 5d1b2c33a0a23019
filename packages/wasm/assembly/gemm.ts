// float32 matrix product C = op(A)·op(B) (+ C, + bias, activation), row-major with row strides.
//
// After Goto & van de Geijn (2008): B is cut into blocks of DEPTH × WIDTH and packed into panels of
// 16 columns, so that the inner tile reads one stream that fits the first-level cache; A is read in
// place, or, where it is transposed, turned in blocks of ROWS × DEPTH. A constant B is packed once and
// for all (panels.ts). The tiles are in tiles.ts.
import { activate } from './activation';
import { madd, splat, sumLanes } from './math';
import { column, copy, tile1x64 } from './tiles';

const DEPTH: usize = 256;
const WIDTH: usize = 1024;
const ROWS: usize = 192;
/** Up to so many rows, packing B costs more than it saves. */
const FEW: usize = 3;
/** Up to so many rows, a panel is read from end to end before the next. */
const STREAMED: usize = 12;
/** Row stride of a turned block of A: not a power of two, which would crowd one cache set. */
const TURNED: usize = DEPTH + 4;

/** Floats of scratch memory that `gemm` and, with neither transposed, `gemmPanels` need. */
export function gemmScratch(n: usize, k: usize, transposeA: bool): usize {
  const panels = (min(n, WIDTH) + 15) & ~(<usize>15);
  return 32 + panels * min(k, DEPTH) + (transposeA ? ROWS * TURNED : 0);
}

/**
 * c[m, n] = op(a)[m, k] · op(b)[k, n]; strides `lda`, `ldb`, `ldc` in floats. `accumulate` adds to
 * what c holds. `bias` [n] (or 0) is added, and then `activation` (see activation.ts) applied.
 */
export function gemm(
  a: usize, lda: usize, transposeA: bool,
  b: usize, ldb: usize, transposeB: bool,
  c: usize, ldc: usize,
  m: usize, n: usize, k: usize,
  accumulate: bool, bias: usize, activation: i32, scratch: usize,
): void {
  const few = m <= FEW && !transposeA;
  if ((bias && (accumulate || few)) || (k == 0 && !accumulate)) {
    fillRows(c, ldc, m, n, bias, accumulate);
    accumulate = true;
    bias = 0;
  }
  if (few) {
    if (transposeB) fewRowsTransposed(a, lda, b, ldb, c, ldc, m, n, k, accumulate);
    else fewRows(a, lda, b, ldb, c, ldc, m, n, k, accumulate, scratch);
    if (activation) activate(c, ldc, m, n, activation);
    return;
  }
  const edge = scratch;
  const packed = edge + 128;
  const turned = packed + ((((min(n, WIDTH) + 15) & ~(<usize>15)) * min(k, DEPTH)) << 2);
  for (let j: usize = 0; j < n; j += WIDTH) {
    const width = min(WIDTH, n - j);
    for (let p: usize = 0; p < k; p += DEPTH) {
      const depth = min(DEPTH, k - p);
      if (transposeB) packTransposed(b + ((j * ldb + p) << 2), ldb, packed, depth, width);
      else pack(b + ((p * ldb + j) << 2), ldb, packed, depth, width);
      for (let i: usize = 0; i < m; i += ROWS) {
        const rows = min(ROWS, m - i);
        const target = c + ((i * ldc + j) << 2);
        let source = a + ((i * lda + p) << 2);
        if (transposeA) {
          source = turned;
          turn(a + ((p * lda + i) << 2), lda, turned, TURNED, rows, depth);
        }
        const from = accumulate || p > 0 ? target : bias ? bias + (j << 2) : 0;
        blockFrom(source, transposeA ? TURNED : lda, packed, depth << 6, target, ldc, rows, width, depth,
          from, from == target ? ldc : 0, edge);
        if (activation && p + depth == k) activate(target, ldc, rows, width, activation);
      }
    }
  }
  if (activation && k == 0) activate(c, ldc, m, n, activation);
}

/**
 * The same with b as `toPanels` (panels.ts) packed it. Columns may be divided among threads at
 * multiples of 16: those from j on are panels + 4·j·k, c + 4·j and bias + 4·j.
 */
export function gemmPanels(
  a: usize, lda: usize, panels: usize, c: usize, ldc: usize,
  m: usize, n: usize, k: usize, bias: usize, activation: i32, scratch: usize,
): void {
  const whole = k > 0 ? n & ~(<usize>15) : 0;
  const width = m <= STREAMED ? 16 : WIDTH;
  // One tile's rows have no use for a panel in the first-level cache.
  const deep = m <= 2 ? k : DEPTH;
  let j: usize = 0;
  if (m == 1) for (; j + 64 <= whole; j += 64) {
    const target = c + (j << 2);
    tile1x64(a, panels + ((j * k) << 2), k << 6, target, k, bias ? bias + (j << 2) : 0);
    if (activation) activate(target, ldc, 1, 64, activation);
  }
  for (; j < whole; j += width) {
    const columns = min(width, whole - j);
    for (let p: usize = 0; p < k; p += deep) {
      const depth = min(deep, k - p);
      const block = panels + ((j * k) << 2) + (p << 6);
      for (let i: usize = 0; i < m; i += ROWS) {
        const rows = min(ROWS, m - i);
        const target = c + ((i * ldc + j) << 2);
        const from = p > 0 ? target : bias ? bias + (j << 2) : 0;
        blockFrom(a + ((i * lda + p) << 2), lda, block, k << 6, target, ldc, rows, columns, depth,
          from, p > 0 ? ldc : 0, scratch);
        if (activation && p + depth == k) activate(target, ldc, rows, columns, activation);
      }
    }
  }
  if (whole == n) return;
  gemm(a, lda, false, panels + ((whole * k) << 2), k, true, c + (whole << 2), ldc, m, n - whole, k,
    false, bias ? bias + (whole << 2) : 0, activation, scratch);
}

/** c[m, n] (+)= a[m, k] · panels, the next panel being `panelStep` bytes on. */
export function block(
  a: usize, lda: usize, panels: usize, panelStep: usize,
  c: usize, ldc: usize, m: usize, n: usize, k: usize, accumulate: bool, edge: usize,
): void {
  blockFrom(a, lda, panels, panelStep, c, ldc, m, n, k, accumulate ? c : 0, ldc, edge);
}

/** c[m, n] = from + a[m, k] · panels: rows of `from` (0: zeros) are `fromLd` floats apart. */
function blockFrom(
  a: usize, lda: usize, panels: usize, panelStep: usize, c: usize, ldc: usize,
  m: usize, n: usize, k: usize, from: usize, fromLd: usize, edge: usize,
): void {
  for (let j: usize = 0; j < n; j += 16) {
    const start = from ? from + (j << 2) : 0;
    column(a, lda, panels, 64, c + (j << 2), ldc, m, min(16, n - j), k, start, fromLd, edge);
    panels += panelStep;
  }
}

/** Few rows, B [k, n] as it lies: its rows are read 16 columns at a time. */
function fewRows(
  a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize,
  m: usize, n: usize, k: usize, accumulate: bool, scratch: usize,
): void {
  const whole = n & ~(<usize>15);
  for (let j: usize = 0; j < whole; j += 16)
    column(a, lda, b + (j << 2), ldb << 2, c + (j << 2), ldc, m, 16, k,
      accumulate ? c + (j << 2) : 0, ldc, scratch);
  if (whole == n) return;
  const packed = scratch + 128;
  for (let p: usize = 0; p < k; p += DEPTH) {
    const depth = min(DEPTH, k - p);
    pack(b + ((p * ldb + whole) << 2), ldb, packed, depth, n - whole);
    const target = c + (whole << 2);
    const from = accumulate || p > 0 ? target : 0;
    column(a + (p << 2), lda, packed, 64, target, ldc, m, n - whole, depth, from, ldc, scratch);
  }
}

/** Few rows, B given as [n, k]: dot products of rows, four of B at a time. */
function fewRowsTransposed(
  a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize,
  m: usize, n: usize, k: usize, accumulate: bool,
): void {
  const bytes = k << 2;
  const whole = bytes & ~(<usize>15);
  const next = ldb << 2;
  for (let j: usize = 0; j < n; j += 4) {
    const b0 = b + j * next;
    const b1 = j + 1 < n ? b0 + next : b0;
    const b2 = j + 2 < n ? b1 + next : b0;
    const b3 = j + 3 < n ? b2 + next : b0;
    for (let i: usize = 0; i < m; i++) {
      const row = a + ((i * lda) << 2);
      let v0 = splat(0), v1 = splat(0), v2 = splat(0), v3 = splat(0);
      for (let o: usize = 0; o < whole; o += 16) {
        const x = v128.load(row + o);
        v0 = madd(x, v128.load(b0 + o), v0); v1 = madd(x, v128.load(b1 + o), v1);
        v2 = madd(x, v128.load(b2 + o), v2); v3 = madd(x, v128.load(b3 + o), v3);
      }
      let s0 = sumLanes(v0), s1 = sumLanes(v1), s2 = sumLanes(v2), s3 = sumLanes(v3);
      for (let o = whole; o < bytes; o += 4) {
        const x = load<f32>(row + o);
        s0 += x * load<f32>(b0 + o); s1 += x * load<f32>(b1 + o);
        s2 += x * load<f32>(b2 + o); s3 += x * load<f32>(b3 + o);
      }
      const target = c + ((i * ldc + j) << 2);
      put(target, s0, accumulate);
      if (j + 1 < n) put(target + 4, s1, accumulate);
      if (j + 2 < n) put(target + 8, s2, accumulate);
      if (j + 3 < n) put(target + 12, s3, accumulate);
    }
  }
}

// @ts-ignore: decorator
@inline
function put(address: usize, value: f32, accumulate: bool): void {
  store<f32>(address, accumulate ? load<f32>(address) + value : value);
}

/** b [k, n] into panels of 16 columns, zeros past the last. */
export function pack(b: usize, ldb: usize, packed: usize, k: usize, n: usize): void {
  ldb <<= 2;
  for (let j: usize = 0; j < n; j += 16) {
    let row = b + (j << 2);
    const columns = min(16, n - j);
    for (let p: usize = 0; p < k; p++) {
      if (columns == 16) {
        v128.store(packed, v128.load(row, 0), 0); v128.store(packed, v128.load(row, 16), 16);
        v128.store(packed, v128.load(row, 32), 32); v128.store(packed, v128.load(row, 48), 48);
      } else {
        for (let i: usize = 0; i < 4; i++) v128.store(packed + (i << 4), splat(0));
        copy(packed, row, columns << 2);
      }
      row += ldb;
      packed += 64;
    }
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

/** Every row of c becomes the bias, or zeros without one; with `add` the bias is added. */
function fillRows(c: usize, ldc: usize, m: usize, n: usize, bias: usize, add: bool): void {
  for (let i: usize = 0; i < m; i++) {
    const row = c + ((i * ldc) << 2);
    if (add) for (let o: usize = 0; o < n << 2; o += 4) store<f32>(row + o, load<f32>(row + o) + load<f32>(bias + o));
    else if (bias) memory.copy(row, bias, n << 2);
    else memory.fill(row, 0, n << 2);
  }
}
