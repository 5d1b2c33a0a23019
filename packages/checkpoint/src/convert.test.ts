import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { fromFloat32, readSafetensors, type StoredTensor, toFloat32, toInt32 } from './index.js';

const fixture = (name: string) => readFile(new URL(`../fixtures/${name}`, import.meta.url));
const stored = new Map<string, StoredTensor>();

beforeAll(async () => {
  const file = await readSafetensors(await fixture('dtypes.safetensors'));
  for await (const tensor of file.tensors()) stored.set(tensor.name, tensor);
});

const bits = (values: Float32Array) => [
  ...new Int32Array(values.buffer, values.byteOffset, values.length),
];
const bytes = (array: ArrayBufferView) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const tensor = (dtype: StoredTensor['dtype'], array: ArrayBufferView & { length: number }) => ({
  name: 'x',
  dtype,
  shape: [array.length],
  data: bytes(array),
});

describe('toFloat32', () => {
  test('every dtype gives the float32 bits that PyTorch gives', async () => {
    const expected: Record<string, number[]> = JSON.parse(
      (await fixture('dtypes-as-float32-bits.json')).toString(),
    );
    expect([...stored.keys()].sort()).toEqual(Object.keys(expected).sort());
    expect(new Set([...stored.values()].map(({ dtype }) => dtype)).size).toBe(13);
    for (const [name, tensor] of stored) {
      expect([name, bits(toFloat32(tensor))]).toEqual([name, expected[name]]);
    }
  });

  test('all 65,536 half floats give what PyTorch gives', async () => {
    const { numbers, checksum } = JSON.parse((await fixture('every-half.json')).toString());
    const wide = toFloat32(
      tensor(
        'F16',
        Uint16Array.from({ length: 65536 }, (_, i) => i),
      ),
    );
    const words = new Uint32Array(wide.buffer);
    let count = 0;
    let sum = 0n;
    for (const [i, value] of wide.entries()) {
      const isNotANumber = (i & 0x7fff) > 0x7c00;
      if (Number.isNaN(value) !== isNotANumber) throw new Error(`${i} is read as ${value}`);
      if (isNotANumber) continue;
      count++;
      sum += BigInt(words[i]!) * BigInt(i % 251);
    }
    expect({ numbers: count, checksum: String(sum) }).toEqual({ numbers, checksum });
  });

  test('reads bytes at any alignment, and shares memory where F32 is aligned', () => {
    const values = new Float32Array([1.5, -2]);
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      const aligned = fromFloat32('x', [2], values, dtype);
      const shifted = new Uint8Array(aligned.data.byteLength + 1);
      shifted.set(aligned.data, 1);
      expect(toFloat32({ ...aligned, data: shifted.subarray(1) })).toEqual(values);
    }
    expect(toFloat32(fromFloat32('x', [2], values)).buffer).toBe(values.buffer);
  });

  test('refuses bytes that are not as many as the shape asks for', () => {
    const short = { name: 'a.b', dtype: 'F32', shape: [2], data: new Uint8Array(7) } as const;
    expect(() => toFloat32({ ...short, shape: [2] })).toThrow(
      '"a.b": F32 of shape [2] takes 8 bytes, not 7',
    );
  });
});

describe('toInt32', () => {
  test('gives integers and BOOL as they are', () => {
    expect([...toInt32(stored.get('i32')!)]).toEqual([0, 1, -1, 2147483647, -2147483648, 16777217]);
    expect([...toInt32(stored.get('i16')!)]).toEqual([0, 1, -1, 32767, -32768]);
    expect([...toInt32(stored.get('u16')!)]).toEqual([0, 1, 32768, 65535]);
    expect([...toInt32(stored.get('i8')!)]).toEqual([0, 1, -1, 127, -128]);
    expect([...toInt32(stored.get('u8')!)]).toEqual([0, 1, 128, 255]);
    expect([...toInt32(stored.get('bool')!)]).toEqual([1, 0, 0, 1]);
    const fits = new BigInt64Array([5n, -2147483648n, 2147483647n]);
    expect([...toInt32(tensor('I64', fits))]).toEqual([5, -2147483648, 2147483647]);
  });

  test.each([
    ['I64', new BigInt64Array([0n, 2n ** 31n]), 'the value 2147483648 at 1 does not fit'],
    ['I64', new BigInt64Array([-(2n ** 63n)]), 'the value -9223372036854775808 at 0'],
    ['U64', new BigUint64Array([2n ** 32n]), 'the value 4294967296 at 0'],
    ['U32', new Uint32Array([1, 2 ** 31]), 'the value 2147483648 at 1'],
  ] as const)('%s that does not fit in 32 bits is an error', (dtype, array, message) => {
    expect(() => toInt32(tensor(dtype, array))).toThrow(message);
    expect(() => toInt32(tensor(dtype, array))).toThrow(
      expect.objectContaining({ code: 'TENSOR_OVERFLOW', key: 'x' }),
    );
  });

  test('floats are an error', () => {
    expect(() => toInt32(stored.get('f16')!)).toThrow(
      expect.objectContaining({ code: 'WRONG_DTYPE', key: 'f16' }),
    );
  });
});

describe('fromFloat32', () => {
  test('rounds to F16 and BF16 as PyTorch does: ties, subnormals, overflow', () => {
    const values = toFloat32(stored.get('f32')!);
    expect(values.length).toBeGreaterThan(90);
    for (const [name, dtype] of [
      ['f16', 'F16'],
      ['bf16', 'BF16'],
    ] as const) {
      const ours = fromFloat32(name, [values.length], values, dtype);
      expect([...ours.data]).toEqual([...stored.get(name)!.data]);
    }
  });

  test('every half float and every brain float survives the way to float32 and back', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    for (const [dtype, infinity] of [
      ['F16', 0x7c00],
      ['BF16', 0x7f80],
    ] as const) {
      const numbers = all.filter((word) => (word & 0x7fff) <= infinity);
      const back = fromFloat32('x', [numbers.length], toFloat32(tensor(dtype, numbers)), dtype);
      expect(Buffer.compare(back.data, bytes(numbers))).toBe(0);
    }
  });

  test('NaN stays NaN, also one whose payload lies in the bits that are cut off', () => {
    const values = new Float32Array(
      new Uint32Array([0x7f800001, 0xff800001, 0x7fc00000, 0x7fffffff]).buffer,
    );
    for (const dtype of ['F16', 'BF16'] as const) {
      expect([...toFloat32(fromFloat32('x', [4], values, dtype))]).toEqual([NaN, NaN, NaN, NaN]);
    }
  });

  test('refuses values that are not as many as the shape asks for, and other dtypes', () => {
    expect(() => fromFloat32('w', [2, 2], new Float32Array(3))).toThrow('takes 4 values, not 3');
    expect(() => fromFloat32('w', [1], new Float32Array(1), 'I8' as 'F16')).toThrow('not I8');
    expect(() => fromFloat32('w', [1.5], new Float32Array(1))).toThrow('not a whole number');
  });
});
