import { type Ids, ModelError, packIds } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { BertConfig } from './config.js';

/** What every BERT takes in; a tokenizer's result fits as it is. */
export interface BertInputs {
  /** [batch, length] or one row [length], padded to one length unless the batch is `ragged`. */
  inputIds: Ids;
  /** 1 for a token, 0 for padding; default all 1. In the shape of `inputIds`. */
  attentionMask?: Ids | undefined;
  /** 0 for the first text, 1 for the second; default all 0. */
  tokenTypeIds?: Ids | undefined;
  /** In the shape of `inputIds`, or one row for all; default 0, 1, 2, … */
  positionIds?: Ids | undefined;
  /** Multiplies the attention weights of each head: [heads] or [layers, heads]. */
  headMask?: tf.Tensor | ArrayLike<number> | readonly ArrayLike<number>[] | undefined;
}

/** Inputs of one row in which sequences lie end to end. */
export interface PackedInputs extends BertInputs {
  labels?: Ids | undefined;
  /** How long each sequence is; undefined in a batch of rows. */
  sequenceLengths?: number[] | undefined;
}

/** The label of a position that does not count. */
export const IGNORED = -100;

/**
 * Rows of any length as one row: what the attention mask hides is left out, and every token keeps the
 * position it had in its own row.
 *
 * @throws ModelError as `packIds`, and `BAD_INPUT` for a row too long, or with no token to see
 */
export function packInputs(
  inputs: BertInputs & { labels?: Ids | undefined },
  config: BertConfig,
): PackedInputs {
  const { vocabSize, typeVocabSize, maxPositionEmbeddings } = config;
  const { ids, lengths } = packIds(inputs.inputIds, 'inputIds', { end: vocabSize });
  const optional = (
    name: 'attentionMask' | 'tokenTypeIds' | 'positionIds' | 'labels',
    end: number,
  ) => {
    const given = inputs[name];
    const ignoreIndex = name === 'labels' ? IGNORED : undefined;
    return given == null ? undefined : packIds(given, name, { end, ignoreIndex, lengths }).ids;
  };
  if (inputs.positionIds == null) {
    for (const length of lengths) checkLength(length, config);
  }
  const positions =
    optional('positionIds', maxPositionEmbeddings) ??
    Int32Array.from(lengths.flatMap((length) => Array.from({ length }, (_, i) => i)));
  const mask = optional('attentionMask', 2);
  const seen = (values: Int32Array) => (mask ? values.filter((_, i) => mask[i] === 1) : values);
  const row = (values: Int32Array | undefined) =>
    values && tf.tensor(seen(values), [1, seen(values).length], 'int32');
  return {
    inputIds: row(ids)!,
    tokenTypeIds: row(optional('tokenTypeIds', typeVocabSize)),
    positionIds: row(positions),
    headMask: inputs.headMask,
    labels: row(optional('labels', vocabSize)),
    sequenceLengths: mask ? seenLengths(mask, lengths) : lengths,
  };
}

/** How many tokens of each row the mask lets be seen. */
function seenLengths(mask: Int32Array, lengths: number[]): number[] {
  let start = 0;
  return lengths.map((length, i) => {
    const row = mask.subarray(start, start + length);
    start += length;
    const seen = row.reduce((a, b) => a + b, 0);
    if (seen > 0) return seen;
    throw new ModelError(
      'BAD_INPUT',
      `attentionMask[${i}] hides every token. Leave the row out, or pad the batch instead of packing it.`,
    );
  });
}

/** @throws ModelError `BAD_INPUT` for more tokens than there are positions */
export function checkLength(length: number, { maxPositionEmbeddings }: BertConfig): void {
  if (length <= maxPositionEmbeddings) return;
  throw new ModelError(
    'BAD_INPUT',
    `inputIds are ${length} tokens long; this model has ${maxPositionEmbeddings} positions. Truncate the text.`,
  );
}
