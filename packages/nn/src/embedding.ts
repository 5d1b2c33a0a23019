import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { kernelOr } from './kernel.js';
import { type Operand, type Parameter, tensorOf } from './parameter.js';
import { type Initializer, normal, type Weights } from './weights.js';

/**
 * The rows of `weight` [numEmbeddings, dim] at `ids` (int32, any shape) → [...ids.shape, dim]. The
 * ids are taken to be in range: models check them where they come in (`idsToTensor`).
 */
export function embedding(weight: Operand, ids: tf.Tensor): tf.Tensor {
  const w = tensorOf(weight);
  const [numEmbeddings, dim] = w.shape as [number, number];
  const flat = tf.reshape(ids, [ids.size]);
  const lookUp = differentiable({
    forward: (table) => ({ value: tf.gather(table!, flat as tf.Tensor1D), saved: [flat] }),
    // Each row's gradient is the sum over the places that used it. tfjs computes this with
    // UnsortedSegmentSum, which its wasm backend lacks; scatterND sums duplicates everywhere.
    backward: (dy, [ids]) =>
      kernelOr('MhEmbeddingGrad', { dy, ids }, { numEmbeddings }, () => [
        tf.scatterND(tf.reshape(ids!, [-1, 1]), dy, [numEmbeddings, dim]),
      ]),
  });
  return tf.reshape(lookUp(w), [...ids.shape, dim]);
}

export interface EmbeddingOptions {
  numEmbeddings: number;
  embeddingDim: number;
  /** Default N(0, 0.02²). */
  initializer?: Initializer;
}

/** A table of vectors: `weight` [numEmbeddings, embeddingDim]. */
export class Embedding {
  readonly weight: Parameter;

  constructor(weights: Weights, options: EmbeddingOptions) {
    const { numEmbeddings, embeddingDim, initializer = normal(0.02) } = options;
    this.weight = weights.parameter('weight', [numEmbeddings, embeddingDim], initializer);
  }

  /** int32 [...] → [..., embeddingDim] */
  forward(ids: tf.Tensor): tf.Tensor {
    return embedding(this.weight, ids);
  }
}
