import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { ModelError } from './errors.js';

/**
 * Whole numbers a model takes in: one row, a batch of rows, or a tensor of rank 1 or 2. One row is a
 * batch of one.
 */
export type Ids = Tensor | ArrayLike<number> | readonly ArrayLike<number>[];

export interface IdsOptions {
  /** Ids are below this. */
  end: number;
  /** This value too is allowed (labels). */
  ignoreIndex?: number;
  /** The shape the ids must have, where another input fixed it. */
  shape?: readonly number[];
}

/**
 * A new int32 tensor [batch, length] of these ids, each checked.
 *
 * @param name what to call the input in an error
 * @throws ModelError `BAD_INPUT` for ragged or empty rows and values that are no whole numbers,
 *   `WRONG_SHAPE` where another input has another shape, `ID_OUT_OF_RANGE`
 */
export function idsToTensor(ids: Ids, name: string, options: IdsOptions): Tensor {
  const { values, shape } = isTensor(ids) ? fromTensor(ids, name) : fromRows(ids, name);
  if (values.length === 0) {
    throw new ModelError(
      'BAD_INPUT',
      `${name} is empty ([${shape}]); a model needs a token at least.`,
    );
  }
  if (options.shape !== undefined && options.shape.join() !== shape.join()) {
    throw new ModelError(
      'WRONG_SHAPE',
      `${name} is [${shape}], but inputIds are [${options.shape}].`,
    );
  }
  for (let i = 0; i < values.length; i++) check(values[i]!, i, name, shape[1]!, options);
  return tensor(Int32Array.from(values), shape, 'int32');
}

function check(id: number, at: number, name: string, length: number, options: IdsOptions): void {
  if ((id >= 0 && id < options.end && Number.isInteger(id)) || id === options.ignoreIndex) return;
  const place = `${name}[${Math.floor(at / length)}][${at % length}]`;
  if (!Number.isInteger(id)) {
    throw new ModelError('BAD_INPUT', `${place} is ${id}, which is no whole number.`);
  }
  throw new ModelError(
    'ID_OUT_OF_RANGE',
    `${place} is ${id}; the model has ids from 0 to ${options.end - 1}. Is it another tokenizer's?`,
  );
}

interface Rows {
  values: ArrayLike<number>;
  shape: [number, number];
}

function fromTensor(ids: Tensor, name: string): Rows {
  if (ids.rank !== 1 && ids.rank !== 2) {
    throw new ModelError(
      'WRONG_SHAPE',
      `${name} is [${ids.shape}]; it must be [length] or [batch, length].`,
    );
  }
  const [batch, length] = ids.rank === 1 ? [1, ids.shape[0]!] : (ids.shape as [number, number]);
  return { values: ids.dataSync(), shape: [batch, length] };
}

function fromRows(ids: ArrayLike<number> | readonly ArrayLike<number>[], name: string): Rows {
  const rows =
    typeof ids[0] === 'object' ? (ids as readonly ArrayLike<number>[]) : [ids as ArrayLike<number>];
  const length = rows[0]!.length;
  const values = new Float64Array(rows.length * length);
  rows.forEach((row, i) => {
    if (row.length !== length) {
      throw new ModelError(
        'BAD_INPUT',
        `${name}[${i}] has ${row.length} entries and ${name}[0] has ${length}; pad the rows to one length.`,
      );
    }
    for (let j = 0; j < length; j++) values[i * length + j] = Number(row[j]);
  });
  return { values, shape: [rows.length, length] };
}

const isTensor = (ids: Ids): ids is Tensor => 'dataId' in ids;
