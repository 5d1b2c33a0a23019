import type { Parameter } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

/** The rise of a scalar along a gradient: measured, and as the gradient says. */
export interface Slope {
  slope: number;
  gradientNorm: number;
}

/**
 * Moves a parameter a little to either side along its gradient's own direction, where the slope is
 * the gradient's length, and measures the central difference of `f`.
 */
export function finiteDifference(
  parameter: Parameter,
  gradient: tf.Tensor,
  f: () => tf.Tensor,
  step = 1e-2,
): Slope {
  const original = tf.clone(parameter.value);
  const values = gradient.dataSync() as Float32Array;
  const gradientNorm = Math.hypot(...values.map(Number));
  const at = (distance: number): number => {
    const moved = tf.tidy(() => tf.add(original, tf.mul(gradient, distance / gradientNorm)));
    parameter.assign(moved);
    return tf.tidy(() => f().dataSync()[0]!);
  };
  const slope = gradientNorm === 0 ? 0 : (at(step) - at(-step)) / (2 * step);
  parameter.assign(original);
  return { slope, gradientNorm };
}
