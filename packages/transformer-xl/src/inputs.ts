import { headMasks } from '@multihead/attention';
import {
  checkEmbeds,
  type ForwardOptions,
  type Ids,
  idsToTensor,
  ModelError,
  type Numbers,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { TransfoXLConfig } from './config.js';
import { checkMemories, firstMemories, type Memories } from './memories.js';

/** What every Transformer-XL takes in; a tokenizer's result fits as it is. */
export interface TransfoXLInputs {
  /** [batch, length] or one row [length], padded to one length; or `inputsEmbeds` in its place. */
  inputIds?: Ids | undefined;
  /** The tokens' vectors themselves, [batch, length, dModel]. */
  inputsEmbeds?: tf.Tensor | undefined;
  /**
   * The `mems` of the segment before: one tensor [batch, remembered, dModel] a layer. Default, as in
   * Hugging Face's library: `memLen` tokens of zeros, or with `emptyStart` nothing at all, which
   * `initMems(batch, 0)` is too.
   */
  mems?: Memories | undefined;
  /**
   * 1 for a token, 0 for padding, in the shape of `inputIds`; default all 1. Padding counts as memory in
   * which nothing is: zeros in every layer. On the left it takes the place of the memory's oldest tokens.
   */
  attentionMask?: Ids | undefined;
  /** Multiplies the attention weights of each head: [heads] or [layers, heads]. */
  headMask?: Numbers | undefined;
}

/** In place of what the configuration says, for this pass. */
export interface SegmentLengths {
  memLen?: number | undefined;
  extLen?: number | undefined;
  clampLen?: number | undefined;
  sameLength?: boolean | undefined;
}

export interface TransfoXLForwardOptions extends ForwardOptions, SegmentLengths {
  /** Give `hiddenStates`: what goes into every layer, and what comes out of the last. */
  outputHiddenStates?: boolean | undefined;
  /** Give `attentions`: every layer's weights, over memory and segment. */
  outputAttentions?: boolean | undefined;
}

/** The inputs as tensors, checked: nothing that follows can fail for what the caller gave. */
export interface ReadInputs {
  ids: tf.Tensor | undefined;
  embeds: tf.Tensor | undefined;
  /** One a layer; undefined without recurrence. */
  mems: Memories | undefined;
  /** 0 at padding, [batch, length, 1]; undefined where there is none. */
  tokens: tf.Tensor | undefined;
  /** How many of each row's first tokens are padding. */
  padding: number[];
  headMasks: tf.Tensor[] | undefined;
  lengths: Lengths;
}

interface Lengths {
  memLen: number;
  extLen: number;
  clampLen: number;
  /** How many tokens each sees, itself among them; undefined: all before it. */
  window: number | undefined;
}

/** @throws ModelError for ids out of range, ragged rows, shapes and lengths that do not fit */
export function readInputs(
  inputs: TransfoXLInputs,
  options: SegmentLengths,
  config: TransfoXLConfig,
): ReadInputs {
  const lengths = readLengths(options, config);
  const embeds = checkEmbeds(inputs, config.dModel);
  const ids = embeds
    ? undefined
    : idsToTensor(inputs.inputIds!, 'inputIds', { end: config.vocabSize });
  const [batch, length] = (ids ?? embeds!).shape as [number, number];
  if (inputs.mems != null) checkMemories(inputs.mems, batch, config);
  const start = lengths.memLen > 0 ? firstMemories(config, batch, lengths.memLen) : undefined;
  const { layers, heads } = { layers: config.nLayer, heads: config.nHead };
  return {
    ids,
    embeds,
    mems: inputs.mems ?? start,
    ...readMask(inputs.attentionMask ?? undefined, [batch, length], config),
    headMasks: inputs.headMask == null ? undefined : headMasks(inputs.headMask, { layers, heads }),
    lengths,
  };
}

function readLengths(options: SegmentLengths, config: TransfoXLConfig): Lengths {
  const { memLen = config.memLen, extLen = config.extLen, clampLen = config.clampLen } = options;
  const { sameLength = config.sameLength } = options;
  for (const [name, value, least] of [
    ['memLen', memLen, 0],
    ['extLen', extLen, 0],
    ['clampLen', clampLen, Number.NEGATIVE_INFINITY],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new ModelError('BAD_INPUT', `${name} is a number of tokens, not ${value}.`);
  }
  if (sameLength && memLen === 0) {
    throw new ModelError(
      'BAD_INPUT',
      'With sameLength every token sees memLen tokens, and memLen is 0: say sameLength: false.',
    );
  }
  return { memLen, extLen, clampLen, window: sameLength ? memLen : undefined };
}

function readMask(given: Ids | undefined, shape: [number, number], { attnType }: TransfoXLConfig) {
  const [batch, length] = shape;
  const none = { tokens: undefined, padding: Array<number>(batch).fill(0) };
  if (given === undefined) return none;
  const mask = idsToTensor(given, 'attentionMask', { end: 2, shape });
  const values = mask.dataSync();
  if (!values.includes(0)) return none;
  const rows = none.padding.map((_, row) => values.subarray(row * length, (row + 1) * length));
  const padding = rows.map((row) => (row.indexOf(1) < 0 ? length : row.indexOf(1)));
  const isOnTheLeft = rows.every((row, i) => !row.subarray(padding[i]!).includes(0));
  if (attnType >= 2 && !isOnTheLeft) {
    throw new ModelError(
      'BAD_INPUT',
      `With attnType ${attnType} positions count from a segment's end, which padding would move: pad on the left.`,
    );
  }
  const tokens = tf.reshape(tf.cast(mask, 'float32'), [batch, length, 1]);
  return { tokens, padding };
}
