import type { Collate } from './batches.js';
import { TrainingError } from './errors.js';
import { padded } from './padding.js';

/** A text, or a pair of texts, and what is to be said of it. */
export interface ClassificationExample {
  inputIds: ArrayLike<number>;
  attentionMask?: ArrayLike<number> | undefined;
  tokenTypeIds?: ArrayLike<number> | undefined;
  /** The number of its class, or for regression a number; several of them in a row. */
  label: number | readonly number[];
}

/** Rows of one length, each int32 [length]. */
export interface ClassificationBatch {
  inputIds: Int32Array[];
  /** 1 for a token, 0 for padding. */
  attentionMask: Int32Array[];
  /** Where the examples have them. */
  tokenTypeIds?: Int32Array[];
  /** [batch], or [batch, numLabels] */
  labels: number[] | number[][];
}

export interface ClassificationCollatorOptions {
  /** Fills rows up to the longest of the batch; needed where examples differ in length. */
  padTokenId?: number | undefined;
  /** Round the length of the rows up to a multiple of this. */
  padToMultipleOf?: number;
}

/**
 * Makes batches for a model that says something about whole texts, padded on the right to the longest of
 * each batch, as Hugging Face's `DataCollatorWithPadding` does.
 *
 * @throws when collating, TrainingError `BAD_BATCH`
 */
export function classificationCollator(
  options: ClassificationCollatorOptions = {},
): Collate<ClassificationExample, ClassificationBatch> {
  const { padTokenId, padToMultipleOf = 1 } = options;
  return (examples) => {
    for (const { inputIds, attentionMask, tokenTypeIds } of examples) {
      for (const column of [attentionMask, tokenTypeIds]) {
        if (column === undefined || column.length === inputIds.length) continue;
        throw new TrainingError(
          'BAD_BATCH',
          `An example has ${inputIds.length} inputIds and a column of ${column.length}; all must have one entry a token.`,
        );
      }
    }
    const longest = Math.max(...examples.map(({ inputIds }) => inputIds.length));
    const length = Math.ceil(longest / padToMultipleOf) * padToMultipleOf;
    if (padTokenId === undefined && examples.some(({ inputIds }) => inputIds.length < length)) {
      throw new TrainingError(
        'BAD_BATCH',
        'The examples differ in length: give padTokenId, or examples of one length.',
      );
    }
    const hasTypes = examples.some(({ tokenTypeIds }) => tokenTypeIds !== undefined);
    return {
      inputIds: examples.map(({ inputIds }) => padded(inputIds, length, padTokenId ?? 0)),
      attentionMask: examples.map(({ inputIds, attentionMask }) =>
        padded(attentionMask ?? Array(inputIds.length).fill(1), length, 0),
      ),
      ...(hasTypes && {
        tokenTypeIds: examples.map(({ tokenTypeIds = [] }) => padded(tokenTypeIds, length, 0)),
      }),
      labels: examples.map(({ label }) => label) as number[] | number[][],
    };
  };
}
