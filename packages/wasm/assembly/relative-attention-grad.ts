// The backward pass of relative attention (relative-attention.ts).
import { addTurned, softmaxGradRow, turnedScratch, weightsAgain } from './attention-grad';
import { TILE, products, weightedSums } from './attention-tiles';
import { signDropped } from './dropout';
import { up16 } from './gemm';
import { pack, packTransposed } from './packing';
import {
  addRows, farthestFirst, firstColumn, firstSeen, relativeScores, withBias,
} from './relative-attention-tiles';

/** Floats of scratch memory that `relativeAttentionGrad` needs. */
export function relativeAttentionGradScratch(lq: usize, lk: usize, dq: usize, dv: usize): usize {
  const rows = min(lq, TILE);
  const ld = up16(lk);
  return 32 + 3 * rows * ld + 3 * rows * dq + 2 * (lk * (dq + 1) + ld * dq + up16(dq) * lk)
    + ld * dv + turnedScratch(rows, max(dq, dv));
}

/** to [size] += the sum of x's rows [rows, size]. */
function addColumns(x: usize, to: usize, rows: usize, size: usize): void {
  for (let i: usize = 0; i < rows; i++) addRows(to, x + ((i * size) << 2), to, size);
}

/**
 * The gradients of `relativeAttention`'s context by all that it is given, where no head is masked; the rest
 * as there. Whole heads, from `first` to `end`: what the rows of a batch share is theirs to sum up.
 */
