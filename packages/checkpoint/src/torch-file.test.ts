import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pickleOf, stateOf, type TensorLies, tensorOf, textOf } from '../test/pickle-writer.js';
import { type ZipPart, zipOf } from '../test/zip-writer.js';
import {
  loadFolder,
  type Progress,
  readSafetensors,
  readTorch,
  type StoredTensor,
  TorchTensor,
  toFloat32,
} from './index.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const bytesOf = (name: string) => readFile(fixture(name));

async function tensorsOf(file: {
  tensors(): AsyncIterable<StoredTensor>;
}): Promise<Map<string, StoredTensor>> {
  const out = new Map<string, StoredTensor>();
  for await (const { data, ...rest } of file.tensors()) {
    out.set(rest.name, { ...rest, data: new Uint8Array(data) });
  }
  return out;
}

const expectedIn = async (name: string) => tensorsOf(await readSafetensors(await bytesOf(name)));

describe('what torch.save wrote', () => {
  test.each([
    ['tensors', 'expected', ['unsigned']],
    ['tensors-protocol-4', 'expected', []],
    ['tensors-legacy', 'expected', []],
    ['module', 'module', []],
    ['module-legacy', 'module', []],
    ['checkpoint', 'checkpoint', []],
  ])('%s: every tensor to the last bit, by its own strides', async (name, expected, more) => {
    const all = [...(await expectedIn(`torch/${expected}.safetensors`))];
    for (const other of more) all.push(...(await expectedIn(`torch/${other}.safetensors`)));
    const bytes = await bytesOf(`torch/${name}.pt`);
    for (const source of [bytes, new Blob([bytes])]) {
      const file = await readTorch(source, { file: name });
      const tensors = await tensorsOf(file);
      expect(tensors).toEqual(new Map(all));
      const headers = all.map(([key, { dtype, shape }]) => [key, { dtype, shape }] as const);
      expect(file.infos).toEqual(new Map(headers));
      const size = all.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
      expect(file.dataBytes).toBe(size);
    }
  });

  test('all that was saved is there, tensors to be read when they are wanted', async () => {
    const file = await readTorch(await bytesOf('torch/checkpoint.pt'));
    const saved = file.value as Map<string, Map<string, TorchTensor> & { className: string }>;
    expect([...saved.keys()]).toEqual(['iter_num', 'model', 'optimizer', 'args']);
    expect(saved.get('iter_num')).toBe(3);
    expect(saved.get('args')?.className).toBe('argparse.Namespace');
    const weight = saved.get('model')!.get('layers.0.linear.weight');
    expect(weight).toBeInstanceOf(TorchTensor);
    expect(weight?.shape).toEqual([2, 3]);
    const { data } = (await expectedIn('torch/checkpoint.safetensors')).get(
      'layers.0.linear.weight',
    )!;
    const stored = await file.read(weight!, 'w');
    expect({ ...stored, data: new Uint8Array(stored.data) }).toEqual({
      name: 'w',
      dtype: 'F32',
      shape: [2, 3],
      data,
    });
    await file.close();
  });

  test.each(['bin', 'bin-sharded'])(
    'a folder with %s has what the same in safetensors has',
    async (name) => {
      const single = await loadFolder(fixture('single'));
      const seen: Progress[] = [];
      const folder = await loadFolder(fixture(`torch/${name}`), {
        onProgress: (p) => seen.push(p),
      });
      expect(await tensorsOf(folder)).toEqual(await tensorsOf(single));
      expect(await folder.names()).toEqual(await single.names());
      expect(seen.at(-1)).toMatchObject({ phase: 'read', loaded: 3632, total: 3632 });
      const abort = new AbortController();
      const reading = (async () => {
        for await (const _ of folder.tensors({ signal: abort.signal })) abort.abort();
      })();
      await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    },
  );

  test('over the network, where no part can be had for itself, it is received whole', async () => {
    const bytes = await bytesOf('torch/bin/pytorch_model.bin');
    const fetch = async (url: string | URL | Request) => {
      const name = String(url).split('/').at(-1);
      if (name !== 'pytorch_model.bin') return new Response('', { status: 404 });
      return new Response(new Blob([bytes]).stream());
    };
    const folder = await loadFolder('https://models.example/bert', {
      fetch: fetch as typeof globalThis.fetch,
    });
    expect((await tensorsOf(folder)).size).toBe(23);
    expect((await folder.names()).size).toBe(23);
  });

  test('a folder’s readPickle gives what a file of it holds', async () => {
    const folder = await loadFolder(fixture('torch'));
    const saved = (await folder.readPickle('checkpoint.pt')) as Map<string, unknown>;
    expect([...saved.keys()]).toEqual(['iter_num', 'model', 'optimizer', 'args']);
    expect(await folder.readPickle('missing.pt')).toBeUndefined();
    await expect(folder.readPickle('../secret.pt')).rejects.toMatchObject({ code: 'BAD_NAME' });
    await expect(folder.readPickle('pickles.json')).rejects.toMatchObject({ code: 'BAD_PICKLE' });
  });

  test('safetensors come first where both are there', async () => {
    const folder = await loadFolder({
      'model.safetensors': await bytesOf('single/model.safetensors'),
      'pytorch_model.bin': 'never looked at',
    });
    expect((await folder.names()).size).toBe(23);
  });
});

