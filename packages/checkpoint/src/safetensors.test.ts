import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import {
  fromFloat32,
  type Progress,
  readSafetensors,
  type StoredTensor,
  streamSafetensors,
  type TensorToStore,
  toFloat32,
  toInt32,
  writeSafetensors,
} from './index.js';

const fixture = (name: string) => readFile(new URL(`../fixtures/${name}`, import.meta.url));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  // One buffer for all pieces, as a file's reader has: what is read must not be a view of it.
  const buffer = new Uint8Array(size);
  for (let at = 0; at < bytes.byteLength; at += size) {
    const piece = bytes.subarray(at, at + size);
    buffer.set(piece);
    yield buffer.subarray(0, piece.byteLength);
  }
}

const written = (
  await readdir(new URL('../fixtures', import.meta.url), { recursive: true })
).filter((name) => name.endsWith('.safetensors'));

describe('files that the reference library wrote', () => {
  test.each(written)('%s read and written again is the same file, byte for byte', async (name) => {
    const bytes = await fixture(name);
    const file = await readSafetensors(bytes);
    const copy = writeSafetensors(await all(file.tensors()), { metadata: file.metadata });
    if (name === 'unaligned.safetensors') {
      // This one the library reads but does not write: its tensors are put in an order that aligns them.
      const again = await readSafetensors(copy);
      expect([...again.header.tensors.keys()]).toEqual(['float', 'byte']);
      expect(copy.byteLength % 8).toBe(1);
    } else {
      expect(Buffer.compare(copy, bytes)).toBe(0);
    }
  });

  test.each([1, 7, 64, 100_000])(
    'a stream in pieces of %i bytes gives what bytes give',
    async (size) => {
      for (const name of written) {
        const bytes = await fixture(name);
        const whole = await all((await readSafetensors(bytes)).tensors());
        const pieces = await all((await readSafetensors(inPieces(bytes, size))).tensors());
        expect(pieces).toEqual(whole);
        const web = new Response(bytes).body!;
        expect(await all((await readSafetensors(web)).tensors())).toEqual(whole);
      }
    },
  );

  test('scalars, empty tensors, five axes, names and metadata in any script', async () => {
    const file = await readSafetensors(await fixture('shapes.safetensors'));
    expect(file.metadata).toEqual({ note: 'a "note"\n名' });
    const tensors = new Map((await all(file.tensors())).map((tensor) => [tensor.name, tensor]));
    expect(tensors.get('scalar')).toMatchObject({ dtype: 'F32', shape: [] });
    expect([...toFloat32(tensors.get('scalar')!)]).toEqual([2.5]);
    expect(tensors.get('empty.rows')).toMatchObject({ shape: [3, 0, 2], data: new Uint8Array(0) });
    expect([...toInt32(tensors.get('odd')!)]).toEqual([1, 2, 3]);
    expect(tensors.get('rank5')!.shape).toEqual([1, 2, 3, 4, 1]);
    expect([...toInt32(tensors.get('rank5')!)]).toEqual(Array.from({ length: 24 }, (_, i) => i));
    expect([...toFloat32(tensors.get('naïve "quoted" 名前')!)]).toEqual([1]);
  });

  test('tensors at odd places are read right', async () => {
    const file = await readSafetensors(await fixture('unaligned.safetensors'));
    const [byte, float] = await all(file.tensors());
    expect([...toInt32(byte!)]).toEqual([7]);
    expect([...toFloat32(float!)]).toEqual([1.5, -2]);
  });
});

