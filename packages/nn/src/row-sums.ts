import * as tf from '@tensorflow/tfjs-core';

/**
 * Σ over each row: x [rows, n] → [rows, 1]. tfjs's wasm backend adds float32 numbers one after the
 * other, so that the error grows with n (3e-5 of the sum over a vocabulary of 30,000). Here about √n
 * numbers are added at a time, and then their sums.
 */
export function rowSums(x: tf.Tensor): tf.Tensor {
  const [rows, n] = x.shape as [number, number];
  if (n < 128) return tf.sum(x, -1, true);
  const width = 2 ** Math.round(Math.log2(n) / 2);
  const whole = n - (n % width);
  const head = whole === n ? x : tf.slice(x, [0, 0], [rows, whole]);
  const sums = tf.sum(tf.reshape(head, [rows, whole / width, width]), -1);
  const parts = whole === n ? sums : tf.concat([sums, tf.slice(x, [0, whole], [rows, -1])], 1);
  return tf.sum(parts, -1, true);
}
