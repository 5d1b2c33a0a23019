// float32 matrix product C = op(A)·op(B) (+ C, + bias, activation), row-major with row strides.
//
// After Goto & van de Geijn (2008): B is cut into blocks of DEPTH × WIDTH and packed into panels of
// 16 columns, so that the inner tile reads one stream; a constant B is packed once and for all
// (panels.ts). Of A, ROWS × DEPTH at a time are packed too where six rows make a tile, and turned where A
// is transposed. The tiles are in tiles.ts.
import { activate } from './activation';
import { activateWithSlope } from './activation-slope';
import { madd, splat, sumLanes } from './math';
import { pack, packSixes, packSixesTurned, packTransposed, turn } from './packing';
import { column, sixes, tile1x64 } from './tiles';

/**
 * How much of k at a time. Deep blocks come back to C seldom. A tile of two rows needs its panel in the
 * first-level cache; one of six takes so long for each value of it that the second is near enough.
 */
// @ts-ignore: RELAXED is set by --use
const DEPTH: usize = RELAXED ? 768 : 256;
const WIDTH: usize = 1024;
// @ts-ignore: RELAXED is set by --use
const ROWS: usize = RELAXED ? 144 : 192;
/** Up to so many rows, packing B costs more than it saves. */
export const FEW: usize = 3;
/** Up to so many rows, a panel is read from end to end before the next. */
const STREAMED: usize = 12;
/** For fewer columns, packing A costs more than it saves. */
const WIDE: usize = 128;
/** Row stride of a turned block of A: not a power of two, which would crowd one cache set. */
const TURNED: usize = DEPTH + 4;
/** Floats beside C for a tile that sticks out of it. */
const EDGE: usize = 6 * 16;

/** Floats of scratch memory that `gemm` and, with neither transposed, `gemmPanels` need. */
export function gemmScratch(m: usize, n: usize, k: usize, transposeA: bool): usize {
  const rows = min(m, ROWS), depth = min(k, DEPTH);
  // @ts-ignore: RELAXED is set by --use
  const ofA = RELAXED ? rows * depth + 5 * TURNED : transposeA ? rows * TURNED : 0;
  return EDGE + ofA + up16(min(n, WIDTH)) * depth;
}

/** The same for at most FEW rows of an a that is not transposed. */
export function fewScratch(k: usize): usize {
  return EDGE + 16 * min(k, DEPTH);
}

// @ts-ignore: decorator
@inline
export function up16(n: usize): usize {
  return (n + 15) & ~(<usize>15);
}

/**
 * c[m, n] = op(a)[m, k] · op(b)[k, n]; strides `lda`, `ldb`, `ldc` in floats. `accumulate` adds to
 * what c holds. `bias` [n] (or 0) is added, and then `activation` (see activation.ts) applied. Its
 * derivatives go to `slopes` (or 0), as far apart as c.
 */
export function gemm(
  a: usize, lda: usize, transposeA: bool,
  b: usize, ldb: usize, transposeB: bool,
  c: usize, ldc: usize,
  m: usize, n: usize, k: usize,
  accumulate: bool, bias: usize, activation: i32, slopes: usize, scratch: usize,
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
    finish(c, slopes, ldc, m, n, activation);
    return;
  }
  const packed = scratch;
  const rest = packed + ((up16(min(n, WIDTH)) * min(k, DEPTH)) << 2);
  const height = evenly(m, ROWS, 6);
  const deep = evenly(k, DEPTH, 4);
  for (let j: usize = 0; j < n; j += WIDTH) {
    const width = min(WIDTH, n - j);
    for (let p: usize = 0; p < k; p += deep) {
      const depth = min(deep, k - p);
      if (transposeB) packTransposed(b + ((j * ldb + p) << 2), ldb, packed, depth, width);
      else pack(b + ((p * ldb + j) << 2), ldb, packed, depth, width);
      for (let i: usize = 0; i < m; i += height) {
        const rows = min(height, m - i);
        const target = c + ((i * ldc + j) << 2);
        const source = a + ((transposeA ? p * lda + i : i * lda + p) << 2);
        const from = accumulate || p > 0 ? target : bias ? bias + (j << 2) : 0;
        rowsByPanels(source, lda, transposeA, packed, depth << 6, target, ldc, rows, width, depth,
          from, from == target ? ldc : 0, rest, m - i - rows);
        if (p + depth == k)
          finish(target, slopes ? slopes + (target - c) : 0, ldc, rows, width, activation);
      }
    }
  }
  if (k == 0) finish(c, slopes, ldc, m, n, activation);
}

