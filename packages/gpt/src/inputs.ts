import { combineMasks, paddingMask } from '@multihead/attention';
import {
  checkEmbeds,
  type ForwardOptions,
  type Ids,
  idsToTensor,
  ModelError,
  type Numbers,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';
import type { GPTState } from './state.js';

/** What every GPT takes in; a tokenizer's result fits as it is (its token types are not a GPT's). */
export interface GPTInputs {
  /** [batch, length] or one row [length], padded to one length; or `inputsEmbeds` in its place. */
  inputIds?: Ids | undefined;
  /** The tokens' vectors themselves, [batch, length, nEmbd]. */
  inputsEmbeds?: tf.Tensor | undefined;
  /**
   * 1 for a token, 0 for padding; default all 1. In the shape of `inputIds`, or with `pastKeyValues`
   * [batch, seen + length].
   */
  attentionMask?: Ids | undefined;
  /**
   * In the shape of `inputIds`, or one row for all; default what follows the past, from 0. With
   * padding on the left, give positions that begin at 0 behind it.
   */
  positionIds?: Ids | undefined;
  /**
   * Tokens whose embeddings are added to those of `inputIds`, in their shape: what Hugging Face's
   * library calls `token_type_ids`, which are 0 and 1 everywhere else.
   */
  typeTokenIds?: Ids | undefined;
  /** Multiplies the attention weights of each head: [heads] or [layers, heads]. */
  headMask?: Numbers | undefined;
  /** What was seen before, from `createState`. It takes in these tokens too. For inference. */
  pastKeyValues?: GPTState | undefined;
}

export interface GPTForwardOptions extends ForwardOptions {
  /** Give `hiddenStates`: the embeddings and every layer's output. */
  outputHiddenStates?: boolean | undefined;
  /** Give `attentions`: every layer's weights. */
  outputAttentions?: boolean | undefined;
}

/** The inputs as tensors, checked: nothing that follows can fail for what the caller gave. */
export interface ReadInputs {
  /** [batch, length], of ids or of vectors */
  shape: [number, number];
  ids: tf.Tensor | undefined;
  embeds: tf.Tensor | undefined;
  typeTokens: tf.Tensor | undefined;
  /** [batch, length] or [1, length] */
  positions: tf.Tensor;
  /** Additive, beside the causal mask. */
  mask: tf.Tensor | undefined;
}

/** @throws ModelError for ids out of range, ragged rows, shapes that do not fit, too many tokens */
export function readInputs(inputs: GPTInputs, config: GPTConfig): ReadInputs {
  const { vocabSize } = config;
  const past = inputs.pastKeyValues ?? undefined;
  const embeds = checkEmbeds(inputs, config.nEmbd);
  const ids = embeds ? undefined : idsToTensor(inputs.inputIds!, 'inputIds', { end: vocabSize });
  const shape = (ids ?? embeds!).shape.slice(0, 2) as [number, number];
  if (past !== undefined) checkPast(past, shape, config);
  const seen = (past?.length ?? 0) + shape[1];
  const typeTokens =
    inputs.typeTokenIds == null
      ? undefined
      : idsToTensor(inputs.typeTokenIds, 'typeTokenIds', { end: vocabSize, shape });
  const given =
    inputs.attentionMask == null
      ? undefined
      : paddingMask(readMask(inputs.attentionMask, [shape[0], seen], past));
  const before = past?.paddingMask(seen);
  return {
    shape,
    ids,
    embeds,
    typeTokens,
    positions: positionsOf(inputs.positionIds, shape, past, config.nPositions),
    mask: given && before ? combineMasks(given, before) : (given ?? before),
  };
}

function checkPast(past: GPTState, [batch, length]: [number, number], config: GPTConfig): void {
  if (past.caches.length !== config.nLayer) {
    throw new ModelError(
      'WRONG_SHAPE',
      `The state is of a model with ${past.caches.length} layers; this one has ${config.nLayer}.`,
    );
  }
  if (past.batch !== batch) {
    throw new ModelError(
      'WRONG_SHAPE',
      `The tokens are ${batch} rows, and the state has ${past.batch}.`,
    );
  }
  if (past.length + length > past.capacity) {
    throw new ModelError(
      'CONTEXT_EXCEEDED',
      `The state has room for ${past.capacity} tokens and has seen ${past.length}; ${length} more do not fit. ` +
        'Make it with a larger capacity, or truncate it.',
    );
  }
}

function readMask(given: Ids, [batch, seen]: [number, number], past?: GPTState): tf.Tensor {
  const mask = idsToTensor(given, 'attentionMask', { end: 2 });
  if (mask.shape.join() === `${batch},${seen}`) return mask;
  const wanted = past
    ? `with the past it must be [${batch},${seen}]`
    : `inputIds are [${batch},${seen}]`;
  throw new ModelError('WRONG_SHAPE', `attentionMask is [${mask.shape}], but ${wanted}.`);
}

/** [batch, length], or [1, length] for all rows. */
function positionsOf(
  given: Ids | undefined,
  [batch, length]: [number, number],
  past: GPTState | undefined,
  end: number,
): tf.Tensor {
  if (given != null) {
    const positions = idsToTensor(given, 'positionIds', { end });
    const [rows, columns] = positions.shape;
    if ((rows === 1 || rows === batch) && columns === length) return positions;
    throw new ModelError(
      'WRONG_SHAPE',
      `positionIds is [${positions.shape}], but inputIds are [${batch},${length}].`,
    );
  }
  const from = past?.length ?? 0;
  const padding = past?.leftPadding ?? [];
  const rows = padding.some((n) => n > 0) ? padding : [0];
  const longest = from + length - Math.min(...rows);
  if (longest > end) {
    throw new ModelError(
      'CONTEXT_EXCEEDED',
      `The text is ${longest} tokens long; this model has ${end} positions. Truncate it.`,
    );
  }
  const values = rows.flatMap(
    (n) => Array.from({ length }, (_, i) => Math.max(from + i - n, 0)), // padding: any position
  );
  return tf.tensor(Int32Array.from(values), [rows.length, length], 'int32');
}
