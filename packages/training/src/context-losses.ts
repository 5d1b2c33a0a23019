import { type CausalModel, crossEntropy, yieldToEventLoop } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { expectWhole, TrainingError, throwIfAborted } from './errors.js';
import { tokenIds } from './token-ids.js';

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
  /** Told of losses, one for each token and context. */
  onProgress?: (progress: { done: number; total: number }) => void;
  signal?: AbortSignal | undefined;
}

/**
 * What the same tokens cost a model that sees no more than so many tokens before them, l(c, t) = −log
 * P(xₜ | xₜ₋₁ … xₜ₋c), as `relativeContextLengths` wants it (Dai et al. 2019, appendix C). Each token and
 * each context is a pass of its own through a state that has seen nothing, the work of `contextLength` tokens
 * for one; but where contexts and `stride` are multiples of `segmentLength`, a pass gives a token to each
 * context on its way.
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
  const ids = tokenIds('contextLosses: ids', options.ids);
  const positions = positionsOf(ids.length, contextLengths, stride);
  const results = contextLengths.map((contextLength) => ({
    contextLength,
    losses: new Float32Array(positions.length),
  }));
  const total = positions.length * contextLengths.length;
  let done = 0;
  for (const passes of passesOf(positions, contextLengths, segmentLength)) {
    for (let from = 0; from < passes.length; from += batchSize) {
      throwIfAborted(signal, `after ${done} of ${total} losses`);
      const batch = passes.slice(from, from + batchSize);
      run(model, ids, batch, segmentLength, ({ context, token }, loss) => {
        results[context]!.losses[token] = loss;
        done++;
      });
      onProgress?.({ done, total });
      await yieldToEventLoop();
    }
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
  if (longest === undefined) {
    throw new TrainingError('BAD_OPTION', 'contextLosses: contextLengths are none; give one.');
  }
  if (longest >= length) {
    throw new TrainingError(
      'BAD_OPTION',
      `contextLosses: in a text of ${length} tokens none has ${longest} tokens before it; give context lengths below that.`,
    );
  }
  return Array.from(
    { length: Math.ceil((length - longest) / stride) },
    (_, i) => longest + i * stride,
  );
}

/** Tokens that a state takes in from `start` on, and what is asked on the way, after more and more of them. */
interface Pass {
  start: number;
  /** Tokens of its first segment. One that is not whole is the first: what stands right before a token tells most. */
  first: number;
  asked: { length: number; context: number; token: number }[];
}

/** Contexts that begin at one token and whose segments have the same borders share a pass; alike ones together. */
function passesOf(
  positions: readonly number[],
  contextLengths: readonly number[],
  segmentLength: number,
): Iterable<Pass[]> {
  const passes = new Map<string, Pass>();
  for (const [context, length] of contextLengths.entries()) {
    const first = length % segmentLength || segmentLength;
    for (const [token, at] of positions.entries()) {
      const start = at - length;
      const key = `${start} ${first}`;
      const pass = passes.get(key) ?? { start, first, asked: [] };
      passes.set(key, pass);
      pass.asked.push({ length, context, token });
    }
  }
  const alike = new Map<string, Pass[]>();
  for (const pass of passes.values()) {
    const key = String(pass.asked.map(({ length }) => length));
    const others = alike.get(key) ?? [];
    alike.set(key, others);
    others.push(pass);
  }
  return alike.values();
}

/** Takes in passes that are alike, a row each, and tells the losses that are asked for. */
function run(
  model: CausalModel,
  ids: Int32Array,
  passes: readonly Pass[],
  segmentLength: number,
  tell: (asked: Pass['asked'][number], loss: number) => void,
): void {
  const { first, asked } = passes[0]!;
  using state = model.createState({ batch: passes.length, capacity: asked.at(-1)!.length });
  let seen = 0;
  for (const [i, { length }] of asked.entries()) {
    while (seen < length) {
      const end = seen + (seen === 0 ? first : segmentLength);
      const rows = passes.map(({ start }) => ids.subarray(start + seen, start + end));
      using outputs = model.step(rows, state);
      seen = end;
      if (seen < length) continue;
      const next = Int32Array.from(passes, ({ start }) => ids[start + seen]!);
      const losses = foretold(outputs.logits, next);
      passes.forEach((pass, row) => void tell(pass.asked[i]!, losses[row]!));
    }
  }
}

/** −log softmax(logits)[id] of each row. */
function foretold(logits: tf.Tensor, ids: Int32Array): ArrayLike<number> {
  return tf.tidy(() =>
    crossEntropy(logits, tf.tensor1d(ids, 'int32'), { reduction: 'none' }).dataSync(),
  );
}
