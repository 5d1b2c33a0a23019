// Causal attention by content and distance (Dai et al. 2019, section 3.3), straight on
// [batch, length, heads × size]: attention.ts with relative-attention-tiles.ts's scores.
import { TILE, weightedSums } from './attention-tiles';
import { dropout } from './dropout';
import { FEW, fewScratch, gemm, up16 } from './gemm';
import { pack, packTransposed } from './packing';
import { farthestFirst, firstSeen, relativeScores, withBias } from './relative-attention-tiles';
import { scaleRow, softmaxRow } from './softmax';

/** Floats of scratch memory that `relativeAttention` needs. */
export function relativeAttentionScratch(lq: usize, lk: usize, dq: usize, dv: usize): usize {
  const rows = min(lq, TILE);
  const panels = lq <= FEW ? 0 : 2 * up16(lk) * dq + up16(dv) * lk;
  return fewScratch(lk) + 2 * rows * (dq + up16(lk)) + lk * (dq + 1) + panels;
}

/**
 * query [b, lq, h·dq], key [b, room, h·dq], value [b, room, h·dv], of which the first lk positions count,
 * positions [distances, h·dq], contentBias and positionBias (or 0) [h, dq], distanceBias [distances, h]
 * (or 0), hidden int32 [b]
 * → context [b, lq, h·dv], logSumExp [b, h, lq] and, unless 0, weights [b, h, lq, lk]. Every query sees at
 * least itself: no row hides more than lk − lq keys. Only the pairs of a head and a row of the batch from
 * `first` to `end` are computed, head by head. `headMask` (or 0) multiplies the weights of each head.
 * `threshold` 0 turns dropout off.
 */
export function relativeAttention(
  query: usize, key: usize, value: usize, positions: usize,
  contentBias: usize, positionBias: usize, distanceBias: usize, hidden: usize,
  context: usize, logSumExp: usize, weights: usize,
  headMask: usize, headMaskBatch: usize, headMaskHead: usize,
  first: usize, end: usize, batch: usize, heads: usize,
  lq: usize, lk: usize, room: usize, dq: usize, dv: usize, distances: usize,
  scale: f32, window: usize, seed: i32, threshold: i32, keepScale: f32, scratch: usize,
): void {
  const few = lq <= FEW;
  const ld = up16(lk);
  const rowsAtMost = min(lq, TILE);
  const edge = scratch;
  const scores = edge + (fewScratch(lk) << 2);
  const byDistance = scores + ((rowsAtMost * ld) << 2);
  const content = byDistance + ((rowsAtMost * ld) << 2);
  const placed = content + ((rowsAtMost * dq) << 2);
  const table = placed + ((rowsAtMost * dq) << 2);
  const bias = table + ((lk * dq) << 2);
  const tablePanels = bias + (lk << 2);
  const keyPanels = tablePanels + ((ld * dq) << 2);
  const values = keyPanels + ((ld * dq) << 2);
  const qStep = heads * dq;
  const vStep = heads * dv;
  for (let pair = first; pair < end; pair++) {
    const h = pair / batch;
    const z = pair % batch;
    if (pair == first || z == 0) {
      farthestFirst(positions + ((h * dq) << 2), qStep, distances, table, lk, dq);
      if (distanceBias) farthestFirst(distanceBias + (h << 2), heads, distances, bias, lk, 1);
      if (!few) packTransposed(table, dq, tablePanels, dq, lk);
    }
    const q = query + ((z * lq * qStep + h * dq) << 2);
    const k = key + ((z * room * qStep + h * dq) << 2);
    const v = value + ((z * room * vStep + h * dv) << 2);
    const c = context + ((z * lq * vStep + h * dv) << 2);
    const row0 = (z * heads + h) * lq;
    const unseen = load<u32>(hidden + (z << 2));
    const factor = headMask ? load<f32>(headMask + ((z * headMaskBatch + h * headMaskHead) << 2)) : 1;
    if (!few) {
      packTransposed(k, qStep, keyPanels, dq, lk);
      pack(v, vStep, values, lk, dv);
    }
    for (let i0: usize = 0; i0 < lq; i0 += TILE) {
      const rows = min(TILE, lq - i0);
      const seen = i0 + rows + lk - lq;
      const qTile = q + ((i0 * qStep) << 2);
      const cTile = c + ((i0 * vStep) << 2);
      withBias(qTile, qStep, contentBias + ((h * dq) << 2), content, rows, dq);
      withBias(qTile, qStep, positionBias ? positionBias + ((h * dq) << 2) : 0, placed, rows, dq);
      relativeScores(content, placed, few ? k : keyPanels, qStep, few ? table : tablePanels,
        distanceBias ? bias : 0, few, scores, byDistance, ld, rows, dq, i0, lq, lk, window, unseen, scale, edge);
      for (let i: usize = 0; i < rows; i++) {
        const row = scores + ((i * ld) << 2);
        const from = firstSeen(i0 + i, lq, lk, window, unseen);
        const own = i0 + i + 1 + lk - lq;
        const number = (row0 + i0 + i) * lk;
        const part = row + (from << 2);
        store<f32>(logSumExp + ((row0 + i0 + i) << 2), softmaxRow(part, part, own - from));
        memory.fill(row, 0, from << 2);
        memory.fill(row + (own << 2), 0, (seen - own) << 2);
        if (threshold) dropout(part, part, own - from, <i32>(number + from), seed, threshold, keepScale);
        if (headMask) scaleRow(part, own - from, factor);
        if (weights) {
          const target = weights + (number << 2);
          memory.copy(target, row, own << 2);
          memory.fill(target + (own << 2), 0, (lk - own) << 2);
        }
      }
      if (few) gemm(scores, ld, false, v, vStep, false, cTile, vStep, rows, dv, seen, false, 0, 0, 0, edge);
      else weightedSums(scores, ld, values, cTile, vStep, dv, rows, seen, i0, lq, lk, true, edge);
    }
  }
}