export function relativeAttentionGrad(
  dcontext: usize, query: usize, key: usize, value: usize, positions: usize,
  contentBias: usize, positionBias: usize, distanceBias: usize, hidden: usize, logSumExp: usize,
  dquery: usize, dkey: usize, dvalue: usize, dpositions: usize,
  dcontentBias: usize, dpositionBias: usize, ddistanceBias: usize,
  first: usize, end: usize, batch: usize, heads: usize,
  lq: usize, lk: usize, dq: usize, dv: usize, distances: usize,
  scale: f32, window: usize, seed: i32, threshold: i32, keepScale: f32, scratch: usize,
): void {
  const ld = up16(lk);
  const rowsAtMost = min(lq, TILE);
  const tile = (rowsAtMost * ld) << 2;
  const edge = scratch;
  const weights = edge + 128;
  const dweights = weights + tile;
  const byDistance = dweights + tile;
  const content = byDistance + tile;
  const placed = content + ((rowsAtMost * dq) << 2);
  const dqTile = placed + ((rowsAtMost * dq) << 2);
  const table = dqTile + ((rowsAtMost * dq) << 2);
  const dtable = table + ((lk * dq) << 2);
  const bias = dtable + ((lk * dq) << 2);
  const dbias = bias + (lk << 2);
  const tableTurned = dbias + (lk << 2);
  const tablePanels = tableTurned + ((ld * dq) << 2);
  const keysTurned = tablePanels + ((up16(dq) * lk) << 2);
  const keys = keysTurned + ((ld * dq) << 2);
  const valuesTurned = keys + ((up16(dq) * lk) << 2);
  const turned = valuesTurned + ((ld * dv) << 2);
  const qStep = heads * dq;
  const vStep = heads * dv;
  for (let h = first; h < end; h++) {
    const ofHead = (h * dq) << 2;
    farthestFirst(positions + ofHead, qStep, distances, table, lk, dq);
    packTransposed(table, dq, tableTurned, dq, lk);
    pack(table, dq, tablePanels, lk, dq);
    memory.fill(dtable, 0, (lk * dq) << 2);
    if (distanceBias) {
      farthestFirst(distanceBias + (h << 2), heads, distances, bias, lk, 1);
      memory.fill(dbias, 0, lk << 2);
    }
    memory.fill(dcontentBias + ofHead, 0, dq << 2);
    if (positionBias) memory.fill(dpositionBias + ofHead, 0, dq << 2);
    for (let z: usize = 0; z < batch; z++) {
      const ofQuery = (z * lq * qStep + h * dq) << 2;
      const ofKey = (z * lk * qStep + h * dq) << 2;
      const ofValue = (z * lk * vStep + h * dv) << 2;
      const ofContext = (z * lq * vStep + h * dv) << 2;
      const row0 = (z * heads + h) * lq;
      const unseen = load<u32>(hidden + (z << 2));
      for (let j: usize = 0; j < lk; j++) {
        memory.fill(dkey + ofKey + ((j * qStep) << 2), 0, dq << 2);
        memory.fill(dvalue + ofValue + ((j * vStep) << 2), 0, dv << 2);
      }
      packTransposed(key + ofKey, qStep, keysTurned, dq, lk);
      packTransposed(value + ofValue, vStep, valuesTurned, dv, lk);
      pack(key + ofKey, qStep, keys, lk, dq);
      for (let i0: usize = 0; i0 < lq; i0 += TILE) {
        const rows = min(TILE, lq - i0);
        const seen = i0 + rows + lk - lq;
        const q = query + ofQuery + ((i0 * qStep) << 2);
        const dc = dcontext + ofContext + ((i0 * vStep) << 2);
        withBias(q, qStep, contentBias + ofHead, content, rows, dq);
        withBias(q, qStep, positionBias ? positionBias + ofHead : 0, placed, rows, dq);
        relativeScores(content, placed, keysTurned, 0, tableTurned, distanceBias ? bias : 0, false,
          weights, byDistance, ld, rows, dq, i0, lq, lk, window, unseen, scale, edge);
        products(dc, vStep, valuesTurned, dv, dweights, ld, rows, seen, i0, lq, lk, true, edge);
        memory.fill(byDistance, 0, (rows * ld) << 2);
        for (let i: usize = 0; i < rows; i++) {
          const from = firstSeen(i0 + i, lq, lk, window, unseen);
          const own = i0 + i + 1 + lk - lq;
          const count = own - from;
          const row = weights + ((i * ld) << 2);
          const drow = dweights + ((i * ld) << 2);
          const p = row + (from << 2);
          const d = drow + (from << 2);
          const number = <i32>((row0 + i0 + i) * lk + from);
          weightsAgain(p, count, load<f32>(logSumExp + ((row0 + i0 + i) << 2)));
          if (threshold) signDropped(p, count, number, seed, threshold);
          softmaxGradRow(p, d, count, scale, keepScale);
          memory.fill(row, 0, from << 2);
          memory.fill(drow, 0, from << 2);
          memory.fill(row + (own << 2), 0, (seen - own) << 2);
          memory.fill(drow + (own << 2), 0, (seen - own) << 2);
          const column = lq - 1 - i0 - i + from;
          memory.copy(byDistance + ((i * ld + column) << 2), d, count << 2);
          if (distanceBias) addRows(dbias + (column << 2), d, dbias + (column << 2), count);
        }
        const column = firstColumn(i0, rows, lq);
        const reached = lk - column;
        const ofColumn = (column * dq) << 2;
        const dbyDistance = byDistance + (column << 2);
        const target = dquery + ofQuery + ((i0 * qStep) << 2);
        weightedSums(dweights, ld, keys, dqTile, dq, dq, rows, seen, i0, lq, lk, true, edge);
        addColumns(dqTile, dcontentBias + ofHead, rows, dq);
        for (let i: usize = 0; i < rows; i++)
          memory.copy(target + ((i * qStep) << 2), dqTile + ((i * dq) << 2), dq << 2);
        weightedSums(dbyDistance, ld, tablePanels + (column << 6), dqTile, dq, dq, rows, reached, 0, 0, lk,
          false, edge);
        if (positionBias) addColumns(dqTile, dpositionBias + ofHead, rows, dq);
        for (let i: usize = 0; i < rows; i++) {
          const row = target + ((i * qStep) << 2);
          addRows(row, dqTile + ((i * dq) << 2), row, dq);
        }
        addTurned(weights, ld, dc, vStep, dvalue + ofValue, vStep, dv, rows, seen, i0, lq, lk, true, turned, edge);
        addTurned(dweights, ld, content, dq, dkey + ofKey, qStep, dq, rows, seen, i0, lq, lk, true, turned, edge);
        addTurned(dbyDistance, ld, placed, dq, dtable + ofColumn, dq, dq, rows, reached, 0, 0, 0, false,
          turned, edge);
      }
    }
    for (let distance: usize = 0; distance < distances; distance++) {
      memory.fill(dpositions + ofHead + ((distance * qStep) << 2), 0, dq << 2);
      if (distanceBias) store<f32>(ddistanceBias + ((distance * heads + h) << 2), 0);
    }
    for (let t: usize = 0; t < lk; t++) {
      const distance = min(lk - 1 - t, distances - 1);
      const row = dpositions + ofHead + ((distance * qStep) << 2);
      addRows(row, dtable + ((t * dq) << 2), row, dq);
      if (!distanceBias) continue;
      const sum = ddistanceBias + ((distance * heads + h) << 2);
      store<f32>(sum, load<f32>(sum) + load<f32>(dbias + (t << 2)));
    }
  }
}
