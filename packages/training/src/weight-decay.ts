import * as tf from '@tensorflow/tfjs-core';
import type { ParameterUpdate } from './optimizer.js';

/** How weights shrink, for every optimizer. */
export interface WeightDecayOptions {
  /** How fast weights shrink at each update. */
  weightDecay?: number;
  /**
   * Which parameters shrink. Default: matrices, which leaves out biases and the scales of layer
   * norms. A function cannot be stored: a resumed run must be given the same one.
   */
  decays?: (key: string, shape: readonly number[]) => boolean;
}

export const isMatrix = (_key: string, shape: readonly number[]): boolean => shape.length >= 2;

/** s·g + λθ: the scaled gradient, and where weights shrink their decay as a part of it. In a tidy. */
export function decayedGradient(
  { key, parameter, gradient, gradientScale }: ParameterUpdate,
  { weightDecay = 0, decays = isMatrix }: WeightDecayOptions,
): tf.Tensor {
  const scaled = gradientScale === 1 ? gradient : tf.mul(gradient, gradientScale);
  const decay = decays(key, parameter.shape) ? weightDecay : 0;
  return decay === 0 ? scaled : tf.add(scaled, tf.mul(parameter, decay));
}
