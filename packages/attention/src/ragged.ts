import { ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { type AttentionCall, composedAttention } from './attention-roads.js';

/**
 * @throws ModelError `WRONG_SHAPE` where the lengths are not those of one row, `BAD_INPUT` with options
 *   that have no meaning for sequences laid end to end
 */
export function checkSequences(
  query: tf.Tensor,
  key: tf.Tensor,
  lengths: readonly number[],
  excluded: Record<string, unknown>,
): void {
  for (const [name, given] of Object.entries(excluded)) {
    if (!given) continue;
    throw new ModelError(
      'BAD_INPUT',
      `Sequences laid end to end (sequenceLengths) are attended to without ${name}. Pad them to a batch for that.`,
    );
  }
  const fits =
    lengths.every((length) => Number.isInteger(length) && length >= 0) &&
    `${[1, lengths.reduce((a, b) => a + b, 0)]}` === `${query.shape.slice(0, 2)}` &&
    key.shape[1] === query.shape[1];
  if (fits) return;
  throw new ModelError(
    'WRONG_SHAPE',
    `sequenceLengths [${lengths}] must add up to the length of one row; query is [${query.shape}] and key [${key.shape}].`,
  );
}

/**
 * Attention within each sequence, in differentiable ops. The weights count on from one sequence to the
 * next, so that dropout draws for each its own: skipping numbers is another seed of its Weyl sequence.
 */
export function eachSequence(
  call: AttentionCall,
  lengths: readonly number[],
): { context: tf.Tensor } {
  let [start, skipped] = [0, 0];
  const contexts = lengths.map((length) => {
    const part = (x: tf.Tensor) => tf.slice(x, [0, start, 0], [1, length, x.shape[2]!]);
    const [query, key, value] = [part(call.query), part(call.key), part(call.value)];
    const seed = ((call.dropout?.seed ?? 0) + Math.imul(skipped, 0x9e3779b1)) | 0;
    const dropout = call.dropout && { ...call.dropout, seed };
    start += length;
    skipped = (skipped + Math.imul(call.numHeads, length * length)) | 0;
    return composedAttention({ ...call, query, key, value, keyLength: length, dropout }).context;
  });
  return { context: tf.concat(contexts, 1) };
}
