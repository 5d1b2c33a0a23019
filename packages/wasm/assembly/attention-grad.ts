// The backward pass of attention (attention.ts).
import {
  LOWEST, STEP, TILE, fillRow, firstToSee, products, scaleAndMask, visible, weightedSums,
} from './attention-tiles';
import { signDropped } from './dropout';
import { block, up16 } from './gemm';
import { loadTail, madd, splat, storeTail, sumLanes } from './math';
import { pack, packTransposed, turn } from './packing';
import { expRow, softmaxRow } from './softmax';

/** A log-sum larger than this (all keys masked, say) has lost digits that the weights need. */
const EXACT: f32 = 64;
/** Row stride of turned weights: not a power of two, which would crowd one cache set. */
const TURNED: usize = TILE + 4;

/** Floats of scratch memory that `attentionGrad` needs. */
export function attentionGradScratch(lq: usize, lk: usize, dq: usize, dv: usize): usize {
  const rows = min(lq, TILE);
  return 32 + 2 * rows * up16(lk) + up16(lk) * (dq + dv) + up16(dq) * lk
    + turnedScratch(rows, max(dq, dv));
}

/** Floats of scratch memory that `addTurned` needs. */
// @ts-ignore: decorator
@inline
export function turnedScratch(rows: usize, size: usize): usize {
  return up16(size) * rows + STEP * TURNED;
}

/** to [seen, size] += weightsᵀ [seen, rows] · y [rows, size]. */
export function addTurned(
  weights: usize, ld: usize, y: usize, step: usize, to: usize, toStep: usize, size: usize,
  rows: usize, seen: usize, i0: usize, lq: usize, lk: usize, causal: bool, scratch: usize, edge: usize,
): void {
  const panels = scratch + ((STEP * TURNED) << 2);
  pack(y, step, panels, rows, size);
  for (let j: usize = 0; j < seen; j += STEP) {
    const count = min(STEP, seen - j);
    const from = firstToSee(j, i0, lq, lk, causal);
    turn(weights + ((from * ld + j) << 2), ld, scratch, TURNED, count, rows - from);
    block(scratch, TURNED, panels + (from << 6), rows << 6, to + ((j * toStep) << 2), toStep,
      count, size, rows - from, true, edge);
  }
}

/** A row's softmax from its scores, in place, where the log of its sum is known. */
// @ts-ignore: decorator
@inline
export function weightsAgain(scores: usize, length: usize, logSumExp: f32): void {
  if (abs(logSumExp) < EXACT) expRow(scores, scores, length, logSumExp);
  else softmaxRow(scores, scores, length);
}

/**
 * In place: p holds the weights P, negative where they are dropped (`signDropped`), d the gradient of what
 * is multiplied by the values: the weights that are not dropped times `share`. p becomes that; with
 * D = share·d, 0 where dropped, d becomes P·(D − Σ P·D)·scale.
 */
export function softmaxGradRow(p: usize, d: usize, length: usize, scale: f32, share: f32): void {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  const zero = splat(0);
  let sum = zero;
  for (let o: usize = 0; o < whole; o += 16)
    sum = madd(f32x4.pmax(v128.load(p + o), zero), v128.load(d + o), sum);
  if (rest) sum = madd(f32x4.pmax(loadTail(p + whole, rest, 0), zero), loadTail(d + whole, rest, 0), sum);
  const sum4 = splat(sumLanes(sum) * share);
  const scale4 = splat(scale);
  const share4 = splat(share);
  for (let o: usize = 0; o < whole; o += 16) {
    const weight = v128.load(p + o);
    v128.store(d + o, gradient(weight, v128.load(d + o), sum4, scale4, share4));
    v128.store(p + o, f32x4.mul(f32x4.pmax(weight, zero), share4));
  }
  if (!rest) return;
  const weight = loadTail(p + whole, rest, 0);
  storeTail(d + whole, gradient(weight, loadTail(d + whole, rest, 0), sum4, scale4, share4), rest);
  storeTail(p + whole, f32x4.mul(f32x4.pmax(weight, zero), share4), rest);
}

