// A linear layer and the cross-entropy after it (a language model's head), with both gradients, for
// CHUNK rows at a time: what is made of logits at once is [classes, CHUNK], never [rows, classes].
// Logits stand transposed, one column a row of x, so that softmax needs no sums within a vector, no
// product has to pack the weights, and a block of classes stays in the cache from the logits to what
// is made of them.
import { addByPacked, gemm, gemmPanels, gemmScratch, up16 } from './gemm';
import { exp4, ln, splat, sumLanes } from './math';
import { pack, packTransposed } from './packing';

const CHUNK: usize = 128;
/** Classes at a time. */
const BLOCK: usize = 256;
/** From a class's logits to the next one's: no power of two, which would crowd one cache set. */
const STRIDE: usize = CHUNK + 4;
const LOWEST: f32 = -3.4028234663852886e38;

function productScratch(d: usize): usize {
  return max(gemmScratch(BLOCK, CHUNK, d, false), gemmScratch(BLOCK, d, BLOCK, true));
}

/** Floats of scratch memory that `linearCrossEntropy` needs. */
export function linearCrossEntropyScratch(d: usize, classes: usize, gradients: bool): usize {
  const blocks = (classes + BLOCK - 1) / BLOCK;
  const logits = (gradients ? blocks * BLOCK : BLOCK) * STRIDE;
  return CHUNK * (3 * d + up16(d)) + logits + (blocks + 5) * CHUNK + productScratch(d);
}

/**
 * losses [rows] = ln Σ e^l − l[label] with l = x·Wᵀ + bias, 0 where the label is `ignore`; unless `dx`
 * is 0 also the gradients of Σ losses·scale. x, dx [rows, d]; weight, dweight [classes, d]; bias (or
 * 0), dbias [classes]. Gives the first row whose label is no class, or −1.
 */
export function linearCrossEntropy(
  x: usize, weight: usize, bias: usize, labels: usize, losses: usize,
  dx: usize, dweight: usize, dbias: usize,
  rows: usize, d: usize, classes: usize, ignore: i32, scale: f32, scratch: usize,
): i32 {
  const blocks = (classes + BLOCK - 1) / BLOCK;
  const bytes = d << 2;
  const xs = scratch; // the chunk's rows of x
  const dxs = xs + CHUNK * bytes;
  const xsTurned = dxs + CHUNK * bytes; // the same rows as panels of their transpose, and as they are
  const xsPacked = xsTurned + CHUNK * bytes;
  const tops = xsPacked + ((CHUNK * up16(d)) << 2); // [blocks, CHUNK]
  const top = tops + ((blocks * CHUNK) << 2);
  const sum = top + (CHUNK << 2);
  const hit = sum + (CHUNK << 2); // the logit at the label
  const wanted = hit + (CHUNK << 2); // the label
  const places = wanted + (CHUNK << 2); // the row
  const product = places + (CHUNK << 2);
  const logits = product + (productScratch(d) << 2);
  if (dx) {
    memory.fill(dx, 0, rows * bytes);
    memory.fill(dweight, 0, classes * bytes);
    if (dbias) memory.fill(dbias, 0, classes << 2);
  }
  for (let i: usize = 0; i < rows; ) {
    let count: usize = 0;
    for (; i < rows && count < CHUNK; i++) {
      const label = load<i32>(labels + (i << 2));
      store<f32>(losses + (i << 2), 0);
      if (label == ignore) continue;
      if (<usize>label >= classes) return <i32>i;
      memory.copy(xs + count * bytes, x + i * bytes, bytes);
      store<i32>(wanted + (count << 2), label);
      store<usize>(places + (count << 2), i);
      count++;
    }
    if (!count) break;
    const columns = (count + 15) & ~(<usize>15);
    memory.fill(xs + count * bytes, 0, (columns - count) * bytes);
    packTransposed(xs, d, xsTurned, d, columns);
    if (dx) pack(xs, d, xsPacked, count, d);
    for (let o: usize = 0; o < columns << 2; o += 4) {
      store<f32>(top + o, LOWEST);
      store<f32>(sum + o, 0);
    }
    for (let b: usize = 0; b < blocks; b++) {
      const first = b * BLOCK;
      const size = min(BLOCK, classes - first);
      const l = dx ? logits + ((first * STRIDE) << 2) : logits;
      gemmPanels(weight + first * bytes, d, xsTurned, l, STRIDE, size, columns, d, 0, 0, product);
      if (bias) addToRows(l, bias + (first << 2), size, columns);
      for (let r: usize = 0; r < count; r++) {
        const label = load<usize>(wanted + (r << 2)) - first;
        if (label < size) store<f32>(hit + (r << 2), load<f32>(l + ((label * STRIDE + r) << 2)));
      }
      expOfBlock(l, size, columns, tops + ((b * CHUNK) << 2), top, sum);
    }
    for (let r: usize = 0; r < count; r++) {
      const lse = load<f32>(top + (r << 2)) + ln(load<f32>(sum + (r << 2)));
      store<f32>(top + (r << 2), lse);
      store<f32>(losses + (load<usize>(places + (r << 2)) << 2), lse - load<f32>(hit + (r << 2)));
    }
    if (!dx) continue;
    for (let b: usize = 0; b < blocks; b++) {
      const first = b * BLOCK;
      const size = min(BLOCK, classes - first);
      const l = logits + ((first * STRIDE) << 2);
      const w = weight + first * bytes;
      factors(tops + ((b * CHUNK) << 2), top, count, columns, scale);
      scaleColumns(l, tops + ((b * CHUNK) << 2), size, columns);
      for (let r: usize = 0; r < count; r++) {
        const label = load<usize>(wanted + (r << 2)) - first;
        if (label >= size) continue;
        const at = l + ((label * STRIDE + r) << 2);
        store<f32>(at, load<f32>(at) - scale);
      }
      if (dbias) addRowSums(l, dbias + (first << 2), size, columns);
      addByPacked(l, STRIDE, xsPacked, dweight + first * bytes, d, size, d, count, product);
      gemm(l, STRIDE, true, w, d, false, dxs, d, count, d, size, b > 0, 0, 0, product);
    }
    for (let r: usize = 0; r < count; r++)
      memory.copy(dx + load<usize>(places + (r << 2)) * bytes, dxs + r * bytes, bytes);
  }
  return -1;
}

