import { CheckpointError, type CheckpointErrorCode } from './errors.js';

/** The element types this package reads and writes, as safetensors names them. */
export type DType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/** Bytes that one element takes. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

export function isDType(name: string): name is DType {
  return Object.hasOwn(bytesPerElement, name);
}

/** What a header says of a tensor. A scalar has the shape `[]`. */
export interface TensorInfo {
  dtype: DType;
  shape: number[];
}

/** A tensor as a file holds it: row-major elements, raw little-endian bytes at any alignment. */
export interface StoredTensor extends TensorInfo {
  name: string;
  data: Uint8Array;
}

/**
 * A tensor to be written. `data` may be a function, called once, when its bytes are due and none
 * before it are still held: so a model is never in memory twice.
 */
export interface TensorToStore extends TensorInfo {
  name: string;
  data: Uint8Array | (() => Uint8Array | Promise<Uint8Array>);
}

/** Elements of a shape; throws on a dimension or a product that is no whole number a file could hold. */
export function elementCount(
  shape: readonly number[],
  file?: string,
  key?: string,
  code: CheckpointErrorCode = 'SAFETENSORS_BAD_SHAPE',
): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      const reason = `the shape [${shape.join(', ')}] has a size that is not a whole number`;
      throw new CheckpointError(code, reason, { file, key });
    }
    count *= size;
    if (count * 8 > Number.MAX_SAFE_INTEGER) {
      const reason = `the shape [${shape.join(', ')}] is too large for any file`;
      throw new CheckpointError(code, reason, { file, key });
    }
  }
  return count;
}

/** Bytes that the tensor's shape and dtype ask for. */
export function tensorBytes(tensor: TensorInfo & { name: string }, file?: string): number {
  if (!isDType(tensor.dtype)) {
    throw new CheckpointError(
      'SAFETENSORS_UNSUPPORTED_DTYPE',
      `no dtype ${String(tensor.dtype)}: use one of ${Object.keys(bytesPerElement).join(', ')}`,
      { file, key: tensor.name },
    );
  }
  return elementCount(tensor.shape, file, tensor.name) * bytesPerElement[tensor.dtype];
}

/** Throws unless the bytes are as many as the shape and dtype ask for. */
export function checkSize(tensor: TensorInfo & { name: string }, data: Uint8Array): void {
  const expected = tensorBytes(tensor);
  if (data.byteLength === expected) return;
  throw new CheckpointError(
    'TENSOR_SIZE',
    `${tensor.dtype} of shape [${tensor.shape.join(', ')}] takes ${expected} bytes, not ${data.byteLength}`,
    { key: tensor.name },
  );
}
