import type { Model } from '@multihead/nn';

/** What there is to know of a model that was loaded. */
export interface ModelFacts {
  /** Which of the WASM kernels runs: 'simd' or 'relaxed-simd'. */
  variant: string;
  layers: number;
  heads: number;
  /** Number of weights. */
  parameters: number;
  /** Number of pieces of words it knows. */
  vocabSize: number;
  /** From the request to the answer. */
  milliseconds: number;
}

export function countParameters({ parameters }: Model): number {
  let count = 0;
  for (const { shape } of parameters.values()) {
    count += shape.reduce((product, size) => product * size, 1);
  }
  return count;
}
