import { ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

/**
 * What is added to a score that must not count. Finite, so that a row in which everything is masked
 * gives equal weights in place of NaN; and as low as float32 goes, so that nothing leaks through.
 */
export const MASKED = -3.4028234663852886e38;

/**
 * The additive mask of a batch with padding: attentionMask int32 [batch, keys], 1 for a token and 0
 * for padding → float32 [batch, 1, 1, keys].
 *
 * @throws ModelError `WRONG_SHAPE` where it is not [batch, keys]
 */
export function paddingMask(attentionMask: tf.Tensor): tf.Tensor {
  const { shape, rank } = attentionMask;
  if (rank !== 2) {
    throw new ModelError('WRONG_SHAPE', `attentionMask is [${shape}]; it must be [batch, keys].`);
  }
  const [batch, keys] = shape as [number, number];
  return tf.tidy(() => {
    const padding = tf.sub(1, tf.cast(attentionMask, 'float32'));
    return tf.reshape(tf.mul(padding, MASKED), [batch, 1, 1, keys]);
  });
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

/**
 * The causal mask where queries see no more than the last `window` keys, their own position's among them,
 * and in row i of a batch none of the first `hidden[i]` keys: float32 [rows, 1, queries, keys], with one
 * row where nothing is hidden.
 */
export function windowMask(
  queries: number,
  keys: number,
  options: { window?: number | undefined; hidden?: readonly number[] | undefined },
): tf.Tensor {
  const { window = keys, hidden } = options;
  const absent = hidden?.some((count) => count > 0) ? hidden : [0];
  const values = new Float32Array(absent.length * queries * keys).fill(MASKED);
  absent.forEach((count, row) => {
    for (let query = 0; query < queries; query++) {
      const own = query + keys - queries;
      const at = (row * queries + query) * keys;
      const first = Math.max(own + 1 - window, count, 0);
      if (first <= own) values.fill(0, at + first, at + own + 1);
    }
  });
  return tf.tensor(values, [absent.length, 1, queries, keys], 'float32');
}

/**
 * Masks at once, broadcast against each other: their sum, but never below `MASKED`, so that what any
 * hides is hidden, and a bias on the rest stays.
 */
export function combineMasks(...masks: [tf.Tensor, ...tf.Tensor[]]): tf.Tensor {
  return tf.tidy(() =>
    tf.maximum(
      masks.reduce((a, b) => tf.add(a, b)),
      MASKED,
    ),
  );
}