/** Each row of l plus its number of `bias`. */
function addToRows(l: usize, bias: usize, rows: usize, columns: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    const value = v128.load32_splat(bias + (i << 2));
    for (let o: usize = 0; o < columns << 2; o += 16)
      v128.store(l + o, f32x4.add(v128.load(l + o), value));
    l += STRIDE << 2;
  }
}

/** `sums` [rows] plus the sum of each row of l. */
function addRowSums(l: usize, sums: usize, rows: usize, columns: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    let sum = splat(0);
    for (let o: usize = 0; o < columns << 2; o += 16) sum = f32x4.add(sum, v128.load(l + o));
    store<f32>(sums + (i << 2), load<f32>(sums + (i << 2)) + sumLanes(sum));
    l += STRIDE << 2;
  }
}

/**
 * In place e^(l − the column's maximum), the maxima to `blockTop`. In `top` and `sum` stand the maximum
 * and Σ e^(l − maximum) over all blocks so far.
 */
function expOfBlock(
  l: usize, rows: usize, columns: usize, blockTop: usize, top: usize, sum: usize,
): void {
  const step = STRIDE << 2;
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
    v128.store(blockTop + o, highest);
    const before = v128.load(top + o);
    const after = f32x4.pmax(before, highest);
    const kept = f32x4.mul(v128.load(sum + o), exp4(f32x4.sub(before, after)));
    v128.store(sum + o, f32x4.add(kept, f32x4.mul(total, exp4(f32x4.sub(highest, after)))));
    v128.store(top + o, after);
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

function scaleColumns(l: usize, by: usize, rows: usize, columns: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    for (let o: usize = 0; o < columns << 2; o += 16)
      v128.store(l + o, f32x4.mul(v128.load(l + o), v128.load(by + o)));
    l += STRIDE << 2;
  }
}
