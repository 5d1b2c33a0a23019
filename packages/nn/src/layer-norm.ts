import * as tf from '@tensorflow/tfjs-core';
import { differentiable, isRecording } from './differentiable.js';
import { ModelError } from './errors.js';
import { hasKernel, kernelOr, runKernel } from './kernel.js';
import { columnSums } from './mat-mul.js';
import { type Operand, type Parameter, tensorOf } from './parameter.js';
import { type Initializer, ones, type Weights, zeros } from './weights.js';

/**
 * Layer normalization over the last dimension (Ba et al. 2016, eq. 4): (x − μ)/√(σ² + ε)·γ + β, with
 * the biased variance. x [..., d], weight γ [d], bias β [d] → [..., d].
 *
 * @throws ModelError `WRONG_SHAPE` where these do not fit
 */
export function layerNorm(
  x: tf.Tensor,
  weight: Operand,
  bias: Operand,
  epsilon: number,
): tf.Tensor {
  const gamma = tensorOf(weight);
  const beta = tensorOf(bias);
  const d = x.shape.at(-1) ?? 0;
  if (d === 0 || gamma.shape.join() !== `${d}` || beta.shape.join() !== `${d}`) {
    throw new ModelError(
      'WRONG_SHAPE',
      `layerNorm takes x [..., d], weight [d] and bias [d], not [${x.shape}], [${gamma.shape}] and [${beta.shape}].`,
    );
  }
  const normalize = differentiable({
    forward: (x, gamma, beta) => {
      const [y, mean, rstd] = kernelOr('MhLayerNorm', { x, gamma, beta }, { epsilon }, () => {
        // tfjs's wasm backend adds a row's float32 numbers one after the other. What that costs in a
        // mean far from zero, the mean of the differences gives back.
        const nearMean = tf.mean(x!, -1, true); // [rows, 1]
        const nearlyCentred = tf.sub(x!, nearMean); // [rows, d]
        const rest = tf.mean(nearlyCentred, -1, true);
        const mean = tf.add(nearMean, rest);
        const centred = tf.sub(nearlyCentred, rest);
        const variance = tf.mean(tf.square(centred), -1, true);
        const rstd = tf.rsqrt(tf.add(variance, epsilon)); // [rows, 1]
        const y = tf.add(tf.mul(tf.mul(centred, rstd), gamma!), beta!);
        return [y, tf.squeeze(mean, [1]), tf.squeeze(rstd, [1])];
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
  if (!isRecording() && hasKernel('MhLayerNorm')) {
    return tf.tidy(() => runKernel('MhLayerNorm', { x, gamma, beta }, { epsilon })[0]!);
  }
  return tf.tidy(() => {
    const flat = tf.reshape(x, [x.size / d, d]);
    return tf.reshape(normalize(flat, gamma, beta), x.shape);
  });
}

export interface LayerNormOptions {
  /** Added to the variance; BERT's configs call it `layer_norm_eps`. */
  epsilon: number;
  /** Of the weight; default all 1. */
  initializer?: Initializer;
}

/** Layer normalization with `weight` [size] (starts at 1) and `bias` [size] (starts at 0). */
export class LayerNorm {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #epsilon: number;

  constructor(weights: Weights, size: number, options: LayerNormOptions) {
    const { epsilon, initializer = ones } = options;
    this.weight = weights.parameter('weight', [size], initializer);
    this.bias = weights.parameter('bias', [size], zeros);
    this.#epsilon = epsilon;
  }

  /** [..., size] → [..., size] */
  forward(x: tf.Tensor): tf.Tensor {
    return layerNorm(x, this.weight, this.bias, this.#epsilon);
  }
}
