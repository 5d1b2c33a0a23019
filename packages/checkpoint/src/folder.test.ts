import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { memoryDirectory } from '../test/memory-directory.js';
import {
  type Folder,
  fromFloat32,
  loadFolder,
  type Progress,
  type StoredTensor,
  saveFolder,
  toFloat32,
  writeSafetensors,
} from './index.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

async function tensorsOf(folder: Folder, options = {}): Promise<Map<string, StoredTensor>> {
  const out = new Map<string, StoredTensor>();
  for await (const tensor of folder.tensors(options)) out.set(tensor.name, tensor);
  return out;
}

const tensor = (name: string, value = 0) => fromFloat32(name, [2], new Float32Array(2).fill(value));
const index = (map: Record<string, unknown>) => JSON.stringify({ metadata: {}, weight_map: map });

describe('folders that transformers wrote', () => {
  test('the sharded model and the whole one have the same tensors, read and by their headers', async () => {
    const [single, sharded] = await Promise.all(
      ['single', 'sharded'].map((n) => loadFolder(fixture(n))),
    );
    const tensors = await tensorsOf(single!);
    expect(tensors.size).toBe(23);
    expect(await tensorsOf(sharded!)).toEqual(tensors);
    const headers = new Map(
      [...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
    );
    expect(await single!.names()).toEqual(headers);
    expect(await sharded!.names()).toEqual(headers);
  });

  test('config.json is there as an object and as it was spelled', async () => {
    const folder = await loadFolder(fixture('single'));
    expect(folder.config).toMatchObject({ model_type: 'bert', layer_norm_eps: 1e-12 });
    expect(folder.configText).toBe(await readFile(fixture('single/config.json'), 'utf8'));
    expect(folder.source).toBe(fixture('single'));
  });

  test('progress runs over all shards to the size the index tells', async () => {
    const seen: Progress[] = [];
    const folder = await loadFolder(fixture('sharded'), { onProgress: (p) => seen.push(p) });
    await tensorsOf(folder);
    expect(seen.at(-1)).toMatchObject({ phase: 'read', loaded: 3632, total: 3632 });
    expect(new Set(seen.map(({ file }) => file)).size).toBe(3);
    expect(seen.map(({ loaded }) => loaded)).toEqual(
      seen.map(({ loaded }) => loaded).sort((a, b) => a - b),
    );
  });

  test('an abort between tensors ends the reading', async () => {
    const abort = new AbortController();
    const folder = await loadFolder(fixture('sharded'), { signal: abort.signal });
    const reading = (async () => {
      for await (const _ of folder.tensors()) abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(loadFolder(fixture('single'), { signal: abort.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect((await tensorsOf(folder, { signal: undefined })).size).toBe(23);
  });
});

test('no file stays open: read to the end, left early, aborted, bad, or only looked at', async () => {
  const open = async () => (await readdir('/proc/self/fd').catch(() => [])).length;
  const use = async () => {
    for (const name of ['single', 'sharded']) {
      const folder = await loadFolder(fixture(name));
      await tensorsOf(folder);
      await folder.names();
      for await (const _ of folder.tensors()) break;
      const abort = new AbortController();
      const aborted = (async () => {
        for await (const _ of folder.tensors({ signal: abort.signal })) abort.abort();
      })();
      await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
      folder.tensors();
    }
    const shapes = await loadFolder(fixture('..'));
    await expect(shapes.readBytes('fixtures')).rejects.toMatchObject({ code: 'BAD_SOURCE' });
    await expect(tensorsOf(shapes)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  };
  await use();
  const before = await open();
  for (let i = 0; i < 20; i++) await use();
  // The system may have a few of its own by now.
  expect((await open()) - before).toBeLessThan(10);
});

describe('files by name', () => {
  test('bytes, text and blobs make a folder', async () => {
    const folder = await loadFolder({
      'config.json': '{"a": 1}',
      'model.safetensors': new Blob([
        writeSafetensors([tensor('x', 3)]) as Uint8Array<ArrayBuffer>,
      ]),
      'vocab.txt': new TextEncoder().encode('hello\n'),
      'deep/tokenizer.json': '{"b": 2}',
    });
    expect(folder.config).toEqual({ a: 1 });
    expect([...toFloat32((await tensorsOf(folder)).get('x')!)]).toEqual([3, 3]);
    expect(await folder.readText('vocab.txt')).toBe('hello\n');
    expect(await folder.readBytes('vocab.txt')).toHaveLength(6);
    expect(await folder.readJson('deep/tokenizer.json')).toEqual({ b: 2 });
    expect(await folder.readText('missing')).toBeUndefined();
    expect(await folder.readText('constructor')).toBeUndefined();
    await expect(folder.readText('../secret')).rejects.toMatchObject({ code: 'BAD_NAME' });
  });

  const a = writeSafetensors([tensor('a')]);
  test.each<[string, Record<string, string | Uint8Array>, string, string]>([
    [
      'no weights',
      { 'config.json': '{}' },
      'NOT_FOUND',
      'neither model.safetensors, model.safetensors.index.json',
    ],
    ['no pickle in its place', { 'pytorch_model.bin': 'x' }, 'BAD_PICKLE', 'not a pickle'],
    [
      'an index without a map',
      { 'model.safetensors.index.json': '{}' },
      'BAD_INDEX',
      'has no object "weight_map"',
    ],
    [
      'a path that leads out',
      { 'model.safetensors.index.json': index({ a: '../evil.safetensors' }) },
      'BAD_INDEX',
      '"a": is said to be in "../evil.safetensors"',
    ],
    [
      'an absolute path',
      { 'model.safetensors.index.json': index({ a: '/etc/x.safetensors' }) },
      'BAD_INDEX',
      '"a"',
    ],
    [
      'an address',
      { 'model.safetensors.index.json': index({ a: 'http:x.safetensors' }) },
      'BAD_NAME',
      'http:x.safetensors',
    ],
    [
      'a backslash',
      { 'model.safetensors.index.json': index({ a: '..\\x.safetensors' }) },
      'BAD_NAME',
      'x.safetensors',
    ],
    [
      'a shard that is no text',
      { 'model.safetensors.index.json': index({ a: 1 }) },
      'BAD_INDEX',
      '"a": is said to be in "1"',
    ],
    [
      'a tensor twice',
      {
        'model.safetensors.index.json': '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}',
      },
      'BAD_INDEX',
      '"a": the key stands twice',
    ],
    [
      'a shard that is missing',
      { 'model.safetensors.index.json': index({ a: 'x.safetensors' }) },
      'NOT_FOUND',
      'x.safetensors: missing, though',
    ],
    [
      'a tensor that is missing',
      {
        'x.safetensors': a,
        'model.safetensors.index.json': index({ a: 'x.safetensors', b: 'x.safetensors' }),
      },
      'BAD_INDEX',
      'x.safetensors: "b": not there',
    ],
    [
      'a damaged index',
      { 'model.safetensors.index.json': '{"weight_map":' },
      'BAD_JSON',
      'model.safetensors.index.json: not valid JSON',
    ],
  ])('%s is an error that says so', async (_, files, code, message) => {
    const folder = await loadFolder(files);
    for (const use of [() => tensorsOf(folder), () => folder.names()]) {
      await expect(use()).rejects.toMatchObject({ code });
      await expect(use()).rejects.toThrow(message);
    }
  });

  test('a tensor that two shards hold is taken from the one the index names', async () => {
    const folder = await loadFolder({
      'x.safetensors': writeSafetensors([tensor('a', 1), tensor('b', 1)]),
      'y.safetensors': writeSafetensors([tensor('b', 2), tensor('c', 2)]),
      'model.safetensors.index.json': index({ a: 'x.safetensors', b: 'y.safetensors' }),
    });
    const values = [...(await tensorsOf(folder))].map(([name, t]) => [name, toFloat32(t)[0]]);
    expect(values).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 2],
    ]);
  });

  test('a bad config.json is an error that names it', async () => {
    await expect(loadFolder({ 'config.json': '<html>' })).rejects.toMatchObject({
      code: 'HTML_INSTEAD_OF_JSON',
    });
    await expect(loadFolder({ 'config.json': '{' })).rejects.toThrow('config.json: not valid JSON');
    await expect(loadFolder({ 'config.json': new Uint8Array([0x7b, 0xff]) })).rejects.toThrow(
      'not valid UTF-8',
    );
  });
});

describe('what a string may mean', () => {
  test.each([
    ['./nowhere', 'NOT_FOUND', 'no such folder'],
    ['/no/such/model', 'NOT_FOUND', 'no such folder'],
    ['a/b/c', 'NOT_FOUND', 'no such folder'],
    ['', 'NOT_FOUND', 'no such folder'],
    [fixture('single/config.json'), 'BAD_SOURCE', 'give the folder'],
  ])('%s', async (source, code, message) => {
    await expect(loadFolder(source)).rejects.toMatchObject({ code });
    await expect(loadFolder(source)).rejects.toThrow(message);
  });

  test('a file: address is a path, and a path has no revision', async () => {
    const url = new URL('../fixtures/single/', import.meta.url).href;
    expect((await loadFolder(url)).config).toMatchObject({ model_type: 'bert' });
    await expect(loadFolder(fixture('single'), { revision: 'v1' })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await expect(loadFolder(42 as unknown as string)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  });
});

describe.each([true, false])('a folder a page was given (files can be moved: %p)', (movable) => {
  const contents = (value: number) => ({
    config: { value },
    tensors: [tensor('a', value), tensor('b', value)],
    files: { 'deep/notes.txt': String(value) },
  });

  test('is saved to and loaded from', async () => {
    const root = memoryDirectory(movable);
    await saveFolder(root.handle, contents(1));
    await saveFolder(root.handle, contents(2), { maxShardSize: 8 });
    const folder = await loadFolder(root.handle);
    expect(folder.config).toEqual({ value: 2 });
    expect([...(await tensorsOf(folder)).values()].map((t) => toFloat32(t)[0])).toEqual([2, 2]);
    expect(await folder.readText('deep/notes.txt')).toBe('2');
    expect(root.files()).toEqual([
      'config.json',
      'deep/notes.txt',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
  });

  test('over its quota at any step it is wholly old or wholly new', async () => {
    const outcomes: unknown[] = [];
    for (let failAt = 0; ; failAt++) {
      const root = memoryDirectory(movable);
      await saveFolder(root.handle, contents(1));
      root.failAt(failAt);
      const error = await saveFolder(root.handle, contents(2)).then(
        () => undefined,
        (e: unknown) => e,
      );
      root.failAt(undefined);
      if (!error) break;
      const folder = await loadFolder(root.handle);
      const values = new Set([
        folder.config?.value,
        Number(await folder.readText('deep/notes.txt')),
      ]);
      for (const t of (await tensorsOf(folder)).values()) values.add(toFloat32(t)[0]!);
      outcomes.push(...values);
      expect([failAt, values.size]).toEqual([failAt, 1]);
      if (values.has(1)) expect(error).toMatchObject({ code: 'DISK_FULL' });
    }
    expect(new Set(outcomes)).toContain(1);
    expect(outcomes.length).toBeGreaterThan(4);
  });
});

test('bundles for the browser with no trace of Node, and reads there', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    globalName: 'checkpoint',
    platform: 'browser',
    write: false,
    metafile: true,
  });
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
  const bytes = writeSafetensors([tensor('x', 7)]);
  // As in a page: there is no `process`.
  const load = new Function('process', 'bytes', `${outputFiles[0]!.text}; return checkpoint;`);
  const inPage = load(undefined, bytes) as typeof import('./index.js');
  const folder = await inPage.loadFolder({ 'model.safetensors': bytes });
  expect([...toFloat32((await tensorsOf(folder)).get('x')!)]).toEqual([7, 7]);
});
