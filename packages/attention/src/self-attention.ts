import { hasKernel, isRecording, ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { attentionByKernel } from './attention-roads.js';
import {
  type AttentionOptions,
  type AttentionResult,
  attentionRule,
  scaledDotProductAttention,
  servedByKernel,
} from './scaled-dot-product-attention.js';

/**
 * `scaledDotProductAttention` of a sequence with itself where one projection gave query, key and value
 * side by side, as GPT's does: qkv [batch, length, 3·heads·size] → context [batch, length, heads·size]. A
 * kernel reads each of the three where it lies, and a cache takes in the last two from there.
 *
 * @throws ModelError as `scaledDotProductAttention`
 */
export function selfAttention(qkv: tf.Tensor, options: AttentionOptions): AttentionResult {
  const width = (qkv.shape.at(-1) ?? 0) / 3;
  if (qkv.rank !== 3 || !Number.isInteger(width / options.numHeads)) {
    throw new ModelError(
      'WRONG_SHAPE',
      `Self-attention takes query, key and value side by side, [batch, length, 3·${options.numHeads} heads·size], not [${qkv.shape}].`,
    );
  }
  const { cache, sequenceLengths, numHeads } = options;
  return tf.tidy(() => {
    // Keys of a cache have no gradient.
    if (!(isRecording() && cache) && !sequenceLengths && hasKernel('MhAttention')) {
      const keys = qkv.shape[1]! + (cache?.length ?? 0);
      const rule = attentionRule(qkv.shape, keys, width / numHeads, options);
      if (servedByKernel(rule)) {
        cache?.appendSideBySide(qkv);
        const inputs = { query: qkv, ...(cache && { key: cache.keys, value: cache.values }) };
        const rest = { keyStart: cache?.start, sequenceLengths, sideBySide: true };
        return attentionByKernel(inputs, { ...rule, ...rest });
      }
    }
    const [query, key, value] = tf.split(qkv, 3, -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { context, weights } = scaledDotProductAttention(query, key, value, options);
    return { context, ...(weights && { weights }) };
  });
}
