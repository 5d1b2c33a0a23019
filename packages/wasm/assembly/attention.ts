// Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1), straight on
// [batch, length, heads × size], forward and backward. Scores exist for TILE queries at a time, and the
// backward pass computes them again from queries, keys and the log of the softmax's sum, so memory is
// linear in length (after Dao et al. 2022).
import { dropout } from './dropout';
import { block, gemm, gemmScratch, pack, packTransposed } from './gemm';
import { loadTail, madd, splat, storeTail, sumLanes } from './math';
import { expRow, scaleRow, softmaxRow } from './softmax';

const TILE: usize = 64;
/** Below this, packing keys and values for so few queries does not pay. */
const FEW: usize = 3;
/** A log-sum larger than this (all keys masked, say) has lost digits that the weights need. */
const EXACT: f32 = 64;
const LOWEST: f32 = -3.4028234663852886e38;

// @ts-ignore: decorator
@inline
function up16(n: usize): usize {
  return (n + 15) & ~(<usize>15);
}

// @ts-ignore: decorator
@inline
function up4(n: usize): usize {
  return (n + 3) & ~(<usize>3);
}

/** Floats of scratch memory that `attention` needs. */
export function attentionScratch(lq: usize, lk: usize, dq: usize, dv: usize): usize {
  const scores = min(lq, TILE) * up4(lk);
  if (lq <= FEW) return scores + max(gemmScratch(lk, dq, false), gemmScratch(dv, lk, false));
  return 32 + scores + up16(lk) * dq + up16(dv) * lk;
}

/** Floats of scratch memory that `attentionGrad` needs. */
export function attentionGradScratch(lq: usize, lk: usize, dq: usize, dv: usize): usize {
  const rows = min(lq, TILE);
  return 32 + 2 * rows * up4(lk) + up16(lk) * (dq + dv) + up16(dq) * lk
    + gemmScratch(max(dq, dv), rows, true);
}

/**
 * How many keys query i may see. One that sees none, or only masked ones, attends to all keys alike,
 * hidden ones too: that is what adding a mask to scores comes to.
 */
// @ts-ignore: decorator
@inline
function visible(i: usize, lq: usize, lk: usize, causal: bool): usize {
  if (!causal) return lk;
  const count = <i32>(i + 1 + lk) - <i32>lq;
  return count < 0 ? 0 : <usize>count;
}

/** scores·scale + mask, never below the lowest finite number. */
function scaleAndMask(row: usize, length: usize, scale: f32, mask: usize): void {
  const scale4 = splat(scale);
  const lowest = splat(LOWEST);
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  if (mask) {
    for (let o: usize = 0; o < whole; o += 16) {
      const score = f32x4.add(f32x4.mul(v128.load(row + o), scale4), v128.load(mask + o));
      v128.store(row + o, f32x4.pmax(score, lowest));
    }
    if (rest) {
      const last = f32x4.mul(loadTail(row + whole, rest, 0), scale4);
      const score = f32x4.add(last, loadTail(mask + whole, rest, 0));
      storeTail(row + whole, f32x4.pmax(score, lowest), rest);
    }
  } else {
    for (let o: usize = 0; o < whole; o += 16)
      v128.store(row + o, f32x4.mul(v128.load(row + o), scale4));
    if (rest) storeTail(row + whole, f32x4.mul(loadTail(row + whole, rest, 0), scale4), rest);
  }
}

/**
 * query [b, lq, h·dq], key [b, room, h·dq], value [b, room, h·dv], of which the first lk positions count
 * → context [b, lq, h·dv], logSumExp [b, h, lq] (not above LOWEST where a query saw nothing) and, unless
 * 0, weights [b, h, lq, lk]. `mask` (or 0) is added to the scores; its strides are in floats, 0 where it
 * is broadcast. `headMask` (or 0) multiplies the weights of each head. `threshold` 0 turns dropout off.
 */
