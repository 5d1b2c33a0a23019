import { type CausalModel, crossEntropy, yieldToEventLoop } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { expectWhole, TrainingError, throwIfAborted } from './errors.js';

/** By context length, rising: the losses of the same tokens, in nats. */
export type ContextLosses = readonly { contextLength: number; losses: ArrayLike<number> }[];

export interface ContextLossesOptions {
  model: CausalModel;
  /** The text. */
  ids: ArrayLike<number>;
  /** How many tokens before it the model sees of each token, rising. */
  contextLengths: readonly number[];
  /**
   * Tokens of the context that the model takes in at once, the last of them before the token; default all.
   * What was taken in before is in its state alone: a Transformer-XL has what its memory holds.
   */
  segmentLength?: number;
  /** Every how many tokens one is foretold, from the first with the longest context on; default 1. */
  stride?: number;
  /** Tokens at once; default 64. */
  batchSize?: number;
  onProgress?: (progress: { contextLength: number; tokens: number }) => void;
  signal?: AbortSignal | undefined;
}

/**
 * What the same tokens cost a model that sees no more than so many tokens before them, l(c, t) = −log
 * P(xₜ | xₜ₋₁ … xₜ₋c), as `relativeContextLengths` wants it (Dai et al. 2019, appendix C). Each token and
 * each context is a pass of its own through a state that has seen nothing: the work of `contextLength`
 * tokens for one.
 *
 * @throws TrainingError `ABORTED`, `BAD_OPTION`; ModelError `CONTEXT_EXCEEDED` beyond the model's context
 */
export async function contextLosses(
  options: ContextLossesOptions,
): Promise<{ contextLength: number; losses: Float32Array }[]> {
  const { model, contextLengths, stride = 1, batchSize = 64, onProgress, signal } = options;
  const { segmentLength = Number.MAX_SAFE_INTEGER } = options;
  expectWhole('contextLosses: stride', stride, 1);
  expectWhole('contextLosses: batchSize', batchSize, 1);
  expectWhole('contextLosses: segmentLength', segmentLength, 1);
  const ids = Int32Array.from(options.ids);
  const positions = positionsOf(ids.length, contextLengths, stride);
  const results: { contextLength: number; losses: Float32Array }[] = [];
  for (const contextLength of contextLengths) {
    const losses = new Float32Array(positions.length);
    for (let done = 0; done < positions.length; ) {
      throwIfAborted(signal, `after ${done} tokens with a context of ${contextLength}`);
      const batch = positions.slice(done, done + batchSize);
      losses.set(lossesOf(model, ids, batch, { contextLength, segmentLength }), done);
      done += batch.length;
      onProgress?.({ contextLength, tokens: done });
      await yieldToEventLoop();
    }
    results.push({ contextLength, losses });
  }
  return results;
}

/** Where the tokens stand that are foretold. */
function positionsOf(length: number, contextLengths: readonly number[], stride: number): number[] {
  for (const [i, contextLength] of contextLengths.entries()) {
    const least = i === 0 ? 1 : contextLengths[i - 1]! + 1;
    expectWhole(`contextLosses: contextLengths[${i}]`, contextLength, least);
  }
  const longest = contextLengths.at(-1);
  if (longest === undefined || longest >= length) {
    throw new TrainingError(
      'BAD_OPTION',
      `contextLosses: in a text of ${length} tokens none has ${longest ?? 'no'} tokens before it; give context lengths below that.`,
    );
  }
  return Array.from(
    { length: Math.ceil((length - longest) / stride) },
    (_, i) => longest + i * stride,
  );
}

/** The loss of the token at each position, from the `contextLength` tokens before it. */
function lossesOf(
  model: CausalModel,
  ids: Int32Array,
  positions: readonly number[],
  { contextLength, segmentLength }: { contextLength: number; segmentLength: number },
): ArrayLike<number> {
  using state = model.createState({ batch: positions.length, capacity: contextLength });
  let losses: ArrayLike<number> = [];
  for (let left = contextLength; left > 0; ) {
    // A segment that is not whole is the first: what stands right before a token tells the most.
    const size = left % segmentLength || segmentLength;
    const rows = positions.map((at) => ids.subarray(at - left, at - left + size));
    left -= size;
    using outputs = model.step(rows, state);
    if (left === 0)
      losses = foretold(
        outputs.logits,
        Int32Array.from(positions, (at) => ids[at]!),
      );
  }
  return losses;
}

/** −log softmax(logits)[id] of each row. */
function foretold(logits: tf.Tensor, ids: Int32Array): ArrayLike<number> {
  return tf.tidy(() =>
    crossEntropy(logits, tf.tensor1d(ids, 'int32'), { reduction: 'none' }).dataSync(),
  );
}