function finish(c: usize, slopes: usize, ldc: usize, m: usize, n: usize, activation: i32): void {
  if (slopes) activateWithSlope(c, slopes, ldc, m, n, activation);
  else if (activation) activate(c, ldc, m, n, activation);
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
  const height = evenly(m, ROWS, 6);
  // One tile's rows have no use for a panel in the first-level cache.
  const deep = m <= 2 ? k : evenly(k, DEPTH, 4);
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
      for (let i: usize = 0; i < m; i += height) {
        const rows = min(height, m - i);
        const target = c + ((i * ldc + j) << 2);
        const from = p > 0 ? target : bias ? bias + (j << 2) : 0;
        rowsByPanels(a + ((i * lda + p) << 2), lda, false, block, k << 6, target, ldc, rows, columns,
          depth, from, p > 0 ? ldc : 0, scratch, 0);
        if (activation && p + depth == k) activate(target, ldc, rows, columns, activation);
      }
    }
  }
  if (whole == n) return;
  gemm(a, lda, false, panels + ((whole * k) << 2), k, true, c + (whole << 2), ldc, m, n - whole, k,
    false, bias ? bias + (whole << 2) : 0, activation, 0, scratch);
}

/**
 * c[m, n] (+)= a[m, k] · b, b as `pack` (packing.ts) left it, for k ≤ DEPTH; with m × k and some floats of
 * scratch memory, as `gemmScratch` says.
 */
export function byPacked(
  a: usize, lda: usize, packed: usize, c: usize, ldc: usize, m: usize, n: usize, k: usize,
  accumulate: bool, scratch: usize,
): void {
  const height = evenly(m, ROWS, 6);
  for (let i: usize = 0; i < m; i += height) {
    const target = c + ((i * ldc) << 2);
    rowsByPanels(a + ((i * lda) << 2), lda, false, packed, k << 6, target, ldc, min(height, m - i), n, k,
      accumulate ? target : 0, ldc, scratch, 0);
  }
}

/** The length of parts of `whole` that are about equal, at most `most`, a multiple of `grain`. */
function evenly(whole: usize, most: usize, grain: usize): usize {
  if (whole <= most) return max(whole, 1);
  const parts = (whole + most - 1) / most;
  return ((whole + parts * grain - 1) / (parts * grain)) * grain;
}

/**
 * c[m, n] = from + op(a)[m, k] · panels, for at most ROWS rows and DEPTH values; see `blockFrom`. While the
 * first panels are multiplied by, those of the next `after` rows that will be wanted are touched (see
 * `sixes`) and not the next panel, which for a packed B is in the second-level cache.
 */
function rowsByPanels(
  a: usize, lda: usize, transposeA: bool, panels: usize, panelStep: usize, c: usize, ldc: usize,
  m: usize, n: usize, k: usize, from: usize, fromLd: usize, scratch: usize, after: usize,
): void {
  let packed = scratch + (EDGE << 2);
  // @ts-ignore: RELAXED is set by --use
  if (RELAXED) {
    if (m >= 6 && (transposeA || n >= WIDE)) {
      const done = transposeA ? packSixesTurned(a, lda, packed, m, k) : packSixes(a, lda, packed, m, k);
      const nextRows = a + ((m * lda) << 2);
      const ofNextRows: usize = transposeA ? 0 : (min(m, after) * lda) << 2;
      for (let j: usize = 0; j < n; j += 16) {
        const panel = panels + (j >> 4) * panelStep;
        const start = from ? from + (j << 2) : 0;
        const ahead = (j * k) << 2;
        const next = ahead + (k << 6) <= ofNextRows ? nextRows + ahead : panel + panelStep;
        sixes(packed, panel, c + (j << 2), ldc, done, min(16, n - j), k, start, fromLd, scratch,
          j + 16 < n ? next : panel);
      }
      if (done == m) return;
      packed += (done * k) << 2;
      a += (transposeA ? done : done * lda) << 2;
      c += (done * ldc) << 2;
      if (from) from += (done * fromLd) << 2;
      m -= done;
    }
  }
  if (transposeA) turn(a, lda, packed, TURNED, m, k);
  blockFrom(transposeA ? packed : a, transposeA ? TURNED : lda, panels, panelStep, c, ldc, m, n, k,
    from, fromLd, scratch);
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
  const packed = scratch + (EDGE << 2);
  for (let p: usize = 0; p < k; p += DEPTH) {
    const depth = min(DEPTH, k - p);
    pack(b + ((p * ldb + whole) << 2), ldb, packed, depth, n - whole);
    const target = c + (whole << 2);
    const from = accumulate || p > 0 ? target : 0;
    column(a + (p << 2), lda, packed, 64, target, ldc, m, n - whole, depth, from, ldc, scratch);
  }
}

/** Few rows, B given as [n, k]: dot products of rows, four of B at a time. */
export function fewRowsTransposed(
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

/** Every row of c becomes the bias, or zeros without one; with `add` the bias is added. */
function fillRows(c: usize, ldc: usize, m: usize, n: usize, bias: usize, add: bool): void {
  for (let i: usize = 0; i < m; i++) {
    const row = c + ((i * ldc) << 2);
    if (add) for (let o: usize = 0; o < n << 2; o += 4) store<f32>(row + o, load<f32>(row + o) + load<f32>(bias + o));
    else if (bias) memory.copy(row, bias, n << 2);
    else memory.fill(row, 0, n << 2);
  }
}
