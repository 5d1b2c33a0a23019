// Softmax over the last axis and the cross-entropy that follows it.
import { exp4, ln, loadTail, maxLanes, splat, storeTail, sumLanes } from './math';

const LOWEST: f32 = -3.4028234663852886e38;

export function maxOfRow(x: usize, length: usize): f32 {
  const whole = (length >> 2) << 4;
  let top = splat(LOWEST);
  for (let o: usize = 0; o < whole; o += 16) top = f32x4.pmax(top, v128.load(x + o));
  if (length & 3) top = f32x4.pmax(top, loadTail(x + whole, length & 3, LOWEST));
  return maxLanes(top);
}

/**
 * Σ e^(x − shift), and with `keep` the terms into y. Sixteen running sums, so that a vocabulary's
 * worth of terms keeps its accuracy.
 */
// @ts-ignore: decorator
@inline
function sumOfExp(x: usize, y: usize, length: usize, shift: f32, keep: bool): f32 {
  const shift4 = splat(shift);
  const whole = (length >> 2) << 4;
  const blocks = (length >> 4) << 6;
  let s0 = splat(0), s1 = splat(0), s2 = splat(0), s3 = splat(0);
  let o: usize = 0;
  for (; o < blocks; o += 64) {
    const e0 = exp4(f32x4.sub(v128.load(x + o, 0), shift4));
    const e1 = exp4(f32x4.sub(v128.load(x + o, 16), shift4));
    const e2 = exp4(f32x4.sub(v128.load(x + o, 32), shift4));
    const e3 = exp4(f32x4.sub(v128.load(x + o, 48), shift4));
    s0 = f32x4.add(s0, e0); s1 = f32x4.add(s1, e1);
    s2 = f32x4.add(s2, e2); s3 = f32x4.add(s3, e3);
    if (keep) {
      v128.store(y + o, e0, 0); v128.store(y + o, e1, 16);
      v128.store(y + o, e2, 32); v128.store(y + o, e3, 48);
    }
  }
  for (; o < whole; o += 16) {
    const e = exp4(f32x4.sub(v128.load(x + o), shift4));
    s0 = f32x4.add(s0, e);
    if (keep) v128.store(y + o, e);
  }
  const rest = length & 3;
  if (rest) {
    const e = exp4(f32x4.sub(loadTail(x + whole, rest, -Infinity), shift4));
    s1 = f32x4.add(s1, e);
    if (keep) storeTail(y + whole, e, rest);
  }
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

export function scaleRow(y: usize, length: usize, factor: f32): void {
  const whole = (length >> 2) << 4;
  const factor4 = splat(factor);
  for (let o: usize = 0; o < whole; o += 16)
    v128.store(y + o, f32x4.mul(v128.load(y + o), factor4));
  const rest = length & 3;
  if (rest) storeTail(y + whole, f32x4.mul(loadTail(y + whole, rest, 0), factor4), rest);
}

/** One row's softmax, in place if y is x; gives ln Σ e^x. */
export function softmaxRow(x: usize, y: usize, length: usize): f32 {
  const top = maxOfRow(x, length);
  const sum = sumOfExp(x, y, length, top, true);
  scaleRow(y, length, <f32>1 / sum);
  return top + ln(sum);
}

/** e^(x − shift), in place if y is x. */
export function expRow(x: usize, y: usize, length: usize, shift: f32): void {
  const whole = (length >> 2) << 4;
  const shift4 = splat(shift);
  for (let o: usize = 0; o < whole; o += 16)
    v128.store(y + o, exp4(f32x4.sub(v128.load(x + o), shift4)));
  const rest = length & 3;
  if (rest) storeTail(y + whole, exp4(f32x4.sub(loadTail(x + whole, rest, 0), shift4)), rest);
}

export function softmax(x: usize, y: usize, rows: usize, length: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    softmaxRow(x, y, length);
    x += length << 2;
    y += length << 2;
  }
}

/**
 * losses = ln Σ e^logits − logits[label], 0 where the label is `ignore`. Gives the first row whose
 * label is no class, or −1.
 */
export function crossEntropy(
  logits: usize, labels: usize, losses: usize, logSumExp: usize,
  rows: usize, classes: usize, ignore: i32,
): i32 {
  for (let i: usize = 0; i < rows; i++) {
    const label = load<i32>(labels + (i << 2));
    if (label != ignore && <usize>label >= classes) return <i32>i;
    const top = maxOfRow(logits, classes);
    const lse = top + ln(sumOfExp(logits, 0, classes, top, false));
    store<f32>(logSumExp + (i << 2), lse);
    store<f32>(losses + (i << 2), label == ignore ? 0 : lse - load<f32>(logits + (<usize>label << 2)));
    logits += classes << 2;
  }
  return -1;
}

/** dlogits = dlosses·(softmax − one-hot), rows of zeros where the label is `ignore`. */
export function crossEntropyGrad(
  dlosses: usize, logits: usize, labels: usize, logSumExp: usize, dlogits: usize,
  rows: usize, classes: usize, ignore: i32,
): i32 {
  for (let i: usize = 0; i < rows; i++) {
    const label = load<i32>(labels + (i << 2));
    if (label == ignore) memory.fill(dlogits, 0, classes << 2);
    else {
      if (<usize>label >= classes) return <i32>i;
      const d = load<f32>(dlosses + (i << 2));
      expRow(logits, dlogits, classes, load<f32>(logSumExp + (i << 2)));
      scaleRow(dlogits, classes, d);
      const at = dlogits + (<usize>label << 2);
      store<f32>(at, load<f32>(at) - d);
    }
    logits += classes << 2;
    dlogits += classes << 2;
  }
  return -1;
}