/** A zip archive as torch.save makes it, with storages of four floats unless told otherwise. */
function torchZip(
  pickle: Uint8Array,
  storages: Record<string, number> = { '0': 16 },
  more: ZipPart[] = [],
): Uint8Array {
  const records = Object.entries(storages).map(([key, size]) => ({
    name: `model/data/${key}`,
    content: Uint8Array.from({ length: size }, (_, i) => i),
  }));
  return zipOf([{ name: 'model/data.pkl', content: pickle }, ...records, ...more]);
}

async function refusal(bytes: Uint8Array): Promise<{ code: string; message: string }> {
  try {
    await tensorsOf(await readTorch(bytes, { file: 'evil.bin' }));
  } catch (error) {
    expect(error).toMatchObject({ name: 'CheckpointError' });
    return error as { code: string; message: string };
  }
  throw new Error('it was read');
}

const one = (lies: TensorLies) => stateOf({ w: tensorOf(lies) });

test('the archives and pickles made here are right but for what they lie about', async () => {
  const file = await readTorch(torchZip(one({ shape: [2, 2], strides: [1, 2] })));
  const { w } = Object.fromEntries(await tensorsOf(file));
  expect(w?.shape).toEqual([2, 2]);
  const floats = toFloat32({
    name: '',
    dtype: 'F32',
    shape: [4],
    data: Uint8Array.from({ length: 16 }, (_, i) => i),
  });
  expect([...toFloat32(w!)]).toEqual([0, 2, 1, 3].map((i) => floats[i]));
});

