import type { Collate } from './batches.js';
import { TrainingError } from './errors.js';
import { padded } from './padding.js';

/** One text: its ids, or what a tokenizer returned, with labels where not all of it is to be learned. */
export type CausalLMExample =
  | ArrayLike<number>
  | {
      readonly inputIds: ArrayLike<number>;
      readonly attentionMask?: ArrayLike<number>;
      /** The ids again, and −100 where nothing is to be learned (a prompt); default the ids. */
      readonly labels?: ArrayLike<number>;
    };

/** Rows of one length, each int32 [length]. */
export interface CausalLMBatch {
  inputIds: Int32Array[];
  /** 1 for a token, 0 for padding. */
  attentionMask: Int32Array[];
  /** The id at each position (the model shifts them), −100 at padding and where an example says so. */
  labels: Int32Array[];
}

export interface CausalLMCollatorOptions {
  /** Fills rows up to the longest of the batch; needed where examples differ in length. */
  padTokenId?: number | undefined;
  /** An error for a longer example; default none. */
  maxLength?: number;
  /** Round the length of the rows up to a multiple of this. */
  padToMultipleOf?: number;
}

const IGNORED = -100;

/**
 * Makes batches for a causal language model, padded on the right, as Hugging Face's
 * `DataCollatorForLanguageModeling(mlm=False)` does; padding is known by its place, so that a text may
 * end with a token that is also the padding.
 *
 * @throws when collating, TrainingError `BAD_BATCH`
 */
export function causalLMCollator(
  options: CausalLMCollatorOptions = {},
): Collate<CausalLMExample, CausalLMBatch> {
  const { padTokenId, maxLength = Number.POSITIVE_INFINITY, padToMultipleOf = 1 } = options;
  return (examples) => {
    const rows = examples.map(readExample);
    const longest = Math.max(...rows.map(({ ids }) => ids.length));
    if (longest > maxLength) {
      throw new TrainingError(
        'BAD_BATCH',
        `An example has ${longest} tokens and maxLength is ${maxLength}: truncate when tokenizing, or cut blocks.`,
      );
    }
    const length = Math.ceil(longest / padToMultipleOf) * padToMultipleOf;
    if (padTokenId === undefined && rows.some(({ ids }) => ids.length < length)) {
      throw new TrainingError(
        'BAD_BATCH',
        'The rows differ in length: give padTokenId, or examples of one length.',
      );
    }
    return {
      inputIds: rows.map(({ ids }) => padded(ids, length, padTokenId ?? 0)),
      attentionMask: rows.map(({ attentionMask }) => padded(attentionMask, length, 0)),
      labels: rows.map(({ labels }) => padded(labels, length, IGNORED)),
    };
  };
}

function readExample(example: CausalLMExample) {
  const given = 'inputIds' in example ? example : { inputIds: example };
  const ids = Int32Array.from(given.inputIds);
  for (const column of [given.attentionMask, given.labels]) {
    if (column === undefined || column.length === ids.length) continue;
    throw new TrainingError(
      'BAD_BATCH',
      `An example has ${ids.length} inputIds and a column of ${column.length}; all must have one entry a token.`,
    );
  }
  const attentionMask = given.attentionMask ?? ids.map(() => 1);
  const labels = given.labels ?? ids.map((id, i) => (attentionMask[i] === 0 ? IGNORED : id));
  return { ids, attentionMask, labels };
}
