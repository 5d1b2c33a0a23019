import { getBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
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
  ignoreIndex?: number | undefined;
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
  const place = (i: number) => `${name}[${Math.floor(i / shape[1])}][${i % shape[1]}]`;
  check(values, options, place);
  return tensor(Int32Array.from(values), shape, 'int32');
}

/**
 * The tokens' vectors that may come in place of their ids, [batch, length, width]; undefined where ids did.
 *
 * @throws ModelError `BAD_INPUT` for both or neither, `WRONG_SHAPE`
 */
export function checkEmbeds(
  { inputIds, inputsEmbeds }: { inputIds?: Ids | undefined; inputsEmbeds?: Tensor | undefined },
  width: number,
): Tensor | undefined {
  if ((inputIds == null) === (inputsEmbeds == null)) {
    throw new ModelError('BAD_INPUT', 'Give either inputIds or inputsEmbeds.');
  }
  if (inputsEmbeds == null) return undefined;
  const { shape, size } = inputsEmbeds;
  if (shape.length === 3 && shape[2] === width && size > 0) return inputsEmbeds;
  throw new ModelError(
    'WRONG_SHAPE',
    `inputsEmbeds is [${shape}]; it must be [batch, length, ${width}].`,
  );
}

/** Rows of ids laid end to end. */
export interface PackedIds {
  ids: Int32Array;
  /** Of each row, how many of them are its own. */
  lengths: number[];
}

/**
 * These ids, which may be rows of any length, laid end to end and each checked.
 *
 * @param name what to call the input in an error
 * @param options `lengths` are those the rows must have, where another input fixed them
 * @throws ModelError `BAD_INPUT` for an empty row and values that are no whole numbers, `WRONG_SHAPE`
 *   where another input has other lengths, `ID_OUT_OF_RANGE`
 */
export function packIds(
  ids: Ids,
  name: string,
  { lengths: wanted, ...options }: Omit<IdsOptions, 'shape'> & { lengths?: readonly number[] },
): PackedIds {
  const rows = isTensor(ids) ? rowsOf(fromTensor(ids, name)) : asRows(ids, name);
  const lengths = Array.from(rows, (row) => row?.length ?? 0);
  const empty = lengths.indexOf(0);
  if (empty >= 0 || lengths.length === 0) {
    const what = lengths.length === 0 ? name : `${name}[${empty}]`;
    throw new ModelError('BAD_INPUT', `${what} is empty; a model needs a token at least.`);
  }
  if (wanted !== undefined && wanted.join() !== lengths.join()) {
    throw new ModelError(
      'WRONG_SHAPE',
      `The rows of ${name} are [${lengths}] long, but those of inputIds [${wanted}].`,
    );
  }
  const values = rows.map((row, i) => {
    const numbers = Float64Array.from({ length: lengths[i]! }, (_, j) => toNumber(row[j]));
    check(numbers, options, (j) => `${name}[${i}][${j}]`);
    return numbers;
  });
  const packed = new Int32Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const row of values) {
    packed.set(row, at);
    at += row.length;
  }
  return { ids: packed, lengths };
}

/**
 * Checks the ids of a tensor that an op is about to use as addresses. Only where the values are in
 * this process's memory (wasm, cpu): there reading them costs nothing, and on wasm a wrong one would
 * read or write another tensor. A GPU keeps out of other tensors itself.
 */
export function checkIds(ids: Tensor, name: string, options: IdsOptions): void {
  if (ids.dtype !== 'int32') {
    throw new ModelError('BAD_INPUT', `${name} must be an int32 tensor, not ${ids.dtype}.`);
  }
  if (!['wasm', 'cpu'].includes(getBackend())) return;
  check(ids.dataSync(), options, (i) => `${name}[${i}]`);
}

function check(
  ids: ArrayLike<number>,
  { end, ignoreIndex }: IdsOptions,
  place: (i: number) => string,
): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if ((id >= 0 && id < end && Number.isInteger(id)) || id === ignoreIndex) continue;
    if (!Number.isInteger(id)) {
      throw new ModelError('BAD_INPUT', `${place(i)} is ${id}, which is no whole number.`);
    }
    const or = ignoreIndex === undefined ? '' : ` or ${ignoreIndex}`;
    throw new ModelError(
      'ID_OUT_OF_RANGE',
      `${place(i)} is ${id}; it must be from 0 to ${end - 1}${or}. Was it made for another model?`,
    );
  }
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

function rowsOf({ values, shape: [batch, length] }: Rows): readonly ArrayLike<number>[] {
  const all = Array.from(values);
  return Array.from({ length: batch }, (_, i) => all.slice(i * length, (i + 1) * length));
}

function asRows(ids: Exclude<Ids, Tensor>, name: string): readonly ArrayLike<number>[] {
  if (!isArrayLike(ids)) {
    throw new ModelError('BAD_INPUT', `${name} must be ids in rows or a tensor, not ${ids}.`);
  }
  return isArrayLike(ids[0]) ? (ids as readonly ArrayLike<number>[]) : [ids as ArrayLike<number>];
}

function fromRows(ids: Exclude<Ids, Tensor>, name: string): Rows {
  const rows = asRows(ids, name);
  const length = rows[0]!.length;
  const values = new Float64Array(rows.length * length);
  rows.forEach((row, i) => {
    if (row?.length !== length) {
      throw new ModelError(
        'BAD_INPUT',
        `${name}[${i}] has ${row?.length ?? 'no'} entries and ${name}[0] has ${length}; pad the rows to one length.`,
      );
    }
    for (let j = 0; j < length; j++) values[i * length + j] = toNumber(row[j]);
  });
  return { values, shape: [rows.length, length] };
}

/** 64-bit ids come as bigint; NaN is refused later, with its place. */
const toNumber = (id: unknown): number =>
  typeof id === 'number' || typeof id === 'bigint' ? Number(id) : Number.NaN;

const isArrayLike = (ids: unknown): boolean =>
  typeof ids === 'object' && ids !== null && 'length' in ids;

const isTensor = (ids: Ids): ids is Tensor =>
  typeof ids === 'object' && ids !== null && 'dataId' in ids;
