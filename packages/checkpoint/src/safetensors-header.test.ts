import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseSafetensorsHeader,
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from './index.js';

/** A file with this header and so many bytes after it. */
function file(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

/** How a whole file and the same file as a stream are refused; both have to agree. */
async function refusal(bytes: Uint8Array): Promise<{ code: string; message: string }> {
  const errors: { code: string; message: string }[] = [];
  for (const source of [bytes, [bytes]]) {
    try {
      const opened = await readSafetensors(source, { file: 'evil.safetensors' });
      for await (const _ of opened.tensors());
    } catch (error) {
      errors.push(error as { code: string; message: string });
    }
  }
  expect(errors.map(({ code }) => code)).toEqual([errors[0]?.code, errors[0]?.code]);
  return errors[0]!;
}

describe('hostile files are refused, with the file, the key and the reason', () => {
  test.each<[string, Uint8Array, string, string]>([
    ['nothing at all', new Uint8Array(0), 'SAFETENSORS_TRUNCATED', 'ends after 0 bytes'],
    ['seven bytes', new Uint8Array(7), 'SAFETENSORS_TRUNCATED', 'ends after 7 bytes'],
    ['an empty header', file(''), 'SAFETENSORS_BAD_HEADER', 'does not begin with "{"'],
    ['a header past the end', file('{}', 0, 100n), 'SAFETENSORS_TRUNCATED', '108'],
    [
      'a header of 2^60 bytes',
      file('{}', 0, 2n ** 60n),
      'SAFETENSORS_HEADER_TOO_LARGE',
      '1152921504606846976',
    ],
    [
      'a header of 2^64-1 bytes',
      file('{}', 0, 2n ** 64n - 1n),
      'SAFETENSORS_HEADER_TOO_LARGE',
      '18446744073709551615',
    ],
    [
      'a header of 100,000,001 bytes',
      file('{}', 0, 100_000_001n),
      'SAFETENSORS_HEADER_TOO_LARGE',
      '100000001',
    ],
    ['an array as header', file('[]'), 'SAFETENSORS_BAD_HEADER', 'does not begin with "{"'],
    ['a space before the header', file(' {}'), 'SAFETENSORS_BAD_HEADER', 'does not begin with "{"'],
    ['a header that is not closed', file('{"a":'), 'SAFETENSORS_BAD_HEADER', 'not valid JSON'],
    [
      'something after the header',
      file('{}x'),
      'SAFETENSORS_BAD_HEADER',
      'something follows the end',
    ],
    [
      'invalid UTF-8',
      file(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])),
      'SAFETENSORS_BAD_HEADER',
      'not valid UTF-8',
    ],
    ['an HTML page', new TextEncoder().encode('<!DOCTYPE html>'), 'HTML_INSTEAD_OF_JSON', 'HTML'],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'),
      'GIT_LFS_POINTER',
      'git lfs pull',
    ],
    [
      'overlapping tensors',
      file(`{"a":${entry('U8', '[4]', '[0,4]')},"b":${entry('U8', '[4]', '[2,6]')}}`, 6),
      'SAFETENSORS_BAD_OFFSETS',
      '"b": begins at 2 and so overlaps the tensor "a", which ends at 4',
    ],
    [
      'twice the same bytes',
      file(`{"a":${entry('U8', '[4]', '[0,4]')},"b":${entry('U8', '[4]', '[0,4]')}}`, 4),
      'SAFETENSORS_BAD_OFFSETS',
      '"b": begins at 0 and so overlaps',
    ],
    [
      'a gap',
      file(`{"a":${entry('U8', '[4]', '[0,4]')},"b":${entry('U8', '[4]', '[5,9]')}}`, 9),
      'SAFETENSORS_BAD_OFFSETS',
      '"b": begins at 5 and so leaves a gap',
    ],
    [
      'a gap at the start',
      file(`{"a":${entry('U8', '[4]', '[1,5]')}}`, 5),
      'SAFETENSORS_BAD_OFFSETS',
      '"a": begins at 1',
    ],
    [
      'offsets past the end',
      file(`{"a":${entry('U8', '[9]', '[0,9]')}}`, 4),
      'SAFETENSORS_TRUNCATED',
      '"a": truncated',
    ],
    [
      'offsets backwards',
      file(`{"a":${entry('U8', '[0]', '[4,0]')}}`, 4),
      'SAFETENSORS_BAD_OFFSETS',
      '"a"',
    ],
    [
      'negative offsets',
      file(`{"a":${entry('U8', '[4]', '[-4,0]')}}`, 4),
      'SAFETENSORS_BAD_OFFSETS',
      '"a": the header has -4',
    ],
    [
      'fractional offsets',
      file(`{"a":${entry('U8', '[1]', '[0,1.0]')}}`, 1),
      'SAFETENSORS_BAD_OFFSETS',
      'has 1.0',
    ],
    [
      'offsets of 2^63',
      file(`{"a":${entry('U8', '[1]', '[9223372036854775807,9223372036854775808]')}}`, 1),
      'SAFETENSORS_BAD_OFFSETS',
      'has 9223372036854775807',
    ],
    [
      'three offsets',
      file(`{"a":${entry('U8', '[1]', '[0,1,1]')}}`, 1),
      'SAFETENSORS_BAD_HEADER',
      '"a": the header entry lacks',
    ],
    [
      'bytes after the last tensor',
      file(`{"a":${entry('U8', '[1]', '[0,1]')}}`, 2),
      'SAFETENSORS_TRAILING_BYTES',
      'follow the last tensor',
    ],
    [
      'a shape too large for its bytes',
      file(`{"a":${entry('F32', '[2]', '[0,4]')}}`, 4),
      'SAFETENSORS_BAD_SHAPE',
      '"a": F32 of shape [2] takes 8 bytes, but the offsets [0, 4] span 4',
    ],
    [
      'a wrong dtype for its bytes',
      file(`{"a":${entry('F64', '[1]', '[0,4]')}}`, 4),
      'SAFETENSORS_BAD_SHAPE',
      '"a": F64',
    ],
    [
      'a negative size',
      file(`{"a":${entry('U8', '[-1,-1]', '[0,1]')}}`, 1),
      'SAFETENSORS_BAD_SHAPE',
      'has -1',
    ],
    [
      'a fractional size',
      file(`{"a":${entry('U8', '[0.5,2]', '[0,1]')}}`, 1),
      'SAFETENSORS_BAD_SHAPE',
      'has 0.5',
    ],
    [
      'a size of 1e2',
      file(`{"a":${entry('U8', '[1e2]', '[0,100]')}}`, 100),
      'SAFETENSORS_BAD_SHAPE',
      'has 1e2',
    ],
    [
      'a size as text',
      file(`{"a":${entry('U8', '["1"]', '[0,1]')}}`, 1),
      'SAFETENSORS_BAD_SHAPE',
      'something else',
    ],
    [
      'a product that overflows 64 bits to 1',
      file(`{"a":${entry('U8', '[4294967296,4294967296,1]', '[0,1]')}}`, 1),
      'SAFETENSORS_BAD_SHAPE',
      '"a": the shape [4294967296, 4294967296, 1] is too large',
    ],
    [
      'an 8-bit float',
      file(`{"a":${entry('F8_E4M3', '[1]', '[0,1]')}}`, 1),
      'SAFETENSORS_UNSUPPORTED_DTYPE',
      '"a": has dtype "F8_E4M3"',
    ],
    [
      'a dtype of no file',
      file(`{"a":${entry('constructor', '[1]', '[0,1]')}}`, 1),
      'SAFETENSORS_UNSUPPORTED_DTYPE',
      '"constructor"',
    ],
    [
      'a tensor twice',
      file(`{"a":${entry('U8', '[1]', '[0,1]')},"a":${entry('U8', '[1]', '[0,1]')}}`, 1),
      'SAFETENSORS_DUPLICATE_KEY',
      '"a": the key stands twice',
    ],
    [
      'a tensor twice, one spelled with an escape',
      file(`{"a":${entry('U8', '[1]', '[0,1]')},"\\u0061":${entry('U8', '[1]', '[0,1]')}}`, 1),
      'SAFETENSORS_DUPLICATE_KEY',
      '"a": the key stands twice',
    ],
    [
      'a dtype twice',
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
      'SAFETENSORS_DUPLICATE_KEY',
      '"dtype": the key stands twice',
    ],
    [
      'metadata twice',
      file('{"__metadata__":{},"__metadata__":{}}'),
      'SAFETENSORS_DUPLICATE_KEY',
      '"__metadata__"',
    ],
    [
      'metadata that is no text',
      file('{"__metadata__":{"a":1}}'),
      'SAFETENSORS_BAD_HEADER',
      'expected a string',
    ],
    [
      'a tensor named __proto__',
      file(`{"__proto__":${entry('U8', '[1]', '[0,1]')}}`, 1),
      'SAFETENSORS_BAD_HEADER',
      'refusing the key "__proto__"',
    ],
    [
      'metadata named __proto__',
      file('{"__metadata__":{"__proto__":"x"}}'),
      'SAFETENSORS_BAD_HEADER',
      'refusing the key "__proto__"',
    ],
    [
      'half a surrogate pair as name',
      file(`{"\\ud800":${entry('U8', '[1]', '[0,1]')}}`, 1),
      'SAFETENSORS_BAD_HEADER',
      'not valid Unicode',
    ],
    ['an entry that is no object', file('{"a":1}'), 'SAFETENSORS_BAD_HEADER', 'expected "{"'],
    [
      'an entry without a dtype',
      file('{"a":{"shape":[],"data_offsets":[0,0]}}'),
      'SAFETENSORS_BAD_HEADER',
      '"a": the header entry lacks',
    ],
    [
      'arrays nested without end',
      file(`{"a":{"x":${'['.repeat(100_000)}`),
      'SAFETENSORS_BAD_HEADER',
      'nested more than 128 deep',
    ],
  ])('%s', async (_, bytes, code, message) => {
    const error = await refusal(bytes);
    expect(error).toMatchObject({ name: 'CheckpointError', code, file: 'evil.safetensors' });
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/^evil\.safetensors: /);
  });

  test('tensors larger than the stream are not allocated before their bytes come', async () => {
    const size = 2 ** 42;
    const header = file(`{"a":${entry('U8', `[${size}]`, `[0,${size}]`)}}`, 1000);
    const opened = await readSafetensors([header], { file: 'huge' });
    await expect(opened.tensors().next()).rejects.toThrow('"a": truncated');
    const long = file('{}', 0, 99_999_999n);
    await expect(readSafetensors([long], { file: 'long' })).rejects.toThrow('truncated');
  });

  test.each([0x213c, 0x613c])(
    'a header length whose bytes begin like a page (%i) is a length',
    (length) => {
      expect(parseSafetensorsHeader(file('{}'.padEnd(length))).dataStart).toBe(8 + length);
    },
  );

  test('fields that a later version may add are passed over', () => {
    const bytes = file(
      '{"a":{"dtype":"U8","new":{"x":[1,{"y":null}]},"shape":[],"data_offsets":[0,1]}}',
      1,
    );
    expect([...parseSafetensorsHeader(bytes).tensors.values()]).toEqual([
      { name: 'a', dtype: 'U8', shape: [], begin: 0, end: 1 },
    ]);
  });
});