export function attention(
  query: usize, key: usize, value: usize, context: usize, logSumExp: usize, weights: usize,
  mask: usize, maskBatch: usize, maskHead: usize, maskQuery: usize,
  headMask: usize, headMaskBatch: usize, headMaskHead: usize,
  batch: usize, heads: usize, lq: usize, lk: usize, room: usize, dq: usize, dv: usize,
  scale: f32, causal: bool, seed: i32, threshold: i32, keepScale: f32, scratch: usize,
): void {
  const edge = scratch;
  const ld = up4(lk);
  const few = lq <= FEW;
  const scores = few
    ? edge + (max(gemmScratch(lk, dq, false), gemmScratch(dv, lk, false)) << 2)
    : edge + 128;
  const keys = scores + ((min(lq, TILE) * ld) << 2);
  const values = keys + ((up16(lk) * dq) << 2);
  const qStep = heads * dq;
  const vStep = heads * dv;
  for (let z: usize = 0; z < batch; z++) for (let h: usize = 0; h < heads; h++) {
    const q = query + ((z * lq * qStep + h * dq) << 2);
    const k = key + ((z * room * qStep + h * dq) << 2);
    const v = value + ((z * room * vStep + h * dv) << 2);
    const c = context + ((z * lq * vStep + h * dv) << 2);
    const row0 = (z * heads + h) * lq;
    const factor = headMask ? load<f32>(headMask + ((z * headMaskBatch + h * headMaskHead) << 2)) : 1;
    if (!few) {
      packTransposed(k, qStep, keys, dq, lk);
      pack(v, vStep, values, lk, dv);
    }
    for (let i0: usize = 0; i0 < lq; i0 += TILE) {
      const rows = min(TILE, lq - i0);
      let seen = visible(i0 + rows - 1, lq, lk, causal);
      const qTile = q + ((i0 * qStep) << 2);
      const cTile = c + ((i0 * vStep) << 2);
      if (few) gemm(qTile, qStep, false, k, qStep, true, scores, ld, rows, seen, dq, false, 0, 0, edge);
      else block(qTile, qStep, keys, dq << 6, scores, ld, rows, seen, dq, false, edge);
      for (let i: usize = 0; i < rows; i++) {
        const row = scores + ((i * ld) << 2);
        const own = visible(i0 + i, lq, lk, causal);
        const maskRow = mask
          ? mask + ((z * maskBatch + h * maskHead + (i0 + i) * maskQuery) << 2)
          : 0;
        scaleAndMask(row, own, scale, maskRow);
        const lse = own ? softmaxRow(row, row, own) : -Infinity;
        store<f32>(logSumExp + ((row0 + i0 + i) << 2), lse);
        if (own < lk && lse <= LOWEST) {
          fillRow(row, lk, <f32>1 / <f32>lk);
          seen = lk;
        }
      }
      for (let i: usize = 0; i < rows; i++) {
        const row = scores + ((i * ld) << 2);
        const number = (row0 + i0 + i) * lk;
        const lse = load<f32>(logSumExp + ((row0 + i0 + i) << 2));
        const own = lse <= LOWEST ? lk : visible(i0 + i, lq, lk, causal);
        memory.fill(row + (own << 2), 0, (seen - own) << 2);
        if (threshold) dropout(row, row, own, <i32>number, seed, threshold, keepScale);
        if (headMask) scaleRow(row, own, factor);
        if (weights) {
          const target = weights + (number << 2);
          memory.copy(target, row, own << 2);
          memory.fill(target + (own << 2), 0, (lk - own) << 2);
        }
      }
      if (few) gemm(scores, ld, false, v, vStep, false, cTile, vStep, rows, dv, seen, false, 0, 0, edge);
      else block(scores, ld, values, lk << 6, cTile, vStep, rows, dv, seen, false, edge);
    }
  }
}

function fillRow(row: usize, length: usize, value: f32): void {
  for (let i: usize = 0; i < length; i++) store<f32>(row + (i << 2), value);
}

/** In place: with P the weights and D their gradient, D becomes P·(D − Σ P·D)·scale. */
function softmaxGradRow(p: usize, d: usize, length: usize, scale: f32): void {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  let sum = splat(0);
  for (let o: usize = 0; o < whole; o += 16) sum = madd(v128.load(p + o), v128.load(d + o), sum);
  if (rest) sum = madd(loadTail(p + whole, rest, 0), loadTail(d + whole, rest, 0), sum);
  const sum4 = splat(sumLanes(sum));
  const scale4 = splat(scale);
  for (let o: usize = 0; o < whole; o += 16) {
    const centred = f32x4.sub(v128.load(d + o), sum4);
    v128.store(d + o, f32x4.mul(f32x4.mul(v128.load(p + o), scale4), centred));
  }
  if (rest) {
    const centred = f32x4.sub(loadTail(d + whole, rest, 0), sum4);
    storeTail(d + whole, f32x4.mul(f32x4.mul(loadTail(p + whole, rest, 0), scale4), centred), rest);
  }
}

