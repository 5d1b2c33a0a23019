import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { checkIds } from './inputs.js';
import { kernelOr, runKernel } from './kernel.js';
import { PackedMatrix } from './packed-matrix.js';
import { type Operand, Parameter, quantizedOf, tensorOf } from './parameter.js';
import { quantizedEmbedding } from './quantized-ops.js';
import { type Initializer, normal, type Weights } from './weights.js';

/**
 * The rows of `weight` [numEmbeddings, dim] at `ids` (int32, any shape) → [...ids.shape, dim].
 * Looking up `paddingIndex` gives its row no gradient, as PyTorch's `padding_idx` does.
 *
 * @throws ModelError `ID_OUT_OF_RANGE` for an id that is no row
 */
export function embedding(weight: Operand, ids: tf.Tensor, paddingIndex?: number): tf.Tensor {
  const [numEmbeddings, dim] = weight.shape as [number, number];
  checkIds(ids, 'ids', { end: numEmbeddings });
  const quantized = quantizedOf(weight);
  if (quantized !== undefined) {
    return tf.tidy(() =>
      tf.reshape(quantizedEmbedding(quantized, tf.reshape(ids, [ids.size])), [...ids.shape, dim]),
    );
  }
  const packed = alreadyPacked(weight);
  if (packed !== undefined) {
    return runKernel('MhEmbedding', { weight: packed.panels, ids }, { panels: true })[0]!;
  }
  const lookUp = differentiable({
    forward: (table) => {
      const flat = tf.reshape(ids, [ids.size]);
      const [rows] = kernelOr('MhEmbedding', { weight: table, ids: flat }, {}, () => [
        tf.gather(table!, flat as tf.Tensor1D),
      ]);
      return { value: rows!, saved: [flat] };
    },
    backward: (dy, [ids]) => {
      const used = paddingIndex === undefined ? dy : withoutPadding(dy, ids!, paddingIndex);
      // Each row's gradient is the sum over the places that used it. tfjs computes this with
      // UnsortedSegmentSum, which its wasm backend lacks; scatterND sums duplicates everywhere.
      return kernelOr('MhEmbeddingGrad', { dy: used, ids }, { numEmbeddings }, () => [
        tf.scatterND(tf.reshape(ids!, [-1, 1]), used, [numEmbeddings, dim]),
      ]);
    },
  });
  return tf.tidy(() => tf.reshape(lookUp(tensorOf(weight)), [...ids.shape, dim]));
}

/** A table that is a decoder's matrix too may have been packed for that. */
function alreadyPacked(weight: Operand): PackedMatrix | undefined {
  const isPacked = weight instanceof Parameter && weight.held instanceof PackedMatrix;
  return isPacked ? weight.packed('rows') : undefined;
}

/** Zeroes the rows of dy [places, dim] whose id is `paddingIndex`. */
function withoutPadding(dy: tf.Tensor, ids: tf.Tensor, paddingIndex: number): tf.Tensor {
  const real = tf.cast(tf.notEqual(ids, tf.scalar(paddingIndex, 'int32')), 'float32');
  return tf.mul(dy, tf.expandDims(real, -1));
}

export interface EmbeddingOptions {
  numEmbeddings: number;
  embeddingDim: number;
  /** The padding token's id: its row starts at zero and its look-ups give it no gradient. */
  paddingIndex?: number | undefined;
  /** Default N(0, 0.02²). */
  initializer?: Initializer;
}

/** A table of vectors: `weight` [numEmbeddings, embeddingDim]. */
export class Embedding {
  readonly weight: Parameter;
  readonly #paddingIndex: number | undefined;

  constructor(weights: Weights, options: EmbeddingOptions) {
    const { numEmbeddings, embeddingDim, paddingIndex, initializer = normal(0.02) } = options;
    const drawn: Initializer = (values, random, shape) => {
      initializer(values, random, shape);
      const at = (paddingIndex ?? numEmbeddings) * embeddingDim;
      values.fill(0, at, at + embeddingDim);
    };
    this.weight = weights.parameter('weight', [numEmbeddings, embeddingDim], drawn, {
      quantizedBy: 'rows',
    });
    this.#paddingIndex = paddingIndex;
  }

  /** int32 [...] → [..., embeddingDim] */
  forward(ids: tf.Tensor): tf.Tensor {
    return embedding(this.weight, ids, this.#paddingIndex);
  }
}
