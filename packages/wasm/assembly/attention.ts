// Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1), straight on
// [batch, length, heads × size], forward and backward. Scores exist for TILE queries at a time, and the
// backward pass computes them again from queries, keys and the log of the softmax's sum, so memory is
// linear in length (after Dao et al. 2022).
import { largest, terms } from './attention-softmax';
import { LOWEST, fillRow, products, visible, weightedSums } from './attention-tiles';
import { dropout } from './dropout';
import { FEW, fewScratch, gemm, up16 } from './gemm';
import { ln } from './math';
import { pack, packTransposed } from './packing';
import { scaleRow } from './softmax';

/** Queries whose scores exist at a time: with the keys or the values they fit the first-level cache. */
const TILE: usize = 48;

/** Floats of scratch memory that `attention` needs, for so many queries and keys or fewer. */
export function attentionScratch(lq: usize, lk: usize, dq: usize, dv: usize): usize {
  const few = fewScratch(lk);
  const rows = min(lq, TILE);
  return rows * up16(lk) + up16(rows) + (lq <= FEW ? few : max(few, 32 + up16(lk) * dq + up16(dv) * lk));
}

/**
 * query [b, lq, h·dq], key [b, room, h·dq], value [b, room, h·dv], of which the first lk positions count
 * → context [b, lq, h·dv], logSumExp [b, h, lq] (not above LOWEST where a query saw nothing) and, unless
 * 0, weights [b, h, lq, lk]. `qStep`, `kStep` and `vStep`: floats from a position to the next. `mask` (or
 * 0) is added to the scores; its strides are in floats, 0 where it is broadcast. Only the heads from
 * `first` to `end` are computed, counted through the whole batch. `headMask` (or 0) multiplies the weights
 * of each head. `threshold` 0 turns dropout off.
 */
export function attention(
  query: usize, key: usize, value: usize, context: usize, logSumExp: usize, weights: usize,
  mask: usize, maskBatch: usize, maskHead: usize, maskQuery: usize,
  headMask: usize, headMaskBatch: usize, headMaskHead: usize,
  first: usize, end: usize, heads: usize, lq: usize, lk: usize, room: usize, dq: usize, dv: usize,
  qStep: usize, kStep: usize, vStep: usize,
  scale: f32, causal: bool, seed: i32, threshold: i32, keepScale: f32, scratch: usize,
): void {
  const edge = scratch;
  const ld = up16(lk);
  const few = lq <= FEW;
  const scores = edge + (few ? fewScratch(lk) << 2 : 128);
  // By these a query's context is multiplied: its terms are not yet divided by their sum.
  const shares = scores + ((min(lq, TILE) * ld) << 2);
  const keys = shares + (up16(min(lq, TILE)) << 2);
  const values = keys + ((up16(lk) * dq) << 2);
  const cStep = heads * dv;
  for (let pair = first; pair < end; pair++) {
    const z = pair / heads;
    const h = pair % heads;
    const q = query + ((z * lq * qStep + h * dq) << 2);
    const k = key + ((z * room * kStep + h * dq) << 2);
    const v = value + ((z * room * vStep + h * dv) << 2);
    const c = context + ((z * lq * cStep + h * dv) << 2);
    const row0 = pair * lq;
    const factor = headMask ? load<f32>(headMask + ((z * headMaskBatch + h * headMaskHead) << 2)) : 1;
    if (!few) {
      packTransposed(k, kStep, keys, dq, lk);
      scaleRow(keys, ld * dq, scale);
      pack(v, vStep, values, lk, dv);
    }
    for (let i0: usize = 0; i0 < lq; i0 += TILE) {
      const rows = min(TILE, lq - i0);
      let seen = visible(i0 + rows - 1, lq, lk, causal);
      const cTile = c + ((i0 * cStep) << 2);
      const qTile = q + ((i0 * qStep) << 2);
      if (few) {
        gemm(qTile, qStep, false, k, kStep, true, scores, ld, rows, seen, dq, false, 0, 0, 0, edge);
        for (let i: usize = 0; i < rows; i++) scaleRow(scores + ((i * ld) << 2), seen, scale);
      } else products(qTile, qStep, keys, dq, scores, ld, rows, seen, i0, lq, lk, causal, edge);
      let rule = causal;
      for (let i: usize = 0; i < rows; i++) {
        const row = scores + ((i * ld) << 2);
        const own = visible(i0 + i, lq, lk, causal);
        const maskRow = mask
          ? mask + ((z * maskBatch + h * maskHead + (i0 + i) * maskQuery) << 2)
          : 0;
        const top = largest(row, own, maskRow);
        let sum = <f32>max(lk, 1), lse = LOWEST;
        if (top > LOWEST || top != top) {
          sum = terms(row, own, top);
          lse = top + ln(sum);
        } else {
          fillRow(row, lk, 1);
          if (own < lk) {
            seen = lk;
            rule = false;
          }
        }
        store<f32>(logSumExp + ((row0 + i0 + i) << 2), lse);
        store<f32>(shares + (i << 2), factor / sum);
      }
      for (let i: usize = 0; i < rows; i++) {
        const row = scores + ((i * ld) << 2);
        const number = (row0 + i0 + i) * lk;
        const lse = load<f32>(logSumExp + ((row0 + i0 + i) << 2));
        const own = lse <= LOWEST ? lk : visible(i0 + i, lq, lk, causal);
        if (own < seen) memory.fill(row + (own << 2), 0, (seen - own) << 2);
        if (threshold) dropout(row, row, own, <i32>number, seed, threshold, keepScale);
        if (weights) {
          const target = weights + (number << 2);
          memory.copy(target, row, own << 2);
          memory.fill(target + (own << 2), 0, (lk - own) << 2);
          scaleRow(target, own, load<f32>(shares + (i << 2)));
        }
      }
      if (few) gemm(scores, ld, false, v, vStep, false, cTile, cStep, rows, dv, seen, false, 0, 0, 0, edge);
      else weightedSums(scores, ld, values, cTile, cStep, dv, rows, seen, i0, lq, lk, rule, edge);
      for (let i: usize = 0; i < rows; i++)
        scaleRow(cTile + ((i * cStep) << 2), dv, load<f32>(shares + (i << 2)));
    }
  }
}