/** The gradients of `attention`'s context by query, key and value; the rest as there. */
export function attentionGrad(
  dcontext: usize, query: usize, key: usize, value: usize, logSumExp: usize,
  dquery: usize, dkey: usize, dvalue: usize,
  mask: usize, maskBatch: usize, maskHead: usize, maskQuery: usize,
  headMask: usize, headMaskBatch: usize, headMaskHead: usize,
  batch: usize, heads: usize, lq: usize, lk: usize, room: usize, dq: usize, dv: usize,
  scale: f32, causal: bool, seed: i32, threshold: i32, keepScale: f32, scratch: usize,
): void {
  const ld = up4(lk);
  const tile = (min(lq, TILE) * ld) << 2;
  const edge = scratch;
  const weights = edge + 128;
  const dweights = weights + tile;
  const keysTurned = dweights + tile;
  const valuesTurned = keysTurned + ((up16(lk) * dq) << 2);
  const keys = valuesTurned + ((up16(lk) * dv) << 2);
  const product = keys + ((up16(dq) * lk) << 2);
  const qStep = heads * dq;
  const vStep = heads * dv;
  memory.fill(dkey, 0, (batch * room * qStep) << 2);
  memory.fill(dvalue, 0, (batch * room * vStep) << 2);
  for (let z: usize = 0; z < batch; z++) for (let h: usize = 0; h < heads; h++) {
    const ofQuery = (z * lq * qStep + h * dq) << 2;
    const ofKey = (z * room * qStep + h * dq) << 2;
    const ofValue = (z * room * vStep + h * dv) << 2;
    const ofContext = (z * lq * vStep + h * dv) << 2;
    const row0 = (z * heads + h) * lq;
    const factor = headMask ? load<f32>(headMask + ((z * headMaskBatch + h * headMaskHead) << 2)) : 1;
    packTransposed(key + ofKey, qStep, keysTurned, dq, lk);
    packTransposed(value + ofValue, vStep, valuesTurned, dv, lk);
    pack(key + ofKey, qStep, keys, lk, dq);
    for (let i0: usize = 0; i0 < lq; i0 += TILE) {
      const rows = min(TILE, lq - i0);
      let seen = visible(i0 + rows - 1, lq, lk, causal);
      const lse0 = logSumExp + ((row0 + i0) << 2);
      for (let i: usize = 0; i < rows; i++)
        if (load<f32>(lse0 + (i << 2)) <= LOWEST) seen = lk;
      const q = query + ofQuery + ((i0 * qStep) << 2);
      const dc = dcontext + ofContext + ((i0 * vStep) << 2);
      block(q, qStep, keysTurned, dq << 6, weights, ld, rows, seen, dq, false, edge);
      block(dc, vStep, valuesTurned, dv << 6, dweights, ld, rows, seen, dv, false, edge);
      for (let i: usize = 0; i < rows; i++) {
        const p = weights + ((i * ld) << 2);
        const d = dweights + ((i * ld) << 2);
        const lse = load<f32>(lse0 + (i << 2));
        let own = visible(i0 + i, lq, lk, causal);
        if (own < lk && lse <= LOWEST) {
          own = lk;
          fillRow(p, lk, <f32>1 / <f32>lk);
        } else {
          const maskRow = mask
            ? mask + ((z * maskBatch + h * maskHead + (i0 + i) * maskQuery) << 2)
            : 0;
          scaleAndMask(p, own, scale, maskRow);
          if (abs(lse) < EXACT) expRow(p, p, own, lse);
          else softmaxRow(p, p, own);
        }
        const number = <i32>((row0 + i0 + i) * lk);
        if (threshold) dropout(d, d, own, number, seed, threshold, keepScale);
        if (headMask) scaleRow(d, own, factor);
        softmaxGradRow(p, d, own, scale);
        if (threshold) dropout(p, p, own, number, seed, threshold, keepScale);
        if (headMask) scaleRow(p, own, factor);
        memory.fill(p + (own << 2), 0, (seen - own) << 2);
        memory.fill(d + (own << 2), 0, (seen - own) << 2);
      }
      const dqTile = dquery + ofQuery + ((i0 * qStep) << 2);
      block(dweights, ld, keys, lk << 6, dqTile, qStep, rows, dq, seen, false, edge);
      gemm(weights, ld, true, dc, vStep, false, dvalue + ofValue, vStep,
        seen, dv, rows, true, 0, 0, product);
      gemm(dweights, ld, true, q, qStep, false, dkey + ofKey, qStep,
        seen, dq, rows, true, 0, 0, product);
    }
  }
}
