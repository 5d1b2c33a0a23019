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
 * @throws ModelError `WRONG_SHAPE` where these do not fit together, `BAD_INPUT` for a mask of
 *   another type than float32
 */
export function scaledDotProductAttention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: AttentionOptions,
): AttentionResult {
  const { numHeads, causal = false, dropout, outputAttentions = false } = options;
  checkShapes(query, key, value, numHeads);
  const { scale = 1 / Math.sqrt(query.shape[2]! / numHeads) } = options;
  const [batch, queries, keys] = [query.shape[0]!, query.shape[1]!, key.shape[1]!];
  const full = [batch, numHeads, queries, keys];
  return tf.tidy(() => {
    const headMask = options.headMask && broadcastable(options.headMask, 'headMask', full);
    const mask = options.mask && combineMasks(broadcastable(options.mask, 'mask', full));
    const inTheOpen = outputAttentions || headMask !== undefined || !hasKernel('MhAttention');
    // The kernel skips the keys after a query. A query with no other key in sight attends to all
    // keys alike, skipped ones too: where there can be such a query, the mask says what is hidden.
    const skip = causal && !inTheOpen && mask === undefined && queries <= keys;
    const hidden = causal && !skip ? withCausal(mask, queries, keys) : mask;
    const shared = { numHeads, scale, mask: hidden, dropout };
    return inTheOpen
      ? composed(query, key, value, { ...shared, headMask, outputAttentions })
      : { context: fused(query, key, value, { ...shared, causal: skip }) };
  });
}

interface Shared {
  numHeads: number;
  scale: number;
  mask: tf.Tensor | undefined;
  dropout: AttentionOptions['dropout'];
}

/** The meaning of attention, in differentiable ops. */
function composed(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: Shared & { headMask: tf.Tensor | undefined; outputAttentions: boolean },
): { context: tf.Tensor; weights?: tf.Tensor } {
  const { numHeads, scale, mask, dropout, headMask, outputAttentions } = options;
  const q = splitHeads(query, numHeads); // [batch, heads, query, headSize]
  const k = splitHeads(key, numHeads); // [batch, heads, key, headSize]
  const v = splitHeads(value, numHeads); // [batch, heads, key, valueSize]

  let scores = tf.mul(matMul(q, k, { transposeB: true }), scale); // [batch, heads, query, key]
  if (mask !== undefined) scores = tf.add(scores, mask);

  let weights = softmax(scores);
  if (dropout !== undefined) weights = dropoutOp(weights, dropout.rate, dropout.seed);
  if (headMask !== undefined) weights = tf.mul(weights, headMask);

  const context = mergeHeads(matMul(weights, v));
  return outputAttentions ? { context, weights } : { context };
}

/** The same by a kernel that never writes the weights out. */
function fused(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  { numHeads, scale, mask, causal, dropout }: Shared & { causal: boolean },
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

/** The causal mask, and what hides anything else. */
function withCausal(mask: tf.Tensor | undefined, queries: number, keys: number): tf.Tensor {
  const causal = causalMask(queries, keys);
  return mask === undefined ? causal : combineMasks(mask, causal);
}

/** As a tensor of rank 4 that broadcasts to `full`, its keys written out (kernels want that). */
function broadcastable(x: tf.Tensor, name: string, full: number[]): tf.Tensor {
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
  return tf.broadcastTo(tf.reshape(x, shape), [...shape.slice(0, -1), full.at(-1)!]);
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