describe('reading a stream', () => {
  const tensors = [0, 1, 2].map((i) =>
    fromFloat32(`t${i}`, [1000], new Float32Array(1000).fill(i)),
  );
  const bytes = writeSafetensors(tensors);

  test('yields a tensor as soon as its bytes are there, and asks for no more', async () => {
    let given = 0;
    async function* source() {
      for (let at = 0; at < bytes.byteLength; at += 100) {
        given = at + 100;
        yield bytes.subarray(at, at + 100);
      }
    }
    const file = await readSafetensors(source());
    for await (const tensor of file.tensors()) {
      const { end } = file.header.tensors.get(tensor.name)!;
      expect(given).toBeLessThan(file.header.dataStart + end + 100);
    }
    expect(given).toBeGreaterThanOrEqual(bytes.byteLength);
  });

  test('reports progress up to the bytes of all tensors', async () => {
    const seen: Progress[] = [];
    const file = await readSafetensors(inPieces(bytes, 5000), {
      file: 'm.safetensors',
      onProgress: (progress) => seen.push(progress),
    });
    await all(file.tensors());
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.at(-1)).toEqual({
      phase: 'read',
      file: 'm.safetensors',
      loaded: 12000,
      total: 12000,
    });
    expect(seen.map(({ loaded }) => loaded)).toEqual(
      [...seen.map(({ loaded }) => loaded)].sort((a, b) => a - b),
    );
  });

  test('closes its source when left early, when closed, and after an error', async () => {
    for (const how of ['break', 'close', 'error', 'bad header']) {
      let closed = false;
      async function* source() {
        try {
          if (how === 'bad header') yield new Uint8Array(8).fill(255);
          yield bytes.subarray(0, 9000);
          if (how !== 'error') yield bytes.subarray(9000);
        } finally {
          closed = true;
        }
      }
      const use = async () => {
        const file = await readSafetensors(source(), { file: 'f' });
        if (how === 'close') return file.close();
        for await (const _ of file.tensors()) if (how === 'break') break;
      };
      if (how === 'break' || how === 'close') await use();
      else await expect(use()).rejects.toThrow(expect.objectContaining({ file: 'f' }));
      expect([how, closed]).toEqual([how, true]);
    }
  });

  test('an abort stops a read that waits for bytes which never come', async () => {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.subarray(0, 5000)),
      pull: () => new Promise(() => {}),
      cancel: () => {
        cancelled = true;
      },
    });
    const abort = new AbortController();
    const file = await readSafetensors(stream, { file: 'slow', signal: abort.signal });
    const names: string[] = [];
    const reading = (async () => {
      for await (const { name } of file.tensors()) {
        names.push(name);
        queueMicrotask(() => abort.abort('enough'));
      }
    })();
    await expect(reading).rejects.toThrow(
      expect.objectContaining({ code: 'ABORTED', file: 'slow', cause: 'enough' }),
    );
    expect(names).toEqual(['t0']);
    expect(cancelled).toBe(true);
  });

  test('a stream that ends early names the tensor and the byte', async () => {
    const read = async (size: number) =>
      all((await readSafetensors(inPieces(bytes.subarray(0, size), 512), { file: 'f' })).tensors());
    await expect(read(bytes.byteLength - 1)).rejects.toThrow(
      `f: "t2": truncated: the tensor ends at byte ${bytes.byteLength}, but the file ends after ${bytes.byteLength - 1} bytes`,
    );
    await expect(read(20)).rejects.toThrow('f: truncated: the header');
    await expect(read(3)).rejects.toThrow('begins with 8 bytes');
    const more = new Uint8Array(bytes.byteLength + 1);
    more.set(bytes);
    await expect(all((await readSafetensors(inPieces(more, 512))).tensors())).rejects.toThrow(
      expect.objectContaining({ code: 'SAFETENSORS_TRAILING_BYTES' }),
    );
  });
});

describe('writing', () => {
  test('the pieces of streamSafetensors are the bytes of writeSafetensors', async () => {
    const tensors: StoredTensor[] = [
      fromFloat32('b', [3], new Float32Array([1, 2, 3])),
      fromFloat32('a', [1, 1], new Float32Array([4]), 'F16'),
    ];
    const lazy: TensorToStore[] = [
      { ...tensors[0]!, data: () => tensors[0]!.data },
      { ...tensors[1]!, data: async () => tensors[1]!.data },
    ];
    const metadata = { b: '1', a: '2' };
    const pieces = await all(streamSafetensors(lazy, { metadata }));
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(writeSafetensors(tensors, { metadata })));
  });

  test('asks for each tensor only when it is due', async () => {
    let asked = 0;
    const lazy = [0, 1, 2].map((i) => ({
      name: `t${i}`,
      dtype: 'U8' as const,
      shape: [1],
      data: () => new Uint8Array([asked++]),
    }));
    const stream = streamSafetensors(lazy);
    await stream.next();
    expect(asked).toBe(0);
    await stream.next();
    expect(asked).toBe(1);
    await stream.return();
  });

  test('keeps an aligned order, and otherwise puts wide elements first', async () => {
    const make = (name: string, dtype: 'U8' | 'F32', count: number) => ({
      name,
      dtype,
      shape: [count],
      data: new Uint8Array(count * (dtype === 'U8' ? 1 : 4)),
    });
    const order = async (tensors: StoredTensor[]) =>
      [...(await readSafetensors(writeSafetensors(tensors))).header.tensors.keys()].join(' ');
    expect(await order([make('z', 'U8', 4), make('y', 'F32', 1)])).toBe('z y');
    expect(await order([make('z', 'U8', 3), make('y', 'F32', 1), make('a', 'F32', 1)])).toBe(
      'y a z',
    );
  });

  test.each([
    ['DUPLICATE_TENSOR', [{ name: 'x' }, { name: 'x' }]],
    ['BAD_NAME', [{ name: '__metadata__' }]],
    ['BAD_NAME', [{ name: '__proto__' }]],
    ['BAD_NAME', [{ name: '\ud800' }]],
    ['SAFETENSORS_BAD_SHAPE', [{ shape: [-1] }]],
    ['SAFETENSORS_BAD_SHAPE', [{ shape: [0.5] }]],
    ['SAFETENSORS_BAD_SHAPE', [{ shape: [2 ** 40, 2 ** 40] }]],
    ['SAFETENSORS_UNSUPPORTED_DTYPE', [{ dtype: 'F8_E4M3' }]],
    ['TENSOR_SIZE', [{ shape: [2] }]],
  ])('refuses with %s', async (code, changes) => {
    const tensors = changes.map((change) => ({
      ...{ name: 'x', dtype: 'U8', shape: [1], data: new Uint8Array(1) },
      ...change,
    })) as StoredTensor[];
    expect(() => writeSafetensors(tensors)).toThrow(expect.objectContaining({ code }));
    await expect(all(streamSafetensors(tensors))).rejects.toThrow(
      expect.objectContaining({ code }),
    );
  });
});
