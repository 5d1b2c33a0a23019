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
  /** Of key and value so many positions count; a cache has room for more. */
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
  keyStart?: KernelRule['keyStart'];
}

type Result = { context: tf.Tensor; weights?: tf.Tensor };

/** The meaning of attention, in differentiable ops. */
export function composedAttention(call: AttentionCall): Result {
  const { query, numHeads, scale, dropout, headMask, outputAttentions } = call;
  const q = splitHeads(query, numHeads); // [batch, heads, query, headSize]
  const k = splitHeads(counted(call, call.key), numHeads); // [batch, heads, key, headSize]
  const v = splitHeads(counted(call, call.value), numHeads); // [batch, heads, key, valueSize]
  const mask = hidden(call);

  let scores = tf.mul(matMul(q, k, { transposeB: true }), scale); // [batch, heads, query, key]
  if (mask !== undefined) scores = tf.add(scores, mask);

  let weights = softmax(scores);
  if (dropout !== undefined) weights = dropoutOp(weights, dropout.rate, dropout.seed);
  if (headMask !== undefined) weights = tf.mul(weights, headMask);

  const context = mergeHeads(matMul(weights, v));
  return outputAttentions ? { context, weights } : { context };
}

/** What the kernel attends to. */
interface KernelInputs {
  /** With `sideBySide` key and value beside it, those of a cache taking their place. */
  query: tf.Tensor;
  key?: tf.Tensor;
  value?: tf.Tensor;
}

type KernelRule = AttentionRule & {
  /** The first position of key and value that counts; default 0. */
  keyStart?: number | undefined;
  sequenceLengths: readonly number[] | undefined;
  sideBySide: boolean;
};

/**
 * The same by a kernel, which writes the weights out only when they are asked for. A gradient flows
 * where neither they nor a head mask are.
 */
export function attentionByKernel(inputs: KernelInputs, rule: KernelRule): Result {
  if (!isRecording()) return attentionAlone(inputs, rule);
  const attrs = attributes(rule);
  const { mask } = rule;
  const given = Object.values(inputs) as tf.Tensor[];
  const named = ([query, key, value]: tf.Tensor[]) => ({ query: query!, key, value, mask });
  const attend = differentiable({
    forward: (...given) => {
      const [context, logSumExp] = runKernel('MhAttention', named(given), attrs);
      return { value: context!, saved: [logSumExp!, ...(mask ? [mask] : []), ...given] };
    },
    backward: (dcontext, [logSumExp, ...saved]) => {
      const inputs = { dcontext, logSumExp, ...named(mask ? saved.slice(1) : saved) };
      return runKernel('MhAttentionGrad', inputs, attrs);
    },
  });
  return { context: attend(...given) };
}

/** The same without a gradient. */
function attentionAlone(inputs: KernelInputs, rule: KernelRule): Result {
  const { mask, headMask, outputAttentions: outputWeights } = rule;
  const attrs = { ...attributes(rule), outputWeights };
  const outputs = runKernel('MhAttention', { ...inputs, mask, headMask }, attrs);
  const [context, , weights] = outputs;
  return { context: context!, ...(weights && { weights }) };
}

function attributes(rule: KernelRule) {
  const { numHeads, scale, causal, keyStart = 0, keyLength, sequenceLengths, sideBySide } = rule;
  const { rate: dropoutRate, seed: dropoutSeed } = rule.dropout ?? { rate: 0, seed: 0 };
  return {
    ...{ numHeads, scale, causal, dropoutRate, dropoutSeed, keyStart, keyLength, sideBySide },
    ...(sequenceLengths && { sequenceLengths: [...sequenceLengths] }),
  };
}

/** Of keys or values [batch, room, width] those that count. */
export function counted(
  { keyStart = 0, keyLength }: { keyStart?: number | undefined; keyLength: number },
  x: tf.Tensor,
): tf.Tensor {
  const [batch, room, width] = x.shape as [number, number, number];
  return room === keyLength ? x : tf.slice(x, [0, keyStart, 0], [batch, keyLength, width]);
}

/** What is added to the scores: the causal mask, and what hides anything else. */
function hidden({ mask, causal, query, keyLength }: AttentionCall): tf.Tensor | undefined {
  if (!causal) return mask && combineMasks(mask);
  const rule = causalMask(query.shape[1]!, keyLength);
  return mask === undefined ? rule : combineMasks(mask, rule);
}