describe('any file', () => {
  const dtypes = [
    'F64',
    'F32',
    'F16',
    'BF16',
    'I64',
    'I32',
    'I16',
    'I8',
    'U64',
    'U32',
    'U16',
    'U8',
    'BOOL',
  ] as const;
  const width = {
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
  const name = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((n) => !n.startsWith('__'));
  const tensor = fc
    .record({
      name,
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
      seed: fc.nat(255),
    })
    .map(({ name, dtype, shape, seed }): StoredTensor => {
      const size = shape.reduce((product, n) => product * n, 1) * width[dtype];
      return {
        name,
        dtype,
        shape,
        data: Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) % 256),
      };
    });
  const tensors = fc.uniqueArray(tensor, { maxLength: 6, selector: ({ name }) => name });
  const metadata = fc.dictionary(name, fc.string({ unit: 'grapheme' }), { maxKeys: 3 });

  async function read(source: Uint8Array | Uint8Array[]): Promise<StoredTensor[]> {
    const out: StoredTensor[] = [];
    for await (const tensor of (await readSafetensors(source)).tensors()) out.push(tensor);
    return out;
  }

  test('is read as it was written, aligned, and written again the same', async () => {
    await fc.assert(
      fc.asyncProperty(tensors, metadata, async (tensors, metadata) => {
        const bytes = writeSafetensors(tensors, { metadata });
        const opened = await readSafetensors(bytes);
        expect(opened.metadata).toEqual({ ...metadata });
        for (const { dtype, begin } of opened.header.tensors.values()) {
          expect((opened.header.dataStart + begin) % width[dtype]).toBe(0);
        }
        const back = await read(bytes);
        const byName = (list: StoredTensor[]) => new Map(list.map((t) => [t.name, t]));
        expect(byName(back)).toEqual(byName(tensors));
        expect(Buffer.compare(writeSafetensors(back, { metadata }), bytes)).toBe(0);
      }),
    );
  });

  test('cut short anywhere is refused, from bytes and from a stream', async () => {
    await fc.assert(
      fc.asyncProperty(
        tensors,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (tensors, part) => {
          const bytes = writeSafetensors(tensors);
          const cut = bytes.slice(0, Math.floor(bytes.byteLength * part));
          for (const source of [cut, [cut]]) {
            await expect(read(source)).rejects.toMatchObject({ code: 'SAFETENSORS_TRUNCATED' });
          }
        },
      ),
    );
  });

  test('with changed bytes is read, to no more than its own size, or refused with a CheckpointError', async () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(tensors, changes, async (tensors, changes) => {
        const bytes = writeSafetensors(tensors);
        for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
        const results = await Promise.all(
          [bytes, [bytes]].map((source) => read(source).catch((error: Error) => error)),
        );
        for (const result of results) {
          if (Array.isArray(result)) {
            const size = result.reduce((sum, { data }) => sum + data.byteLength, 0);
            expect(size).toBeLessThan(bytes.byteLength);
            outcomes.read++;
          } else {
            expect(result.name).toBe('CheckpointError');
            outcomes.refused++;
          }
        }
        expect(Array.isArray(results[0])).toBe(Array.isArray(results[1]));
      }),
      { numRuns: 2000 },
    );
    expect(outcomes.read).toBeGreaterThan(50);
    expect(outcomes.refused).toBeGreaterThan(50);
  });
});
