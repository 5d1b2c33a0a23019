import type { Parameter } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

/** The rise of a scalar along a direction: measured, and as the gradient says. */
export interface Slope {
  slope: number;
  expected: number;
}

/**
 * Moves a parameter a little to either side along a direction (made of length 1) and measures the
 * central difference of `f`. Along the gradient itself the slope is the gradient's length; a random
 * direction also finds what the gradient leaves out.
 *
 * @param gradient of the parameter's shape; undefined stands for zeros
 */
export function finiteDifference(
  parameter: Parameter,
  gradient: tf.Tensor | undefined,
  direction: ArrayLike<number>,
  f: () => tf.Tensor,
  step = 1e-2,
): Slope {
  const original = tf.clone(parameter.value);
  const from = original.dataSync() as Float32Array;
  const length = Math.hypot(...Array.from(direction));
  const at = (distance: number): number => {
    const moved = from.map((v, i) => v + (distance * direction[i]!) / length);
    parameter.assign(tf.tensor(moved, [...parameter.shape]));
    return tf.tidy(() => f().dataSync()[0]!);
  };
  const slope = length === 0 ? 0 : (at(step) - at(-step)) / (2 * step);
  parameter.assign(original);
  let expected = 0;
  gradient?.dataSync().forEach((g, i) => {
    expected += length === 0 ? 0 : (g * direction[i]!) / length;
  });
  return { slope, expected };
}
