import {
  differentiable,
  dropout as dropoutOp,
  isRecording,
  matMul,
  runKernel,
  softmax,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { mergeHeads, splitHeads } from './heads.js';
import { causalMask, combineMasks } from './masks.js';

/*
 * The two roads of scaled dot-product attention: its meaning as a composition of ops, and the kernel
 * that gives the same. Which one is taken is decided in `scaled-dot-product-attention.ts`.
 */

/** How to attend, checked and complete. */
export interface AttentionRule {
  /** Of key and value the first `keyLength` positions count; a cache has room for more. */
  keyLength: number;
  numHeads: number;
  scale: number;
  causal: boolean;
  /** [batch|1, heads|1, query|1, keyLength]; below `MASKED` it counts as that. */
  mask: tf.Tensor | undefined;
  /** Of rank 4, broadcastable to [batch, heads, query, keyLength] */
  headMask: tf.Tensor | undefined;
  dropout: { rate: number; seed: number } | undefined;
  outputAttentions: boolean;
}

/** And to what. */
export interface AttentionCall extends AttentionRule {
  query: tf.Tensor;
  key: tf.Tensor;
  value: tf.Tensor;
}

type Result = { context: tf.Tensor; weights?: tf.Tensor };

/** The meaning of attention, in differentiable ops. */
export function composedAttention(call: AttentionCall): Result {
  const { query, keyLength, numHeads, scale, dropout, headMask, outputAttentions } = call;
  const q = splitHeads(query, numHeads); // [batch, heads, query, headSize]
  const k = splitHeads(first(keyLength, call.key), numHeads); // [batch, heads, key, headSize]
  const v = splitHeads(first(keyLength, call.value), numHeads); // [batch, heads, key, valueSize]
  const mask = hidden(call);

  let scores = tf.mul(matMul(q, k, { transposeB: true }), scale); // [batch, heads, query, key]
  if (mask !== undefined) scores = tf.add(scores, mask);

  let weights = softmax(scores);
  if (dropout !== undefined) weights = dropoutOp(weights, dropout.rate, dropout.seed);
  if (headMask !== undefined) weights = tf.mul(weights, headMask);

  const context = mergeHeads(matMul(weights, v));
  return outputAttentions ? { context, weights } : { context };
}

/**
 * The same by a kernel, which writes the weights out only when they are asked for. A gradient flows
 * where neither they nor a head mask are.
 */
export function attentionByKernel(
  call: AttentionCall & { sequenceLengths: readonly number[] | undefined },
): Result {
  const { query, key, value, mask } = call;
  if (!isRecording()) return attentionAlone({ query, key, value }, call);
  const attrs = attributes(call);
  const attend = differentiable({
    forward: (q, k, v) => {
      const inputs = { query: q!, key: k!, value: v!, mask };
      const [context, logSumExp] = runKernel('MhAttention', inputs, attrs);
      return { value: context!, saved: [q!, k!, v!, logSumExp!, ...(mask ? [mask] : [])] };
    },
    backward: (dcontext, [q, k, v, logSumExp, mask]) => {
      const inputs = { dcontext, query: q!, key: k!, value: v!, logSumExp: logSumExp!, mask };
      return runKernel('MhAttentionGrad', inputs, attrs);
    },
  });
  return { context: attend(query, key, value) };
}

/**
 * The same without a gradient. A query alone has key and value beside it, `sideBySide`, in one tensor;
 * those of a cache may take their place.
 */
export function attentionAlone(
  inputs: { query: tf.Tensor; key?: tf.Tensor; value?: tf.Tensor },
  rule: AttentionRule & { sequenceLengths: readonly number[] | undefined },
  sideBySide = false,
): Result {
  const { mask, headMask, outputAttentions: outputWeights } = rule;
  const attrs = { ...attributes(rule), outputWeights, sideBySide };
  const outputs = runKernel('MhAttention', { ...inputs, mask, headMask }, attrs);
  const [context, , weights] = outputs;
  return { context: context!, ...(weights && { weights }) };
}

function attributes(rule: AttentionRule & { sequenceLengths: readonly number[] | undefined }) {
  const { numHeads, scale, causal, keyLength, sequenceLengths } = rule;
  const { rate: dropoutRate, seed: dropoutSeed } = rule.dropout ?? { rate: 0, seed: 0 };
  return {
    ...{ numHeads, scale, causal, dropoutRate, dropoutSeed, keyLength },
    ...(sequenceLengths && { sequenceLengths: [...sequenceLengths] }),
  };
}

/** [batch, length, …] → [batch, count, …] */
function first(count: number, x: tf.Tensor): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return length === count ? x : tf.slice(x, [0, 0, 0], [batch, count, width]);
}

/** What is added to the scores: the causal mask, and what hides anything else. */
function hidden({ mask, causal, query, keyLength }: AttentionCall): tf.Tensor | undefined {
  if (!causal) return mask && combineMasks(mask);
  const rule = causalMask(query.shape[1]!, keyLength);
  return mask === undefined ? rule : combineMasks(mask, rule);
}
