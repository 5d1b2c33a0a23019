import { CheckpointError } from './errors.js';
import { checkSize, elementCount, type StoredTensor } from './tensor.js';

// Typed arrays have the machine's byte order. Every machine that runs WebAssembly backends is
// little-endian, as safetensors is, so the bytes are read in place.

type ArrayKind<T> = {
  new (b: ArrayBufferLike, o: number, n: number): T;
  BYTES_PER_ELEMENT: number;
};

/** The bytes as another typed array: a view where the alignment allows it, else a copy. */
export function viewAs<T>(data: Uint8Array, Kind: ArrayKind<T>): T {
  const { buffer, byteOffset } =
    data.byteOffset % Kind.BYTES_PER_ELEMENT === 0 ? data : new Uint8Array(data);
  return new Kind(buffer, byteOffset, data.byteLength / Kind.BYTES_PER_ELEMENT);
}

/**
 * The tensor's elements as float32: exact from F32, F16, BF16, BOOL and integers of up to 24 bits,
 * else rounded once to the nearest (ties to even). The result of F32 shares the tensor's memory where
 * that is aligned.
 *
 * @throws CheckpointError TENSOR_SIZE where the bytes do not fit shape and dtype.
 */
export function toFloat32(tensor: StoredTensor): Float32Array {
  checkSize(tensor, tensor.data);
  const { data } = tensor;
  switch (tensor.dtype) {
    case 'F32':
      return viewAs(data, Float32Array);
    case 'F16':
      halfTable ??= makeHalfTable();
      return widen(viewAs(data, Uint16Array), halfTable);
    case 'BF16':
      return widenBrain(viewAs(data, Uint16Array));
    case 'F64':
      return new Float32Array(viewAs(data, Float64Array));
    case 'I32':
      return new Float32Array(viewAs(data, Int32Array));
    case 'U32':
      return new Float32Array(viewAs(data, Uint32Array));
    case 'I16':
      return new Float32Array(viewAs(data, Int16Array));
    case 'U16':
      return new Float32Array(viewAs(data, Uint16Array));
    case 'I8':
      return new Float32Array(viewAs(data, Int8Array));
    case 'U8':
      return new Float32Array(data);
    case 'BOOL':
      return Float32Array.from(data, (byte) => (byte === 0 ? 0 : 1));
    case 'I64':
      return Float32Array.from(viewAs(data, BigInt64Array) as Iterable<bigint>, oddDouble);
    case 'U64':
      return Float32Array.from(viewAs(data, BigUint64Array) as Iterable<bigint>, oddDouble);
  }
}

/**
 * The elements of an integer or BOOL tensor as int32. That of I32 shares the tensor's memory where
 * that is aligned.
 *
 * @throws CheckpointError TENSOR_OVERFLOW where a value does not fit, WRONG_DTYPE for floats.
 */
export function toInt32(tensor: StoredTensor): Int32Array {
  checkSize(tensor, tensor.data);
  const { data, name } = tensor;
  switch (tensor.dtype) {
    case 'I32':
      return viewAs(data, Int32Array);
    case 'I16':
      return new Int32Array(viewAs(data, Int16Array));
    case 'U16':
      return new Int32Array(viewAs(data, Uint16Array));
    case 'I8':
      return new Int32Array(viewAs(data, Int8Array));
    case 'U8':
      return new Int32Array(data);
    case 'BOOL':
      return Int32Array.from(data, (byte) => (byte === 0 ? 0 : 1));
    case 'U32':
      return narrow(viewAs(data, Uint32Array), name);
    case 'I64':
      return narrow(viewAs(data, BigInt64Array), name);
    case 'U64':
      return narrow(viewAs(data, BigUint64Array), name);
    default:
      throw new CheckpointError('WRONG_DTYPE', `holds ${tensor.dtype}, not integers`, {
        key: name,
      });
  }
}

