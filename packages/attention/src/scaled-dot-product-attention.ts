import { hasKernel, isRecording, ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import {
  type AttentionCall,
  type AttentionRule,
  attentionByKernel,
  composedAttention,
} from './attention-roads.js';
import type { KeyValueCache } from './key-value-cache.js';
import { checkSequences, eachSequence } from './ragged.js';

export interface AttentionOptions {
  numHeads: number;
  /**
   * Added to the scores: float32, broadcastable to [batch, heads, query, key]; see `paddingMask`.
   * Below `MASKED` (−Infinity, say) counts as `MASKED`. A constant: no gradient flows to it.
   */
  mask?: tf.Tensor | undefined;
  /** Query i sees keys up to its own position; the queries are the last of the keys. */
  causal?: boolean;
  /** Default 1/√headSize. */
  scale?: number;
  /** Dropout on the weights. */
  dropout?: { rate: number; seed: number } | undefined;
  /** Multiplies the weights, head by head: float32, broadcastable to [batch, heads, query, key]. */
  headMask?: tf.Tensor | undefined;
  /** Give the weights too. */
  outputAttentions?: boolean;
  /**
   * key and value are appended to this, and the queries attend to all it then holds: "key" in the
   * shapes above is the cache's length.
   */
  cache?: KeyValueCache | undefined;
  /**
   * The batch is one row of sequences laid end to end, each so long, and each sees itself alone. For
   * self-attention, without `mask`, `cache` and `outputAttentions`.
   */
  sequenceLengths?: readonly number[] | undefined;
}

export interface AttentionResult {
  /** [batch, query, heads·valueSize] */
  context: tf.Tensor;
  /** With `outputAttentions`: [batch, heads, query, key], as they multiply the values. */
  weights?: tf.Tensor;
}

/**
 * softmax(Q·Kᵀ·scale + mask)·V for each head (Vaswani et al. 2017, eq. 1). Heads lie side by side in
 * the last dimension: query [batch, query, heads·headSize], key [batch, key, heads·headSize], value
 * [batch, key, heads·valueSize].
 *
 * @throws ModelError `WRONG_SHAPE` where these do not fit together, `BAD_INPUT` for a mask of another
 *   type than float32 and options that exclude each other, `CONTEXT_EXCEEDED`
 */
export function scaledDotProductAttention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: AttentionOptions,
): AttentionResult {
  const { numHeads, cache, sequenceLengths } = options;
  checkShapes(query, key, value, numHeads);
  if (sequenceLengths) {
    const { mask, outputAttentions } = options;
    checkSequences(query, key, sequenceLengths, { mask, cache, outputAttentions });
  }
  const keys = key.shape[1]! + (cache?.length ?? 0);
  return tf.tidy(() => {
    const rule = attentionRule(query.shape, keys, query.shape[2]! / numHeads, options);
    cache?.append(key, value);
    const call: AttentionCall = cache
      ? { ...rule, query, key: cache.keys, value: cache.values, keyStart: cache.start }
      : { ...rule, query, key, value };
    if (servedByKernel(rule)) {
      const inputs = { query, key: call.key, value: call.value };
      const rest = { keyStart: call.keyStart, sequenceLengths, sideBySide: false };
      return attentionByKernel(inputs, { ...rule, ...rest });
    }
    return sequenceLengths ? eachSequence(call, sequenceLengths) : composedAttention(call);
  });
}

/** The options of queries [batch, query, …] and so many keys: checked, inside a tidy. */
export function attentionRule(
  [batch, queries]: readonly number[],
  keys: number,
  headSize: number,
  options: AttentionOptions,
): AttentionRule {
  const { numHeads, causal = false, dropout, outputAttentions = false } = options;
  const { scale = 1 / Math.sqrt(headSize) } = options;
  const full = [batch!, numHeads, queries!, keys];
  const headMask = options.headMask && broadcastable(options.headMask, 'headMask', full);
  const mask = options.mask && broadcastable(options.mask, 'mask', full, true);
  return { keyLength: keys, numHeads, scale, causal, dropout, mask, headMask, outputAttentions };
}

/** The kernel masks whole heads only, and differentiates neither weights nor a head mask. */
export function servedByKernel({ headMask, outputAttentions }: AttentionRule): boolean {
  if (!hasKernel('MhAttention')) return false;
  if (isRecording()) return !outputAttentions && headMask === undefined;
  return headMask === undefined || (headMask.shape[2] === 1 && headMask.shape[3] === 1);
}

/** As a tensor of rank 4 that broadcasts to `full`; with its keys written out, if the kernel wants that. */
function broadcastable(
  x: tf.Tensor,
  name: string,
  full: number[],
  writeOutKeys = false,
): tf.Tensor {
  if (x.dtype !== 'float32') {
    const add =
      name === 'mask' ? ' A mask is added to the scores; paddingMask makes one of 0 and 1.' : '';
    throw new ModelError('BAD_INPUT', `${name} must be float32, not ${x.dtype}.${add}`);
  }
  const shape = [...Array<number>(Math.max(full.length - x.rank, 0)).fill(1), ...x.shape];
  if (shape.length > full.length || shape.some((n, axis) => n !== 1 && n !== full[axis])) {
    throw new ModelError(
      'WRONG_SHAPE',
      `${name} is [${x.shape}], which does not broadcast to [batch, heads, query, key] = [${full}].`,
    );
  }
  const wide = tf.reshape(x, shape);
  if (!writeOutKeys) return wide;
  const writtenOut = [...shape.slice(0, -1), full.at(-1)!];
  // Broadcasting to nothing is where tfjs gives up.
  return full.at(-1) === 0 ? tf.zeros(writtenOut) : tf.broadcastTo(wide, writtenOut);
}

function checkShapes(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, numHeads: number): void {
  const [batch, , width] = query.shape;
  const fits =
    [query, key, value].every((t) => t.rank === 3 && t.shape[0] === batch) &&
    key.shape[2] === width &&
    key.shape[1] === value.shape[1] &&
    Number.isInteger(numHeads) &&
    width! % numHeads === 0 &&
    value.shape[2]! % numHeads === 0;
  if (fits) return;
  throw new ModelError(
    'WRONG_SHAPE',
    `Attention with ${numHeads} heads cannot take query [${query.shape}], key [${key.shape}] and value [${value.shape}]; ` +
      'each is [batch, length, heads·size], query and key of one size, key and value of one length.',
  );
}
