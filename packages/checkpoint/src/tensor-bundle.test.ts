import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c } from './crc32c.js';
import { type DType, loadFolder, type StoredTensor } from './index.js';
import { randomFile } from './random-file.js';
import { unsnappy } from './snappy.js';
import { bytesFile } from './source.js';
import { readBundleIndex } from './tensor-bundle.js';
import { contentStart, readZipDirectory } from './zip.js';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/bundle/${name}`, import.meta.url));
const shared = fileURLToPath(new URL('../../../../shared/data/weights/', import.meta.url));

const written = JSON.parse(await readFile(fixture('expected.json'), 'utf8')) as Record<
  string,
  { dtype: DType; shape: number[]; bytes: string }
>;
const expected = new Map(
  Object.entries(written).map(([name, { dtype, shape, bytes }]): [string, StoredTensor] => [
    name,
    { name, dtype, shape, data: new Uint8Array(Buffer.from(bytes, 'hex')) },
  ]),
);

type Files = Record<string, Uint8Array | string>;

/** The files of one checkpoint, under the name that a folder without a note is looked at for. */
async function filesOf(prefix: string, shards = 1): Promise<Record<string, Uint8Array>> {
  const names = Array.from({ length: shards }, (_, i) => `data-0000${i}-of-0000${shards}`);
  const files = await Promise.all(
    ['index', ...names].map(async (name) => [
      `model.ckpt.${name}`,
      new Uint8Array(await readFile(fixture(`${prefix}.ckpt.${name}`))),
    ]),
  );
  return Object.fromEntries(files);
}

async function tensorsOf(source: string | Files): Promise<Map<string, StoredTensor>> {
  const out = new Map<string, StoredTensor>();
  const folder = await loadFolder(source);
  for await (const { data, ...rest } of folder.tensors()) {
    out.set(rest.name, { ...rest, data: new Uint8Array(data) });
  }
  const headers = Array.from(out, ([name, { dtype, shape }]) => [name, { dtype, shape }] as const);
  expect(await folder.names()).toEqual(new Map(headers));
  return out;
}

async function refusal(files: Files): Promise<{ code: string; message: string }> {
  try {
    await tensorsOf(files);
  } catch (error) {
    expect(error).toMatchObject({ name: 'CheckpointError' });
    return error as { code: string; message: string };
  }
  throw new Error('it was read');
}

describe('what TensorFlow wrote', () => {
  test('every tensor to the last bit; the one that the folder’s note names', async () => {
    expect(await tensorsOf(fixture(''))).toEqual(expected);
  });

  test('in three parts', async () => {
    expect(await tensorsOf(await filesOf('parts', 3))).toEqual(expected);
  });

  test('with an index that Snappy compressed', async () => {
    const tensors = await tensorsOf(await filesOf('snappy'));
    expect(tensors.size).toBe(8);
    for (const [name, tensor] of tensors) expect(tensor).toEqual(expected.get(name));
  });

  test('a partitioned variable is refused by its name', async () => {
    expect(await refusal(await filesOf('sliced'))).toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringMatching(/partitioned/),
    });
  });

  const folders = [
    'bert-tf-fixture',
    'gpt2-tf-fixture',
    'txl-tf-fixtures/test_checkpoint_div_1',
    'txl-tf-fixtures/test_checkpoint_div_2',
  ];
  // Files of others, which stand beside the repository or nowhere.
  (existsSync(shared) ? test : test.skip).each(folders)(
    '%s equals its weights.npz',
    async (name) => {
      const arrays = await numpyArrays(`${shared}${name}/weights.npz`);
      const tensors = await tensorsOf(`${shared}${name}`);
      const ours = Array.from(tensors, ([key, { shape, data }]) => [key, { shape, data }] as const);
      expect(new Map(ours)).toEqual(arrays);
    },
  );
});

/** The arrays of an .npz, which is a zip archive of .npy files: a header of Python's, then the bytes. */
async function numpyArrays(
  path: string,
): Promise<Map<string, { shape: number[]; data: Uint8Array }>> {
  const zip = await randomFile(bytesFile(new Uint8Array(await readFile(path)), path));
  const out = new Map<string, { shape: number[]; data: Uint8Array }>();
  for (const [name, entry] of await readZipDirectory(zip)) {
    const bytes = await zip.read(await contentStart(zip, entry), entry.size);
    const start = 10 + bytes[8]! + 256 * bytes[9]!;
    const header = new TextDecoder().decode(bytes.subarray(10, start));
    const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').match(/\d+/g) ?? [];
    out.set(name.replace(/\.npy$/, ''), {
      shape: shape.map(Number),
      data: new Uint8Array(bytes.subarray(start)),
    });
  }
  return out;
}

describe('what is damaged or lies is refused', () => {
  const flip = (bytes: Uint8Array, at: number) => {
    bytes[at] = bytes[at]! ^ 1;
  };
  const cases: [string, (files: Record<string, Uint8Array>) => void, string][] = [
    [
      'a changed byte of a tensor',
      (files) => flip(files['model.ckpt.data-00000-of-00001']!, 40),
      'BAD_CHECKSUM',
    ],
    [
      'a changed byte of the index',
      (files) => flip(files['model.ckpt.index']!, 40),
      'BAD_CHECKSUM',
    ],
    [
      'data cut short',
      (files) => {
        files['model.ckpt.data-00000-of-00001'] = files['model.ckpt.data-00000-of-00001']!.subarray(
          0,
          1000,
        );
      },
      'TRUNCATED',
    ],
    [
      'no data',
      (files) => {
        delete files['model.ckpt.data-00000-of-00001'];
      },
      'NOT_FOUND',
    ],
    [
      'an index cut short',
      (files) => {
        files['model.ckpt.index'] = files['model.ckpt.index']!.subarray(0, 1000);
      },
      'BAD_BUNDLE',
    ],
    [
      'an empty index',
      (files) => {
        files['model.ckpt.index'] = new Uint8Array(0);
      },
      'BAD_BUNDLE',
    ],
    [
      'a footer of nothing but its magic',
      (files) => {
        files['model.ckpt.index'] = files['model.ckpt.index']!.subarray(-48);
      },
      'BAD_BUNDLE',
    ],
  ];
  test.each(cases)('%s', async (_, damage, code) => {
    const files = await filesOf('model');
    damage(files);
    expect((await refusal(files)).code).toBe(code);
  });

  test('a note that leads out of the folder means a file in it', async () => {
    const files = await filesOf('model');
    const note =
      'model_checkpoint_path: "/home/other/../model.ckpt"\nall_model_checkpoint_paths: "x"\n';
    expect(await tensorsOf({ ...files, checkpoint: note })).toEqual(expected);
    const evil = { ...files, checkpoint: 'model_checkpoint_path: ".."' };
    expect((await refusal(evil)).code).toBe('BAD_NAME');
  });

  test('an index of whatever bytes is read or refused, within bounds', async () => {
    const indexes = await Promise.all(
      ['model', 'parts', 'snappy'].map((name) => readFile(fixture(`${name}.ckpt.index`))),
    );
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...indexes), changes, fc.boolean(), (original, changes, cut) => {
        const bytes = new Uint8Array(
          cut ? original.subarray(0, changes[0]![0] % original.length) : original,
        );
        for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
        try {
          readBundleIndex(bytes, 'evil.index');
        } catch (error) {
          expect((error as Error).name).toBe('CheckpointError');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('CRC-32C of RFC 3720’s examples, also in two steps', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(ascending.subarray(13), crc32c(ascending.subarray(0, 13)))).toBe(0x46dd794e);
});

describe('Snappy', () => {
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  const read = (...bytes: number[]) =>
    new TextDecoder().decode(unsnappy(Uint8Array.from(bytes), fail));

  test('literals, and copies that reach into what they write', () => {
    expect(read(3, 0x08, 97, 98, 99)).toBe('abc');
    expect(read(9, 0x04, 97, 98, 0x0d, 2)).toBe('ababababa');
    expect(read(10, 0x04, 97, 98, 0x1e, 2, 0)).toBe('ababababab');
    expect(read(6, 0x04, 97, 98, 0x0f, 2, 0, 0, 0)).toBe('ababab');
    expect(read(0)).toBe('');
  });

  test.each([
    ['a length that is not there', [0xff]],
    ['four thousand million bytes of five', [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a literal longer than it', [2, 0xf0, 0xff]],
    ['a copy from before the beginning', [4, 0x01, 1]],
    ['a copy of nothing', [5, 0, 97, 0x01, 0]],
    ['more than it says', [1, 0x04, 97, 98]],
    ['less than it says', [3, 0x04, 97, 98]],
  ])('%s is refused', (_, bytes) => {
    expect(() => read(...bytes)).toThrow(/Snappy/);
  });

  test('whatever the bytes, it ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect(unsnappy(bytes, fail).byteLength).toBeLessThanOrEqual(22 * bytes.byteLength);
        } catch (error) {
          expect((error as Error).message).toMatch(/Snappy/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