describe('tensors that lie', () => {
  const most = 0x7fffffff;
  test.each<[string, Uint8Array, string]>([
    ['past the storage', one({ shape: [5] }), 'BAD_TENSOR'],
    ['an offset past the storage', one({ offset: 1 }), 'BAD_TENSOR'],
    ['strides past the storage', one({ shape: [2, 2], strides: [3, 1] }), 'BAD_TENSOR'],
    ['negative strides', one({ strides: [-1] }), 'BAD_TENSOR'],
    ['a negative size', one({ shape: [-4] }), 'BAD_TENSOR'],
    ['more sizes than strides', one({ shape: [2, 2] }), 'BAD_PICKLE'],
    [
      'one number that stands for two thousand million',
      one({ shape: [most], strides: [0] }),
      'TOO_LARGE',
    ],
    [
      'sizes beyond all numbers',
      one({ shape: Array(64).fill(most), strides: Array(64).fill(0) }),
      'TOO_LARGE',
    ],
    [
      'sixty-five dimensions',
      one({ shape: Array(65).fill(1), strides: Array(65).fill(1) }),
      'BAD_TENSOR',
    ],
    ['a storage of 2^31 elements', one({ elements: most, shape: [most] }), 'TOO_LARGE'],
    ['a storage larger than its record', one({ elements: 5 }), 'BAD_TENSOR'],
    ['a storage smaller than its record', one({ elements: 3, shape: [3] }), 'BAD_TENSOR'],
    ['a storage that is not there', one({ key: '1' }), 'BAD_TENSOR'],
    ['a storage outside of the archive', one({ key: '../../etc/passwd' }), 'BAD_TENSOR'],
    ['a dtype that is not read', one({ type: 'ComplexFloatStorage' }), 'UNSUPPORTED_DTYPE'],
    ['what a dtype inherits', one({ type: 'constructor' }), 'UNSUPPORTED_DTYPE'],
    [
      'a thousand times the same',
      stateOf(
        Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`w${i}`, pickleOf('h\x01')])),
      ),
      'BAD_PICKLE',
    ],
    ['a tensor alone', pickleOf(tensorOf(), '.'), 'BAD_PICKLE'],
    ['no tensors', pickleOf('}', textOf('a'), 'I1\ns.'), 'BAD_PICKLE'],
  ])('%s', async (_, pickle, code) => {
    const { code: found, message } = await refusal(torchZip(pickle));
    expect(found).toBe(code);
    expect(message).toContain('evil.bin');
  });

  test('an empty one may have sizes beyond all numbers', async () => {
    const file = await readTorch(
      torchZip(one({ shape: [...Array(63).fill(most), 0], strides: Array(64).fill(1) })),
    );
    expect((await tensorsOf(file)).get('w')?.data).toHaveLength(0);
  });

  test('a call in a state dict is refused before any tensor is given', async () => {
    const evil = stateOf({
      w: tensorOf(),
      x: pickleOf('cposix\nsystem\n', textOf('true'), 0x85, 'R'),
    });
    expect(await refusal(torchZip(evil))).toMatchObject({
      code: 'PICKLE_REFUSED',
      message: expect.stringContaining('would call "posix.system"'),
    });
  });

  test('what is shared again and again does not become many times the file', async () => {
    // A megabyte, under a thousand names.
    const tensor = pickleOf(tensorOf({ elements: 1 << 18, shape: [1 << 18] }), 'q\x01');
    const names = Array.from({ length: 1000 }, (_, i) => [
      `w${i}`,
      i === 0 ? tensor : pickleOf('h\x01'),
    ]);
    const bytes = torchZip(stateOf(Object.fromEntries(names)), { '0': 1 << 20 });
    expect((await refusal(bytes)).code).toBe('TOO_LARGE');
    // Modules of two that are the same, forty deep: 2^40 names.
    const module = (inner: Uint8Array) =>
      pickleOf(
        'ca\nModule\n)',
        0x81,
        '}',
        textOf('_modules'),
        '}(',
        textOf('a'),
        inner,
        textOf('b'),
        'h\x00usb',
      );
    let nested = pickleOf('ca\nModule\n)', 0x81, '}', textOf('_modules'), '}sb');
    for (let i = 0; i < 40; i++) nested = module(pickleOf(nested, 'q\x00'));
    expect((await refusal(torchZip(pickleOf(nested, '.')))).code).toBe('TOO_LARGE');
  });
});

