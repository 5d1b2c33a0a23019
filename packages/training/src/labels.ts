import type { Ids } from '@multihead/nn';
import type { Tensor } from '@tensorflow/tfjs-core';

const IGNORED = -100;

/** The rows of a batch's `labels`; undefined where it has none. */
export async function labelRows(batch: unknown): Promise<ArrayLike<number>[] | undefined> {
  const labels = (batch as { labels?: Ids } | null | undefined)?.labels;
  return labels === undefined ? undefined : rowsOf(labels);
}

/**
 * How many labels a mean loss is over: those that are not −100. With `causal`, the loss at a place is
 * for the next token, so the first label of each row counts for nothing.
 */
export function countLabels(rows: readonly ArrayLike<number>[], causal: boolean): number {
  let count = 0;
  for (const row of rows) {
    for (let i = causal ? 1 : 0; i < row.length; i++) if (row[i] !== IGNORED) count++;
  }
  return count;
}

/** How many labels `predictions` (one a place, row after row) get right. */
export function countHits(
  rows: readonly ArrayLike<number>[],
  predictions: ArrayLike<number>,
  causal: boolean,
): number {
  const ahead = causal ? 1 : 0;
  let hits = 0;
  let start = 0;
  for (const row of rows) {
    for (let i = ahead; i < row.length; i++) {
      if (row[i] !== IGNORED && predictions[start + i - ahead] === row[i]) hits++;
    }
    start += row.length;
  }
  return hits;
}

/** Tokens of a batch, padding left out; 0 where it has no `inputIds`. */
export async function countTokens(batch: unknown): Promise<number> {
  const { inputIds, attentionMask } = batch as { inputIds?: Ids; attentionMask?: Ids };
  let count = 0;
  if (attentionMask !== undefined) {
    for (const row of await rowsOf(attentionMask))
      for (let i = 0; i < row.length; i++) count += row[i]!;
  } else if (inputIds !== undefined) {
    for (const row of await rowsOf(inputIds)) count += row.length;
  }
  return count;
}

/** Frees the tensors a collator put in a batch. */
export function disposeBatch(batch: unknown): void {
  if (typeof batch !== 'object' || batch === null) return;
  for (const value of [batch, ...Object.values(batch)]) if (isTensor(value)) value.dispose();
}

export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'dataId' in value;
}

async function rowsOf(ids: Ids): Promise<ArrayLike<number>[]> {
  if (isTensor(ids)) {
    const values = await ids.data();
    const length = ids.shape.at(-1) ?? 1;
    return Array.from({ length: ids.size / length }, (_, i) =>
      values.subarray(i * length, (i + 1) * length),
    );
  }
  return typeof ids[0] === 'object'
    ? [...(ids as ArrayLike<number>[])]
    : [ids as ArrayLike<number>];
}
