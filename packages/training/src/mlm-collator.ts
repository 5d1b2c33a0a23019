import type { Random } from '@multihead/nn';
import type { Collate } from './batches.js';
import { TrainingError } from './errors.js';
import { padded } from './padding.js';

/** What masking needs to know of a tokenizer; `@multihead/tokenizers` has it. */
export interface MaskingTokenizer {
  readonly maskTokenId: number | undefined;
  readonly padTokenId: number | undefined;
  readonly vocabSize: number;
  /** `[CLS]`, `[SEP]` and so on: never masked. */
  readonly specialTokenIds: Iterable<number>;
  idToToken(id: number): string | undefined;
}

/** One text: its ids with special tokens, or what a tokenizer returned. */
export type MaskedLMExample =
  | ArrayLike<number>
  | {
      readonly inputIds: ArrayLike<number>;
      readonly attentionMask?: ArrayLike<number>;
      readonly tokenTypeIds?: ArrayLike<number>;
      /** 1 where a token must not be masked, besides the special tokens. */
      readonly specialTokensMask?: ArrayLike<number>;
    };

/** Rows of one length, each int32 [length]. */
export interface MaskedLMBatch {
  inputIds: Int32Array[];
  /** 1 for a token, 0 for padding. */
  attentionMask: Int32Array[];
  /** Where an example brought them. */
  tokenTypeIds?: Int32Array[];
  /** The true id at each chosen position, −100 elsewhere. */
  labels: Int32Array[];
}

export interface MLMCollatorOptions {
  tokenizer: MaskingTokenizer;
  /** Share of the tokens to predict; default 0.15. */
  mlmProbability?: number;
  /** Of those, the share replaced by `[MASK]`; default 0.8. */
  maskReplaceProb?: number;
  /** Of those, the share replaced by a random token; default 0.1. The rest stays as it is. */
  randomReplaceProb?: number;
  /** Choose all of a word's pieces (`play`, `##ing`) or none; default false. */
  wholeWordMask?: boolean;
  /** Length of every row, and an error for a longer example. Default: the longest of the batch. */
  maxLength?: number;
  /** Round the length of the rows up to a multiple of this. */
  padToMultipleOf?: number;
}

const IGNORED = -100;

/**
 * Makes masked language modelling batches (Devlin et al. 2019, §3.1), as Hugging Face's
 * `DataCollatorForLanguageModeling` does: each token is chosen with probability `mlmProbability`,
 * and a chosen one becomes `[MASK]`, a random token, or stays. Special tokens and padding are never
 * chosen. The choice depends on the given generator alone.
 *
 * @throws TrainingError `BAD_OPTION`; when collating, `BAD_BATCH`
 */
export function mlmCollator(options: MLMCollatorOptions): Collate<MaskedLMExample, MaskedLMBatch> {
  const { tokenizer, maxLength, padToMultipleOf = 1 } = options;
  const mask = masker(options);
  const pad = tokenizer.padTokenId ?? 0;

  return (examples, randoms) => {
    const rows = examples.map(readExample);
    const longest = Math.max(...rows.map(({ ids }) => ids.length));
    const length = Math.ceil((maxLength ?? longest) / padToMultipleOf) * padToMultipleOf;
    if (maxLength !== undefined && longest > maxLength) {
      throw new TrainingError(
        'BAD_BATCH',
        `An example has ${longest} tokens and maxLength is ${maxLength}: truncate when tokenizing, or pack documents.`,
      );
    }
    if (rows.some((row) => row.ids.length < length) && tokenizer.padTokenId === undefined) {
      throw new TrainingError(
        'BAD_BATCH',
        'The examples differ in length and the tokenizer has no padding token.',
      );
    }
    const batch: MaskedLMBatch = { inputIds: [], attentionMask: [], labels: [] };
    if (rows.some(({ tokenTypeIds }) => tokenTypeIds !== undefined)) batch.tokenTypeIds = [];
    rows.forEach((row, i) => {
      const { inputIds, labels } = mask(row, randoms[i]!);
      batch.inputIds.push(padded(inputIds, length, pad));
      batch.labels.push(padded(labels, length, IGNORED));
      batch.attentionMask.push(padded(row.attentionMask, length, 0));
      batch.tokenTypeIds?.push(padded(row.tokenTypeIds ?? [], length, 0));
    });
    return batch;
  };
}

interface Row {
  ids: Int32Array;
  attentionMask: Int32Array;
  tokenTypeIds: ArrayLike<number> | undefined;
  specialTokensMask: ArrayLike<number> | undefined;
}

function masker(options: MLMCollatorOptions) {
  const { tokenizer, wholeWordMask = false } = options;
  const { mlmProbability = 0.15, maskReplaceProb = 0.8, randomReplaceProb = 0.1 } = options;
  expectShare('mlmProbability', mlmProbability);
  expectShare('maskReplaceProb', maskReplaceProb);
  expectShare('randomReplaceProb', randomReplaceProb);
  expectShare('maskReplaceProb + randomReplaceProb', maskReplaceProb + randomReplaceProb);
  const { maskTokenId, vocabSize } = tokenizer;
  if (maskTokenId === undefined) {
    throw new TrainingError('BAD_OPTION', 'mlmCollator: the tokenizer has no mask token.');
  }
  const special = new Set(tokenizer.specialTokenIds);
  if (tokenizer.padTokenId !== undefined) special.add(tokenizer.padTokenId);
  // Looked up once for the whole vocabulary.
  const continues = Uint8Array.from({ length: wholeWordMask ? vocabSize : 0 }, (_, id) =>
    tokenizer.idToToken(id)?.startsWith('##') ? 1 : 0,
  );

  return ({ ids, attentionMask, specialTokensMask }: Row, random: Random) => {
    const inputIds = Int32Array.from(ids);
    const labels = new Int32Array(ids.length).fill(IGNORED);
    let inWord = false;
    let chosen = false;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (special.has(id) || attentionMask[i] === 0 || specialTokensMask?.[i] === 1) {
        inWord = false;
        continue;
      }
      if (!(wholeWordMask && inWord && continues[id] === 1)) {
        chosen = random.uniform() < mlmProbability;
      }
      inWord = true;
      if (!chosen) continue;
      labels[i] = id;
      const draw = random.uniform();
      if (draw < maskReplaceProb) inputIds[i] = maskTokenId;
      else if (draw < maskReplaceProb + randomReplaceProb) inputIds[i] = random.below(vocabSize);
    }
    return { inputIds, labels };
  };
}

function readExample(example: MaskedLMExample): Row {
  const given = 'inputIds' in example ? example : { inputIds: example };
  const ids = Int32Array.from(given.inputIds);
  const { attentionMask, tokenTypeIds, specialTokensMask } = given;
  for (const column of [attentionMask, tokenTypeIds, specialTokensMask]) {
    if (column === undefined || column.length === ids.length) continue;
    throw new TrainingError(
      'BAD_BATCH',
      `An example has ${ids.length} inputIds and a column of ${column.length}; all must have one entry a token.`,
    );
  }
  return {
    ids,
    attentionMask: attentionMask ? Int32Array.from(attentionMask) : ids.map(() => 1),
    tokenTypeIds,
    specialTokensMask,
  };
}

function expectShare(name: string, value: number): void {
  if (value >= 0 && value <= 1 + 1e-12) return;
  throw new TrainingError(
    'BAD_OPTION',
    `mlmCollator: ${name} is ${value}; it must be from 0 to 1.`,
  );
}