describe('archives that lie', () => {
  const pkl = { name: 'model/data.pkl', content: one({}) };
  const record = { name: 'model/data/0', content: new Uint8Array(16) };
  const zip64 = 0xffffffff;
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'TRUNCATED'],
    ['a beginning alone', pickleOf('PK', 3, 4), 'TRUNCATED'],
    ['no data.pkl', zipOf([record]), 'BAD_PICKLE'],
    [
      'a compressed entry',
      zipOf([pkl, { ...record, method: 8, size: 1 << 30, stored: 16 }]),
      'NOT_SUPPORTED',
    ],
    ['an encrypted entry', zipOf([pkl, { ...record, flags: 1 }]), 'NOT_SUPPORTED'],
    ['two sizes', zipOf([pkl, { ...record, stored: 15 }]), 'BAD_ZIP'],
    ['an entry past the end', zipOf([pkl, { ...record, size: 1 << 20 }]), 'BAD_ZIP'],
    ['an entry into the directory', zipOf([pkl, { ...record, size: 60 }]), 'BAD_ZIP'],
    [
      'an entry over another',
      zipOf([{ ...pkl, size: pkl.content.length + 20 }, record]),
      'BAD_ZIP',
    ],
    ['two entries in one place', zipOf([pkl, { ...record, headerAt: 0 }]), 'BAD_ZIP'],
    ['an entry where there is none', zipOf([pkl, { ...record, headerAt: 7 }]), 'BAD_ZIP'],
    ['a name there twice', zipOf([pkl, record, record]), 'BAD_ZIP'],
    [
      'another name in the entry itself',
      zipOf([pkl, { ...record, localName: 'model/data/1' }]),
      'BAD_ZIP',
    ],
    [
      'a name that leads out',
      zipOf([pkl, record, { name: '../../x', content: record.content }]),
      'BAD_NAME',
    ],
    [
      'an absolute name',
      zipOf([pkl, record, { name: '/etc/passwd', content: record.content }]),
      'BAD_NAME',
    ],
    [
      'a drive’s name',
      zipOf([pkl, record, { name: 'C:\\x', content: record.content }]),
      'BAD_NAME',
    ],
    ['more entries than there are', zipOf([pkl, record], { count: 3 }), 'BAD_ZIP'],
    ['65,535 entries', zipOf([pkl, record], { count: 0xffff }), 'BAD_ZIP'],
    ['a directory past the end', zipOf([pkl, record], { at: 1 << 20 }), 'BAD_ZIP'],
    ['a directory of 4 GB', zipOf([pkl, record], { size: zip64 }), 'BAD_ZIP'],
    ['a directory elsewhere', zipOf([pkl, record], { at: 5 }), 'BAD_ZIP'],
    [
      'big-endian numbers',
      zipOf([pkl, record, { name: 'model/byteorder', content: pickleOf('big') }]),
      'NOT_SUPPORTED',
    ],
    [
      'TorchScript',
      zipOf([pkl, record, { name: 'model/constants.pkl', content: record.content }]),
      'NOT_SUPPORTED',
    ],
    ['a web page', pickleOf('<!DOCTYPE html><html></html>'), 'HTML_INSTEAD_OF_JSON'],
    [
      'a Git LFS pointer',
      pickleOf('version https://git-lfs.github.com/spec/v1'),
      'GIT_LFS_POINTER',
    ],
    ['a tar archive', pickleOf(new Uint8Array(257), 'ustar', new Uint8Array(250)), 'NOT_SUPPORTED'],
  ])('%s', async (_, bytes, code) => {
    const { code: found, message } = await refusal(bytes);
    expect(`${found} ${message}`).toContain(code);
  });
});

test('a changed byte of a tensor is noticed, as its checksum is another', async () => {
  const bytes = new Uint8Array(await bytesOf('torch/bin/pytorch_model.bin'));
  const { tensors } = await readTorch(bytes);
  const first = (await tensors().next()).value;
  const at = Buffer.from(bytes).indexOf(first!.data);
  bytes[at + 5]! ^= 0x10;
  expect(await refusal(bytes)).toMatchObject({ code: 'BAD_CHECKSUM' });
});

describe.each(['tensors.pt', 'tensors-legacy.pt', 'module.pt'])('%s', (name) => {
  test('cut short anywhere is refused', async () => {
    const bytes = await bytesOf(`torch/${name}`);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.byteLength - 1), async (length) => {
        const { code } = await refusal(bytes.subarray(0, length));
        expect(['TRUNCATED', 'BAD_ZIP', 'BAD_PICKLE', 'PICKLE_REFUSED']).toContain(code);
      }),
      { numRuns: 300 },
    );
  });

  test('with changed bytes is read, to no more than the file justifies, or refused', async () => {
    const original = await bytesOf(`torch/${name}`);
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(changes, async (changes) => {
        const bytes = new Uint8Array(original);
        for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
        try {
          let size = 0;
          const file = await readTorch(bytes);
          for await (const { data } of file.tensors()) size += data.byteLength;
          expect(size).toBeLessThan(16 * bytes.byteLength);
          outcomes.read++;
        } catch (error) {
          expect((error as Error).name).toBe('CheckpointError');
          outcomes.refused++;
        }
      }),
      { numRuns: 1000 },
    );
    expect(outcomes.read).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(20);
  });
});
