import { SEGMENT, type View } from './protocol.js';

/** One layer or head, or the mean of all. */
export type Which = number | 'mean';

/** How much one token of the segment takes from each token seen, in a layer and head. */
export function rowWeights(view: View, row: number, layer: Which, head: Which): Float32Array {
  const { remembered, length, layers, heads, weights } = view;
  const keys = remembered + length;
  const mean = new Float32Array(keys);
  const [chosenLayers, chosenHeads] = [all(layer, layers), all(head, heads)];
  for (const l of chosenLayers) {
    for (const h of chosenHeads) {
      const start = ((l * heads + h) * length + row) * keys;
      for (let key = 0; key < keys; key++) mean[key]! += weights[start + key]!;
    }
  }
  return mean.map((sum) => sum / (chosenLayers.length * chosenHeads.length));
}

/** How much of that goes across the border of the segment, into memory. */
export function memoryShare(view: View, row: number, layer: Which, head: Which): number {
  const weights = rowWeights(view, row, layer, head).subarray(0, view.remembered);
  return weights.reduce((sum, weight) => sum + weight, 0);
}

const all = (which: Which, count: number): number[] =>
  which === 'mean' ? Array.from({ length: count }, (_, i) => i) : [which];

/** A token that is looked at: its index in the text, −1 for the text's beginning. */
export interface Seen {
  index: number;
  weight: number;
}

/** What a token of the segment looks at, in the order of the text: in memory, and in its own segment up to itself. */
export function seenFrom(
  view: View,
  row: number,
  weights: Float32Array,
): { memory: Seen[]; segment: Seen[] } {
  // Before the text's first token the model reads the beginning, so that token i is its i + 1-th.
  const first = view.segment * SEGMENT - view.remembered - 1;
  const seen = Array.from(weights, (weight, key) => ({ index: first + key, weight }));
  return {
    memory: seen.slice(0, view.remembered),
    segment: seen.slice(view.remembered, view.remembered + row + 1),
  };
}
