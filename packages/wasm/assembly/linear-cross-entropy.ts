// A linear layer and the cross-entropy after it (a language model's head), with both gradients, for a
// chunk of rows at a time: what is made of logits at once is [classes, chunk], never [rows, classes].
// Logits stand transposed, one column a row of x, so that softmax needs no sums within a vector, no
// product has to pack the weights, and a block of classes stays in the cache from the logits to what
// is made of them. The steps of a chunk are functions of their own, and those that take long work on
// some blocks of classes, so that threads can share them (src/linear-cross-entropy.ts).
import { byPacked, gemm, gemmPanels, gemmScratch } from './gemm';
import { exp4, ln, splat, sumLanes } from './math';
import { pack, packTransposed } from './packing';

/** Classes at a time. */
const BLOCK: usize = 256;
/** Rows at a time: the more, the seldomer the gradient of the weights is added to; but logits take room. */
const FEWEST: usize = 128;
// @ts-ignore: RELAXED is set by --use
const MOST: usize = RELAXED ? 512 : 256;
/** Floats of logits that there are at once, unless FEWEST rows have more. */
const ROOM: usize = 5000000;
/** Bytes of `marks` before what there is of each row: there stands how many rows the chunk has. */
const HEADER: usize = 16;
const LOWEST: f32 = -3.4028234663852886e38;
/** A probability below this is 0 in a gradient: what it would add is lost anyway, and takes its time. */
const LEAST: f32 = 1e-30;

/** Blocks of classes. */
export function headBlocks(classes: usize): usize {
  return (classes + BLOCK - 1) / BLOCK;
}

/** How many labelled rows make a chunk: a multiple of 16, chunks of about one length. */
export function headChunk(labels: usize, rows: usize, classes: usize, ignore: i32): usize {
  let count: usize = 0;
  for (let i: usize = 0; i < rows; i++) if (load<i32>(labels + (i << 2)) != ignore) count++;
  const most = max(FEWEST, min(MOST, (ROOM / max(classes, 1)) & ~(<usize>15)));
  const chunks = max((count + most - 1) / most, 1);
  return max(((count + chunks - 1) / chunks + 15) & ~(<usize>15), 16);
}

/** Floats of scratch memory that a call of `headLogits` needs. */
export function headLogitsScratch(d: usize, chunk: usize): usize {
  return gemmScratch(BLOCK, chunk, d, false);
}

/** Floats of scratch memory that a call of `headGradients` needs. */
export function headGradientsScratch(d: usize, chunk: usize): usize {
  return max(gemmScratch(BLOCK, d, chunk, false), gemmScratch(chunk, d, BLOCK, true));
}

/** From a class's logits to the next one's, in bytes: no power of two, which would crowd one cache set. */
// @ts-ignore: decorator
@inline
function logitsStep(chunk: usize): usize {
  return (chunk + 4) << 2;
}

/** Of the `which`th number that is known of each row: its place in x, its label, the logit there, ln Σ e^l. */
// @ts-ignore: decorator
@inline
function mark(marks: usize, chunk: usize, which: usize, row: usize): usize {
  return marks + HEADER + ((which * chunk + row) << 2);
}

/** The chunk's rows, rounded up to whole panels. */
// @ts-ignore: decorator
@inline
function columnsOf(marks: usize): usize {
  return (load<usize>(marks) + 15) & ~(<usize>15);
}

/**
 * Gathers the next `chunk` rows of x that have a label: xs [chunk, d], as panels of their transpose and,
 * unless that is 0, of themselves. Those without a label on the way get a loss of 0 and, unless dx is 0, a
 * gradient of 0. Gives the row to go on from, or −1 − the first row whose label is no class.
 */
export function headRows(
  x: usize, labels: usize, losses: usize, dx: usize,
  from: usize, rows: usize, d: usize, classes: usize, ignore: i32, chunk: usize,
  marks: usize, xs: usize, xsTurned: usize, xsPacked: usize,
): i32 {
  const bytes = d << 2;
  let count: usize = 0;
  let i = from;
  for (; i < rows; i++) {
    const label = load<i32>(labels + (i << 2));
    if (label == ignore) {
      store<f32>(losses + (i << 2), 0);
      if (dx) memory.fill(dx + i * bytes, 0, bytes);
      continue;
    }
    if (count == chunk) break;
    if (<usize>label >= classes) return -1 - <i32>i;
    memory.copy(xs + count * bytes, x + i * bytes, bytes);
    store<usize>(mark(marks, chunk, 0, count), i);
    store<i32>(mark(marks, chunk, 1, count), label);
    count++;
  }
  store<usize>(marks, count);
  const columns = columnsOf(marks);
  memory.fill(xs + count * bytes, 0, (columns - count) * bytes);
  packTransposed(xs, d, xsTurned, d, columns);
  if (xsPacked) pack(xs, d, xsPacked, count, d);
  return <i32>i;
}