// @ts-ignore: decorator
@inline
function gradient(weight: v128, d: v128, sum: v128, scale: v128, share: v128): v128 {
  const kept = v128.andnot(f32x4.mul(d, share), i32x4.shr_s(weight, 31));
  return f32x4.mul(f32x4.mul(f32x4.abs(weight), scale), f32x4.sub(kept, sum));
}

/**
 * The gradients of `attention`'s context by query, key and value, which lie as these do; the rest as
 * there.
 */
export function attentionGrad(
  dcontext: usize, query: usize, key: usize, value: usize, logSumExp: usize,
  dquery: usize, dkey: usize, dvalue: usize,
  mask: usize, maskBatch: usize, maskHead: usize, maskQuery: usize,
  headMask: usize, headMaskBatch: usize, headMaskHead: usize,
  first: usize, end: usize, heads: usize, lq: usize, lk: usize, room: usize, dq: usize, dv: usize,
  qStep: usize, kStep: usize, vStep: usize,
  scale: f32, causal: bool, seed: i32, threshold: i32, keepScale: f32, scratch: usize,
): void {
  const ld = up16(lk);
  const tile = (min(lq, TILE) * ld) << 2;
  const edge = scratch;
  const weights = edge + 128;
  const dweights = weights + tile;
  const keysTurned = dweights + tile;
  const valuesTurned = keysTurned + ((up16(lk) * dq) << 2);
  const keys = valuesTurned + ((up16(lk) * dv) << 2);
  const turned = keys + ((up16(dq) * lk) << 2);
  const cStep = heads * dv;
  for (let pair = first; pair < end; pair++) {
    const z = pair / heads;
    const h = pair % heads;
    const ofQuery = (z * lq * qStep + h * dq) << 2;
    const ofKey = (z * room * kStep + h * dq) << 2;
    const ofValue = (z * room * vStep + h * dv) << 2;
    const ofContext = (z * lq * cStep + h * dv) << 2;
    const row0 = pair * lq;
    for (let j: usize = 0; j < room; j++) {
      memory.fill(dkey + ofKey + ((j * kStep) << 2), 0, dq << 2);
      memory.fill(dvalue + ofValue + ((j * vStep) << 2), 0, dv << 2);
    }
    const factor = headMask ? load<f32>(headMask + ((z * headMaskBatch + h * headMaskHead) << 2)) : 1;
    packTransposed(key + ofKey, kStep, keysTurned, dq, lk);
    packTransposed(value + ofValue, vStep, valuesTurned, dv, lk);
    pack(key + ofKey, kStep, keys, lk, dq);
    for (let i0: usize = 0; i0 < lq; i0 += TILE) {
      const rows = min(TILE, lq - i0);
      let seen = visible(i0 + rows - 1, lq, lk, causal);
      const lse0 = logSumExp + ((row0 + i0) << 2);
      let rule = causal;
      for (let i: usize = 0; i < rows; i++) if (load<f32>(lse0 + (i << 2)) <= LOWEST) {
        seen = lk;
        rule = false;
      }
      const q = query + ofQuery + ((i0 * qStep) << 2);
      const dc = dcontext + ofContext + ((i0 * cStep) << 2);
      products(q, qStep, keysTurned, dq, weights, ld, rows, seen, i0, lq, lk, rule, edge);
      products(dc, cStep, valuesTurned, dv, dweights, ld, rows, seen, i0, lq, lk, rule, edge);
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
          weightsAgain(p, own, lse);
        }
        const number = <i32>((row0 + i0 + i) * lk);
        if (threshold) signDropped(p, own, number, seed, threshold);
        softmaxGradRow(p, d, own, scale, factor * keepScale);
        memory.fill(p + (own << 2), 0, (seen - own) << 2);
        memory.fill(d + (own << 2), 0, (seen - own) << 2);
      }
      const dqTile = dquery + ofQuery + ((i0 * qStep) << 2);
      weightedSums(dweights, ld, keys, dqTile, qStep, dq, rows, seen, i0, lq, lk, rule, edge);
      addTurned(weights, ld, dc, cStep, dvalue + ofValue, vStep, dv, rows, seen, i0, lq, lk, rule, turned, edge);
      addTurned(dweights, ld, q, qStep, dkey + ofKey, kStep, dq, rows, seen, i0, lq, lk, rule, turned, edge);
    }
  }
}
