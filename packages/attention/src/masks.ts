import * as tf from '@tensorflow/tfjs-core';

/**
 * What is added to a score that must not count. Finite, so that a row in which everything is masked
 * gives equal weights in place of NaN; and as low as float32 goes, so that nothing leaks through.
 */
export const MASKED = -3.4028234663852886e38;

/**
 * The additive mask of a batch with padding: attentionMask int32 [batch, keys], 1 for a token and 0
 * for padding → float32 [batch, 1, 1, keys].
 */
export function paddingMask(attentionMask: tf.Tensor): tf.Tensor {
  const [batch, keys] = attentionMask.shape as [number, number];
  const padding = tf.sub(1, tf.cast(attentionMask, 'float32'));
  return tf.reshape(tf.mul(padding, MASKED), [batch, 1, 1, keys]);
}

/**
 * The additive mask that lets query i see keys up to its own position, the queries being the last of
 * the keys: float32 [1, 1, queries, keys]. (`scaledDotProductAttention` has `causal: true`, which is
 * the same without a tensor.)
 */
export function causalMask(queries: number, keys: number): tf.Tensor {
  const values = new Float32Array(queries * keys);
  for (let query = 0; query < queries; query++) {
    const firstHidden = Math.max(query + keys - queries + 1, 0);
    if (firstHidden < keys) values.fill(MASKED, query * keys + firstHidden, (query + 1) * keys);
  }
  return tf.tensor(values, [1, 1, queries, keys], 'float32');
}

/** Both masks at once, broadcast against each other: what either hides is hidden. */
export function combineMasks(...masks: tf.Tensor[]): tf.Tensor {
  return tf.tidy(() => masks.reduce((a, b) => tf.minimum(a, b)));
}