/**
 * e^(l − m) with l = x·Wᵀ + bias and m the block's maximum for each row, for the blocks from `first` to
 * `end`; m and Σ e^(l − m) to tops and sums [blocks, chunk]. `logits` has room for all blocks, or without
 * `keep` for one.
 */
export function headLogits(
  weight: usize, bias: usize, d: usize, classes: usize, chunk: usize, first: usize, end: usize,
  marks: usize, xsTurned: usize, tops: usize, sums: usize, logits: usize, keep: bool, scratch: usize,
): void {
  const step = logitsStep(chunk);
  const count = load<usize>(marks);
  const columns = columnsOf(marks);
  for (let b = first; b < end; b++) {
    const class0 = b * BLOCK;
    const size = min(BLOCK, classes - class0);
    const l = keep ? logits + class0 * step : logits;
    gemmPanels(weight + ((class0 * d) << 2), d, xsTurned, l, step >> 2, size, columns, d, 0, 0, scratch);
    if (bias) addToRows(l, step, bias + (class0 << 2), size, columns);
    for (let r: usize = 0; r < count; r++) {
      const label = load<usize>(mark(marks, chunk, 1, r)) - class0;
      if (label < size) store<f32>(mark(marks, chunk, 2, r), load<f32>(l + label * step + (r << 2)));
    }
    const at = (b * chunk) << 2;
    expOfBlock(l, step, size, columns, tops + at, sums + at);
  }
}

/** losses = ln Σ e^l − l[label] of the chunk's rows. */
export function headLosses(
  losses: usize, blocks: usize, chunk: usize, marks: usize, tops: usize, sums: usize,
): void {
  const count = load<usize>(marks);
  const end = (blocks * chunk) << 2;
  const step = chunk << 2;
  for (let r: usize = 0; r < count; r += 4) {
    let top = splat(LOWEST);
    for (let o = r << 2; o < end; o += step) top = f32x4.pmax(top, v128.load(tops + o));
    let sum = splat(0);
    for (let o = r << 2; o < end; o += step) {
      const part = exp4(f32x4.sub(v128.load(tops + o), top));
      sum = f32x4.add(sum, f32x4.mul(v128.load(sums + o), part));
    }
    const lse = mark(marks, chunk, 3, r);
    v128.store(lse, sum);
    for (let i: usize = 0; i < 4; i++) store<f32>(lse + (i << 2), ln(load<f32>(lse + (i << 2))));
    v128.store(lse, f32x4.add(v128.load(lse), top));
  }
  for (let r: usize = 0; r < count; r++) {
    const loss = load<f32>(mark(marks, chunk, 3, r)) - load<f32>(mark(marks, chunk, 2, r));
    store<f32>(losses + (load<usize>(mark(marks, chunk, 0, r)) << 2), loss);
  }
}

/**
 * With p = (softmax − one-hot)·scale, after `headLogits` and `headLosses`: dweight [classes, d] = pᵀ·x and
 * dbias [classes] = Σ p, unless `afresh` added to what is there, and dxs [groups, chunk, d], of which the
 * sum over the groups is p·W. The classes of the groups from `first` to `end` alone.
 */
export function headGradients(
  weight: usize, dweight: usize, dbias: usize, d: usize, classes: usize, chunk: usize,
  first: usize, end: usize, groups: usize, scale: f32, afresh: bool,
  marks: usize, xsPacked: usize, tops: usize, logits: usize, dxs: usize, scratch: usize,
): void {
  const blocks = headBlocks(classes);
  for (let g = first; g < end; g++)
    groupGradients(weight, dweight, dbias, d, classes, chunk, (g * blocks) / groups,
      ((g + 1) * blocks) / groups, scale, afresh, marks, xsPacked, tops, logits,
      dxs + ((g * chunk * d) << 2), scratch);
}