/**
 * Float32 values as a tensor to store. F32 shares the values' memory; F16 and BF16 round to the
 * nearest, ties to even; what is too large becomes Infinity, as IEEE 754 says.
 *
 * @throws CheckpointError TENSOR_SIZE where there are not as many values as the shape asks for.
 */
export function fromFloat32(
  name: string,
  shape: readonly number[],
  values: Float32Array,
  dtype: 'F32' | 'F16' | 'BF16' = 'F32',
): StoredTensor {
  const expected = elementCount(shape, undefined, name);
  if (values.length !== expected) {
    const reason = `the shape [${shape.join(', ')}] takes ${expected} values, not ${values.length}`;
    throw new CheckpointError('TENSOR_SIZE', reason, { key: name });
  }
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
    const reason = `float32 values are stored as F32, F16 or BF16, not ${String(dtype)}`;
    throw new CheckpointError('WRONG_DTYPE', reason, { key: name });
  }
  const stored = dtype === 'F32' ? values : dtype === 'F16' ? toHalf(values) : toBrain(values);
  const data = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  return { name, dtype, shape: [...shape], data };
}

// The bits of the float32 that equals each of the 65,536 half floats, made at the first use.
let halfTable: Uint32Array | undefined;

function makeHalfTable(): Uint32Array {
  const bits = new Uint32Array(0x10000);
  const float = new Float32Array(1);
  const floatBits = new Uint32Array(float.buffer);
  for (let half = 0; half < 0x10000; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      float[0] = fraction * 2 ** -24; // subnormal: the exponent of all halves below 2^-14
      bits[half] = sign | floatBits[0]!;
    } else if (exponent === 0x1f) {
      bits[half] = sign | 0x7f800000 | (fraction << 13); // Infinity and NaN
    } else {
      bits[half] = sign | ((exponent + 127 - 15) << 23) | (fraction << 13);
    }
  }
  return bits;
}

function widen(halves: Uint16Array, table: Uint32Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

// A brain float is the upper half of a float32.
function widenBrain(upper: Uint16Array): Float32Array {
  const bits = new Uint32Array(upper.length);
  for (let i = 0; i < upper.length; i++) bits[i] = upper[i]! << 16;
  return new Float32Array(bits.buffer);
}

// A double near enough to a 64-bit integer that rounding it to float32 gives what rounding the integer
// itself would: above 2^53 the lowest bit kept stands for "something was cut off" (rounding to odd).
function oddDouble(value: bigint): number {
  const low = value & 0x7ffn;
  const magnitude = value < 0n ? -value : value;
  if (magnitude < 2n ** 53n || low === 0n) return Number(value);
  return Number((value >> 11n) | 1n) * 2048;
}

function narrow(values: Uint32Array | BigInt64Array | BigUint64Array, name: string): Int32Array {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    out[i] = Number(value);
    // biome-ignore lint/suspicious/noDoubleEquals: a number beside a bigint, compared by value
    if (out[i]! != value) {
      const reason = `the value ${value} at ${i} does not fit in 32 bits`;
      throw new CheckpointError('TENSOR_OVERFLOW', reason, { key: name });
    }
  }
  return out;
}

function bitsOf(values: Float32Array): Uint32Array {
  return viewAs(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), Uint32Array);
}

function toHalf(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000) {
      half = 0x7e00; // NaN
    } else if (magnitude >= 0x47800000) {
      half = 0x7c00; // 2^16 and above
    } else if (magnitude >= 0x38800000) {
      // Normal: a new bias, then the 13 lowest bits rounded away; the carry may reach Infinity.
      half = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    } else {
      // Subnormal: whole multiples of 2^-24. Adding 2^52 to a double rounds it to a whole number.
      half = Math.abs(values[i]!) * 2 ** 24 + 2 ** 52 - 2 ** 52;
    }
    out[i] = ((bits[i]! >>> 16) & 0x8000) | half;
  }
  return out;
}

function toBrain(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const notANumber = (word & 0x7fffffff) > 0x7f800000;
    out[i] = notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}
