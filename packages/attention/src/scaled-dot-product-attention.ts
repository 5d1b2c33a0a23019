import {
  differentiable,
  dropout as dropoutOp,
  hasKernel,
  ModelError,
  matMul,
  runKernel,
  softmax,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { causalMask, combineMasks } from './masks.js';

export interface AttentionOptions {
  numHeads: number;
  /** Additive, float32, broadcastable to [batch, heads, query, key]; see `paddingMask`. */
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
 * @throws ModelError `WRONG_SHAPE` where these do not fit together
 */
export function scaledDotProductAttention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: AttentionOptions,
): AttentionResult {
  checkShapes(query, key, value, options.numHeads);
  const { scale = 1 / Math.sqrt(query.shape[2]! / options.numHeads) } = options;
  const inTheOpen = options.outputAttentions === true || options.headMask !== undefined;
  return inTheOpen || !hasKernel('MhAttention')
    ? composed(query, key, value, scale, options)
    : { context: fused(query, key, value, scale, options) };
}

/** The meaning of attention, in differentiable ops. */
function composed(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  scale: number,
  { numHeads, mask, causal, dropout, headMask, outputAttentions }: AttentionOptions,
): AttentionResult {
  const q = splitHeads(query, numHeads); // [batch, heads, query, headSize]
  const k = splitHeads(key, numHeads); // [batch, heads, key, headSize]
  const v = splitHeads(value, numHeads); // [batch, heads, key, valueSize]

  let scores = tf.mul(matMul(q, k, { transposeB: true }), scale); // [batch, heads, query, key]
  const masks = mask === undefined ? [] : [mask];
  if (causal === true) masks.push(causalMask(query.shape[1]!, key.shape[1]!));
  if (masks.length > 0) scores = tf.add(scores, combineMasks(...masks));

  let weights = softmax(scores);
  if (dropout !== undefined) weights = dropoutOp(weights, dropout.rate, dropout.seed);
  if (headMask !== undefined) weights = tf.mul(weights, headMask);

  const context = mergeHeads(matMul(weights, v));
  return outputAttentions === true ? { context, weights } : { context };
}

/** The same by a kernel that never writes the weights out. */
function fused(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  scale: number,
  { numHeads, mask, causal = false, dropout }: AttentionOptions,
): tf.Tensor {
  const { rate: dropoutRate, seed: dropoutSeed } = dropout ?? { rate: 0, seed: 0 };
  const attrs = { numHeads, scale, causal, dropoutRate, dropoutSeed };
  return differentiable({
    forward: (q, k, v) => {
      const inputs = { query: q!, key: k!, value: v!, mask };
      const [context, logSumExp] = runKernel('MhAttention', inputs, attrs);
      return { value: context!, saved: [q!, k!, v!, logSumExp!, ...(mask ? [mask] : [])] };
    },
    backward: (dcontext, [q, k, v, logSumExp, mask]) => {
      const inputs = { dcontext, query: q!, key: k!, value: v!, logSumExp: logSumExp!, mask };
      return runKernel('MhAttentionGrad', inputs, attrs);
    },
  })(query, key, value);
}

/** [batch, length, heads·size] → [batch, heads, length, size] */
function splitHeads(x: tf.Tensor, numHeads: number): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, length, numHeads, width / numHeads]), [0, 2, 1, 3]);
}

/** [batch, heads, length, size] → [batch, length, heads·size] */
function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

function checkShapes(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, numHeads: number): void {
  const [batch, , width] = query.shape;
  const fits =
    [query, key, value].every((t) => t.rank === 3 && t.shape[0] === batch) &&
    key.shape[2] === width &&
    key.shape[1] === value.shape[1] &&
    width! % numHeads === 0 &&
    value.shape[2]! % numHeads === 0;
  if (fits) return;
  throw new ModelError(
    'WRONG_SHAPE',
    `Attention with ${numHeads} heads cannot take query [${query.shape}], key [${key.shape}] and value [${value.shape}]; ` +
      'each is [batch, length, heads·size], query and key of one size, key and value of one length.',
  );
}