function groupGradients(
  weight: usize, dweight: usize, dbias: usize, d: usize, classes: usize, chunk: usize,
  first: usize, end: usize, scale: f32, afresh: bool,
  marks: usize, xsPacked: usize, tops: usize, logits: usize, dxs: usize, scratch: usize,
): void {
  const step = logitsStep(chunk);
  const count = load<usize>(marks);
  const columns = columnsOf(marks);
  for (let b = first; b < end; b++) {
    const class0 = b * BLOCK;
    const size = min(BLOCK, classes - class0);
    const l = logits + class0 * step;
    const w = weight + ((class0 * d) << 2);
    const factor = tops + ((b * chunk) << 2);
    factors(factor, mark(marks, chunk, 3, 0), count, columns, scale);
    scaleColumns(l, step, factor, size, columns, abs(scale) * LEAST);
    for (let r: usize = 0; r < count; r++) {
      const label = load<usize>(mark(marks, chunk, 1, r)) - class0;
      if (label >= size) continue;
      const at = l + label * step + (r << 2);
      store<f32>(at, load<f32>(at) - scale);
    }
    if (dbias) addRowSums(l, step, dbias + (class0 << 2), size, columns, afresh);
    byPacked(l, step >> 2, xsPacked, dweight + ((class0 * d) << 2), d, size, d, count, !afresh, scratch);
    gemm(l, step >> 2, true, w, d, false, dxs, d, count, d, size, b > first, 0, 0, 0, scratch);
  }
}

/** dx of the chunk's rows: the sum over dxs [groups, chunk, d]. */
export function headInputGradients(
  dx: usize, d: usize, chunk: usize, marks: usize, dxs: usize, groups: usize,
): void {
  const count = load<usize>(marks);
  const bytes = d << 2;
  const whole = bytes & ~(<usize>15);
  const next = chunk * bytes;
  const end = groups * next;
  for (let r: usize = 0; r < count; r++) {
    const to = dx + load<usize>(mark(marks, chunk, 0, r)) * bytes;
    const from = dxs + r * bytes;
    for (let o: usize = 0; o < whole; o += 16) {
      let sum = splat(0);
      for (let p: usize = 0; p < end; p += next) sum = f32x4.add(sum, v128.load(from + p + o));
      v128.store(to + o, sum);
    }
    for (let o = whole; o < bytes; o += 4) {
      let sum: f32 = 0;
      for (let p: usize = 0; p < end; p += next) sum += load<f32>(from + p + o);
      store<f32>(to + o, sum);
    }
  }
}

/** Each row of l plus its number of `bias`. */
function addToRows(l: usize, step: usize, bias: usize, rows: usize, columns: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    const value = v128.load32_splat(bias + (i << 2));
    for (let o: usize = 0; o < columns << 2; o += 16)
      v128.store(l + o, f32x4.add(v128.load(l + o), value));
    l += step;
  }
}

/** `sums` [rows], or with `afresh` nothing, plus the sum of each row of l. */
function addRowSums(l: usize, step: usize, sums: usize, rows: usize, columns: usize, afresh: bool): void {
  for (let i: usize = 0; i < rows; i++) {
    let sum = splat(0);
    for (let o: usize = 0; o < columns << 2; o += 16) sum = f32x4.add(sum, v128.load(l + o));
    const at = sums + (i << 2);
    store<f32>(at, (afresh ? 0 : load<f32>(at)) + sumLanes(sum));
    l += step;
  }
}

/** In place e^(l − the column's maximum); the maxima to `top`, their sums to `sum`. */
function expOfBlock(l: usize, step: usize, rows: usize, columns: usize, top: usize, sum: usize): void {
  const end = rows * step;
  for (let o: usize = 0; o < columns << 2; o += 16) {
    const column = l + o;
    let highest = splat(LOWEST);
    for (let i: usize = 0; i < end; i += step) highest = f32x4.pmax(highest, v128.load(column + i));
    let total = splat(0);
    for (let i: usize = 0; i < end; i += step) {
      const e = exp4(f32x4.sub(v128.load(column + i), highest));
      total = f32x4.add(total, e);
      v128.store(column + i, e);
    }
    v128.store(top + o, highest);
    v128.store(sum + o, total);
  }
}

/** In place: what a block's exponentials are multiplied by to be softmax·scale; 0 for no row. */
function factors(blockTop: usize, lse: usize, count: usize, columns: usize, scale: f32): void {
  for (let o: usize = 0; o < columns << 2; o += 16) {
    const e = exp4(f32x4.sub(v128.load(blockTop + o), v128.load(lse + o)));
    v128.store(blockTop + o, f32x4.mul(e, splat(scale)));
  }
  memory.fill(blockTop + (count << 2), 0, (columns - count) << 2);
}

/** In place: each column times its number of `by`, and 0 where that comes out below `least`. */
function scaleColumns(l: usize, step: usize, by: usize, rows: usize, columns: usize, least: f32): void {
  const least4 = splat(least);
  for (let i: usize = 0; i < rows; i++) {
    for (let o: usize = 0; o < columns << 2; o += 16) {
      const p = f32x4.mul(v128.load(l + o), v128.load(by + o));
      v128.store(l + o, v128.and(p, f32x4.ge(f32x4.abs(p), least4)));
    }
    l += step;
  }
}
