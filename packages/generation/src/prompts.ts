import type { CausalModel, Ids, SpecialTokens } from '@multihead/nn';
import type { Tensor } from '@tensorflow/tfjs-core';
import { GenerationError } from './errors.js';

export interface GenerateInputs {
  /** Rows of ids, one for each prompt; one row is a batch of one. Shorter rows are padded on the left. */
  inputIds: Ids;
  /** Which ids are text (1) and which padding (0), in the shape of `inputIds`; padding is on the left. */
  attentionMask?: Ids | undefined;
}

/** Prompts of one length. */
export interface Prompts {
  rows: number[][];
  /** How many of each row's first tokens are padding. */
  padding: number[];
  length: number;
}

/**
 * Prompts padded on the left to one length. Without a mask, padding tokens that rows begin with are
 * padding, unless the padding token also ends texts.
 *
 * @throws GenerationError `BAD_INPUT`, `EMPTY_PROMPT`, `UNKNOWN_TOKEN`
 */
export function readPrompts(
  { inputIds, attentionMask }: GenerateInputs,
  { vocabSize }: CausalModel,
  { pad, bos, eos }: SpecialTokens,
): Prompts {
  const given = toRows(inputIds, 'inputIds');
  const masks = attentionMask === undefined ? undefined : toRows(attentionMask, 'attentionMask');
  if (masks && masks.length !== given.length) {
    const counts = `${masks.length} rows and inputIds ${given.length}`;
    throw new GenerationError('BAD_INPUT', `attentionMask has ${counts}; they must be alike.`);
  }
  const texts = given.map((ids, row) => {
    checkIds(ids, row, vocabSize);
    let padding = 0;
    if (masks) padding = leftPadding(masks[row]!, ids.length, row);
    else if (pad !== undefined && !eos.includes(pad)) {
      while (padding < ids.length && ids[padding] === pad) padding++;
    }
    if (padding < ids.length) return { ids, padding };
    if (bos === undefined) {
      throw new GenerationError(
        'EMPTY_PROMPT',
        `Prompt ${row} is empty, and the model names no token that starts a text; give bosTokenId or a prompt.`,
      );
    }
    return { ids: [...ids, bos], padding };
  });
  const length = Math.max(...texts.map(({ ids }) => ids.length));
  const filler = pad ?? eos[0] ?? 0; // seen by no token
  return {
    rows: texts.map(({ ids }) => [...Array<number>(length - ids.length).fill(filler), ...ids]),
    padding: texts.map(({ ids, padding }) => length - ids.length + padding),
    length,
  };
}

function toRows(ids: Ids, name: string): number[][] {
  if (typeof ids !== 'object' || ids === null) {
    throw new GenerationError('BAD_INPUT', `${name} must be ids in rows or a tensor, not ${ids}.`);
  }
  if ('dataId' in ids) {
    const { rank, shape } = ids as Tensor;
    if (rank !== 1 && rank !== 2) {
      const wanted = '[length] or [batch, length]';
      throw new GenerationError('BAD_INPUT', `${name} is [${shape}]; it must be ${wanted}.`);
    }
    const length = shape[rank - 1]!;
    const values = Array.from((ids as Tensor).dataSync());
    return Array.from({ length: rank === 1 ? 1 : shape[0]! }, (_, row) =>
      values.slice(row * length, (row + 1) * length),
    );
  }
  const isRow = (value: unknown): value is ArrayLike<number | bigint> =>
    typeof value === 'object' && value !== null && 'length' in value;
  if (!isRow(ids)) {
    throw new GenerationError('BAD_INPUT', `${name} must be ids in rows or a tensor.`);
  }
  const rows = Array.from(ids as ArrayLike<unknown>);
  if (rows.length === 0 || !isRow(rows[0])) return [numbers(ids as ArrayLike<number>)];
  return rows.map((row, i) => {
    if (isRow(row)) return numbers(row);
    throw new GenerationError('BAD_INPUT', `${name}[${i}] is ${row}, where a row of ids belongs.`);
  });
}

/** 64-bit ids come as bigint. */
const numbers = (row: ArrayLike<number | bigint>): number[] => Array.from(row, Number);

function checkIds(ids: number[], row: number, vocabSize: number): void {
  ids.forEach((id, i) => {
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) return;
    throw new GenerationError(
      'BAD_INPUT',
      `inputIds[${row}][${i}] is ${id}; it must be a whole number from 0 to ${vocabSize - 1}.`,
    );
  });
}

function leftPadding(mask: number[], length: number, row: number): number {
  const first = mask.indexOf(1);
  const padding = first < 0 ? mask.length : first;
  if (mask.length === length && mask.every((value, i) => value === (i < padding ? 0 : 1))) {
    return padding;
  }
  throw new GenerationError(
    'BAD_INPUT',
    `attentionMask[${row}] is not a 0 or 1 for each id, the 0s first: generation goes on where a row ends, so that padding must be on the left.`,
  );
}
