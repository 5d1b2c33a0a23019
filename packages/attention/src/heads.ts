import * as tf from '@tensorflow/tfjs-core';

/** [batch, length, heads·size] → [batch, heads, length, size] */
export function splitHeads(x: tf.Tensor, numHeads: number): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, length, numHeads, width / numHeads]), [0, 2, 1, 3]);
}

/** [batch, heads, length, size] → [batch, length, heads·size] */
export function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}
