export interface Attention {
  layers: number;
  heads: number;
  length: number;
  /** [layers, heads, length, length]: how much each token (row) takes from each (column). */
  weights: Float32Array<ArrayBuffer>;
}

/** One head of a layer, or the mean of them all. */
export type Head = number | 'mean';

/** [length, length]: how much each token (row) takes from each (column); a row sums to 1. */
export function headWeights(attention: Attention, layer: number, head: Head): Float32Array {
  const { heads, length, weights } = attention;
  const size = length * length;
  const one = (h: number) => {
    const start = (layer * heads + h) * size;
    return weights.subarray(start, start + size);
  };
  if (head !== 'mean') return one(head);
  const mean = new Float32Array(size);
  for (let h = 0; h < heads; h++) {
    for (const [i, weight] of one(h).entries()) mean[i]! += weight / heads;
  }
  return mean;
}

/** The columns that a row takes most from, the most first. */
export function strongest(weights: Float32Array, length: number, row: number): number[] {
  const at = (column: number) => weights[row * length + column]!;
  return Array.from({ length }, (_, column) => column).sort((a, b) => at(b) - at(a));
}
