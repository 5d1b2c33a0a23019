import { cast, type Tensor, tensor } from '@tensorflow/tfjs-core';

/** Real numbers a model takes in: in one row, in rows of one length, or as a tensor. */
export type Numbers = Tensor | ArrayLike<number> | readonly ArrayLike<number>[];

/**
 * A new float32 tensor of these numbers: [n], [rows, n] or the given tensor's own shape. Undefined for
 * what is neither a tensor nor finite numbers in rows of one length.
 */
export function readNumbers(numbers: Numbers): Tensor | undefined {
  if ('dataId' in Object(numbers)) return cast(numbers as Tensor, 'float32');
  if (!Array.isArray(numbers) && !ArrayBuffer.isView(numbers)) return undefined;
  const rows = Array.from(numbers as ArrayLike<number | ArrayLike<number>>);
  const lengths = new Set(rows.map((row) => (typeof row === 'object' ? row?.length : -1)));
  const values = rows
    .flatMap((row) => (typeof row === 'object' ? Array.from(row ?? [Number.NaN]) : [row]))
    .map((v) => (typeof v === 'bigint' ? Number(v) : v));
  if (lengths.size !== 1 || !values.every((v) => Number.isFinite(v))) return undefined;
  const [length] = lengths;
  return tensor(values, length === -1 ? [rows.length] : [rows.length, length!], 'float32');
}
