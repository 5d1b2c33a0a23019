import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { kernelOr } from './kernel.js';
import { columnSums } from './linear.js';
import { type Operand, type Parameter, tensorOf } from './parameter.js';
import { ones, type Weights, zeros } from './weights.js';

/**
 * Layer normalization over the last dimension (Ba et al. 2016, eq. 4): (x − μ)/√(σ² + ε)·γ + β, with
 * the biased variance. x [..., d], weight γ [d], bias β [d] → [..., d].
 */
export function layerNorm(
  x: tf.Tensor,
  weight: Operand,
  bias: Operand,
  epsilon: number,
): tf.Tensor {
  const d = x.shape.at(-1)!;
  const flat = tf.reshape(x, [x.size / Math.max(d, 1), d]);
  const normalize = differentiable({
    forward: (x, gamma, beta) => {
      const [y, mean, rstd] = kernelOr('MhLayerNorm', { x, gamma, beta }, { epsilon }, () => {
        const mean = tf.mean(x!, -1); // [rows]
        const centred = tf.sub(x!, tf.expandDims(mean, -1)); // [rows, d]
        const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1), epsilon)); // [rows]
        const y = tf.add(tf.mul(tf.mul(centred, tf.expandDims(rstd, -1)), gamma!), beta!);
        return [y, mean, rstd];
      });
      return { value: y!, saved: [x!, gamma!, mean!, rstd!] };
    },
    backward: (dy, [x, gamma, mean, rstd]) =>
      kernelOr('MhLayerNormGrad', { dy, x, gamma, mean, rstd }, {}, () => {
        const scale = tf.expandDims(rstd!, -1); // [rows, 1]
        const normed = tf.mul(tf.sub(x!, tf.expandDims(mean!, -1)), scale); // [rows, d]
        const dNormed = tf.mul(dy, gamma!);
        const along = tf.mean(tf.mul(dNormed, normed), -1, true); // [rows, 1]
        const centredGrad = tf.sub(dNormed, tf.mean(dNormed, -1, true));
        const dx = tf.mul(scale, tf.sub(centredGrad, tf.mul(normed, along)));
        return [dx, columnSums(tf.mul(dy, normed)), columnSums(dy)];
      }),
  });
  return tf.reshape(normalize(flat, tensorOf(weight), tensorOf(bias)), x.shape);
}

export interface LayerNormOptions {
  /** Added to the variance; BERT's configs call it `layer_norm_eps`. */
  epsilon: number;
}

/** Layer normalization with `weight` [size] (starts at 1) and `bias` [size] (starts at 0). */
export class LayerNorm {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #epsilon: number;

  constructor(weights: Weights, size: number, { epsilon }: LayerNormOptions) {
    this.weight = weights.parameter('weight', [size], ones);
    this.bias = weights.parameter('bias', [size], zeros);
    this.#epsilon = epsilon;
  }

  /** [..., size] → [..., size] */
  forward(x: tf.Tensor): tf.Tensor {
    return layerNorm(x, this.weight, this.bias, this.#epsilon);
  }
}
