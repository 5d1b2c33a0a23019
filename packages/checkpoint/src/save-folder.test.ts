import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { pathDisk } from './disk.js';
import {
  type CheckpointError,
  type Folder,
  fromFloat32,
  loadFolder,
  type Progress,
  readSafetensors,
  type StoredTensor,
  saveFolder,
  toFloat32,
  writeFileAtomic,
} from './index.js';
import { type NodeModules, nodeModules } from './node.js';
import { type FolderContents, saveTo } from './save-folder.js';
import { writeAtomic } from './write-file-atomic.js';

const node = nodeModules()!;
let temporary: string;
let folder: string;
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  folder = join(temporary, 'model');
});
afterEach(() => rm(temporary, { recursive: true, force: true }));

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

async function tensorsOf(folder: Folder): Promise<StoredTensor[]> {
  const out: StoredTensor[] = [];
  for await (const tensor of folder.tensors()) out.push(tensor);
  return out;
}

/** A model whose every file says which version it is. */
function version(value: number, shards = false): FolderContents & { maxShardSize?: number } {
  const tensor = (name: string) => fromFloat32(name, [4], new Float32Array(4).fill(value));
  return {
    config: { version: value },
    tensors: [tensor('a'), tensor('b')],
    files: { 'tokenizer.json': `{"version": ${value}}`, 'nested/more.txt': String(value) },
    ...(shards ? { maxShardSize: 16 } : {}),
  };
}

/** The versions of all that a folder has: of a whole one, a single number. */
async function versionsIn(path: string): Promise<unknown[]> {
  const folder = await loadFolder(path);
  const found = new Set<unknown>([folder.config?.version]);
  found.add((await folder.readJson('tokenizer.json'))?.version);
  found.add(Number(await folder.readText('nested/more.txt')));
  const tensors = await tensorsOf(folder);
  for (const tensor of tensors) for (const value of toFloat32(tensor)) found.add(value);
  expect(tensors.map(({ name }) => name).sort()).toEqual(['a', 'b']);
  return [...found];
}

const filesIn = async (path: string) =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();

/** Node's modules with a file system that counts what changes the disk, and at a number does as told. */
function faulty(
  failAt: number,
  fault: 'ENOSPC' | 'dead',
): { node: NodeModules; steps: () => number } {
  let steps = 0;
  let dead = false;
  const before = (name: string) => {
    const reads = name === 'readdir' || name === 'stat' || name === 'realpath';
    if (dead) throw new Error('this process is dead');
    if (reads || steps++ !== failAt) return;
    if (fault === 'dead') dead = true;
    if (fault === 'dead') throw new Error('killed');
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          if (name !== 'close') before(String(name));
          if (name === 'sync') return undefined;
          const result: unknown = await Reflect.apply(member, target, args);
          return name === 'open' ? guard(result as object) : result;
        };
      },
    });
  return { node: { ...node, fs: guard(node.fs) }, steps: () => steps };
}

/** Saves without waiting for the disk, which these tests do often and whose power does not fail. */
const quickSave = (path: string, contents: FolderContents, maxShardSize?: number) =>
  saveTo(pathDisk(faulty(-1, 'dead').node, path), contents, { maxShardSize });

describe('saveFolder', () => {
  test('writes the very bytes that transformers wrote', async () => {
    const source = await loadFolder(fixture('single'));
    await saveFolder(folder, { config: source.config!, tensors: source.tensors() });
    expect(await filesIn(folder)).toEqual(['config.json', 'model.safetensors']);
    for (const file of await filesIn(folder)) {
      const [ours, theirs] = [folder, fixture('single')].map((path) => readFile(join(path, file)));
      expect([file, Buffer.compare(await ours!, await theirs!)]).toEqual([file, 0]);
    }
  });

  test('shards as transformers does: names, sizes, and what the index says', async () => {
    const source = await loadFolder(fixture('sharded'));
    await saveFolder(folder, { tensors: source.tensors() }, { maxShardSize: 1500 });
    const [index, reference] = [folder, fixture('sharded')].map(async (path) => {
      const text = await readFile(join(path, 'model.safetensors.index.json'), 'utf8');
      return JSON.parse(text) as { metadata: unknown; weight_map: Record<string, string> };
    });
    expect((await index!).metadata).toEqual((await reference!).metadata);
    expect(Object.keys((await index!).weight_map)).toEqual(
      Object.keys((await reference!).weight_map),
    );
    const shards = [...new Set(Object.values((await index!).weight_map))].sort();
    expect(shards).toEqual([1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors`));
    for (const shard of shards) {
      const file = await readSafetensors(await readFile(join(folder, shard)));
      expect(file.header.dataBytes).toBeLessThanOrEqual(1500);
      expect(file.metadata).toEqual({ format: 'pt' });
    }
    const byName = (tensors: StoredTensor[]) => new Map(tensors.map((t) => [t.name, t]));
    expect(byName(await tensorsOf(await loadFolder(folder)))).toEqual(
      byName(await tensorsOf(source)),
    );
  });

  test('takes the place of an older model, sharded or not, and leaves other files alone', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'README.md'), 'mine');
    const rest = ['README.md', 'config.json', 'nested/more.txt', 'tokenizer.json'];
    const shards = [
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ];
    for (const [value, sharded] of [
      [1, false],
      [2, true],
      [3, true],
      [4, false],
    ] as const) {
      const { maxShardSize, ...contents } = version(value, sharded);
      await saveFolder(folder, contents, { maxShardSize });
      expect(await versionsIn(folder)).toEqual([value]);
      const weights = sharded ? shards : ['model.safetensors'];
      expect(await filesIn(folder)).toEqual([...rest, ...weights].sort());
    }
  });

  test('asks for the data of one tensor at a time, and reports progress', async () => {
    const seen: Progress[] = [];
    let asked = 0;
    async function* tensors() {
      for (const name of ['a', 'b', 'c']) {
        yield {
          name,
          dtype: 'U8' as const,
          shape: [10],
          data: async () => new Uint8Array(10).fill(asked++),
        };
      }
    }
    await saveFolder(
      folder,
      { tensors: tensors() },
      { onProgress: (p) => seen.push({ ...p, total: p.loaded - asked * 10 }) },
    );
    expect(asked).toBe(3);
    expect(seen.map(({ loaded, total }) => [loaded, total])).toEqual([
      [0, 0],
      [10, 0],
      [20, 0],
      [30, 0],
    ]);
  });

  test.each([
    ['ENOSPC', false, false],
    ['ENOSPC', false, true],
    ['dead', false, false],
    ['dead', true, false],
    ['dead', false, true],
  ] as const)(
    'wherever it is stopped (%s; shards before: %p, after: %p), the folder is wholly old or wholly new',
    async (fault, shardedBefore, shardedAfter) => {
      const outcomes: unknown[] = [];
      const { maxShardSize, ...old } = version(1, shardedBefore);
      await quickSave(folder, old, maxShardSize);
      const filesBefore = await filesIn(folder);
      for (let failAt = 0; ; failAt++) {
        const path = join(temporary, `stopped-at-${failAt}`);
        await cp(folder, path, { recursive: true });
        const disk = faulty(failAt, fault);
        const { maxShardSize: newSize, ...next } = version(2, shardedAfter);
        const error = await saveTo(pathDisk(disk.node, path), next, { maxShardSize: newSize }).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (error === undefined) {
          expect(disk.steps()).toBeLessThanOrEqual(failAt);
          expect(await versionsIn(path)).toEqual([2]);
          break;
        }
        const [found, ...more] = await versionsIn(path);
        expect(more).toEqual([]);
        outcomes.push(found);
        if (fault === 'ENOSPC') {
          expect(error).toMatchObject({ name: 'CheckpointError', code: 'DISK_FULL' });
          if (found === 1) expect(await filesIn(path)).toEqual(filesBefore); // nothing is left beside
        }
        // A save that comes to nothing finishes or clears what was left, and changes nothing else.
        const lost = {
          name: 'a',
          dtype: 'U8' as const,
          shape: [1],
          data: () => Promise.reject(new Error('lost')),
        };
        await expect(quickSave(path, { tensors: [lost] })).rejects.toThrow('lost');
        expect(await versionsIn(path)).toEqual([found]);
      }
      // Old until one instant, new from then on; both happened.
      expect(outcomes).toEqual([...outcomes].sort());
      expect(new Set(outcomes)).toEqual(new Set([1, 2]));
      expect(outcomes.length).toBeGreaterThan(20);
    },
  );

  test('what a dead process left is cleared by the next save', async () => {
    await saveFolder(folder, version(1));
    await mkdir(join(folder, '.saving-999999999-abc/files'), { recursive: true });
    await writeFile(join(folder, '.saving-999999999-abc/files/config.json'), '{');
    expect(await versionsIn(folder)).toEqual([1]);
    await saveFolder(folder, version(2));
    expect((await filesIn(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('an abort, at once or between tensors, leaves the old model and nothing else', async () => {
    await saveFolder(folder, version(1));
    const before = await filesIn(folder);
    for (const abortAt of [0, 1, 2]) {
      const abort = new AbortController();
      if (abortAt === 0) abort.abort();
      let asked = 0;
      const tensors = ['a', 'b'].map((name) => ({
        ...fromFloat32(name, [4], new Float32Array(4)),
        data: () => {
          if (++asked === abortAt) abort.abort(new Error('stop'));
          return new Uint8Array(16);
        },
      }));
      await expect(
        saveFolder(folder, { ...version(2), tensors }, { signal: abort.signal }),
      ).rejects.toMatchObject({ code: 'ABORTED' });
      expect(await versionsIn(folder)).toEqual([1]);
      expect(await filesIn(folder)).toEqual(before);
    }
    const nowhere = join(temporary, 'x', 'y');
    await expect(
      saveFolder(
        nowhere,
        { tensors: [], files: { a: new Uint8Array(1) } },
        { signal: AbortSignal.abort() },
      ),
    ).rejects.toThrow('aborted');
    expect(await readdir(temporary)).toEqual(['model']);
  });

  test('data that fails or has the wrong size leaves the old model; a new folder is not left behind', async () => {
    await saveFolder(folder, version(1));
    const bad = [
      {
        name: 'a',
        dtype: 'F32' as const,
        shape: [2],
        data: () => Promise.reject(new Error('lost')),
      },
    ];
    const short = [{ name: 'a', dtype: 'F32' as const, shape: [2], data: () => new Uint8Array(7) }];
    await expect(saveFolder(folder, { tensors: bad })).rejects.toThrow('lost');
    await expect(saveFolder(folder, { tensors: short })).rejects.toMatchObject({
      code: 'TENSOR_SIZE',
      key: 'a',
    });
    expect(await versionsIn(folder)).toEqual([1]);
    await expect(saveFolder(join(temporary, 'new', 'deep'), { tensors: bad })).rejects.toThrow(
      'lost',
    );
    expect(await readdir(temporary)).toEqual(['model']);
  });

  test.each([
    ['BAD_NAME', { files: { '../evil': '' } }],
    ['BAD_NAME', { files: { '/etc/evil': '' } }],
    ['BAD_NAME', { files: { 'a\\b': '' } }],
    ['BAD_NAME', { files: { 'model.safetensors': '' } }],
    ['BAD_NAME', { config: {}, files: { 'config.json': '' } }],
    ['BAD_JSON', { config: 'not json' }],
    ['BAD_JSON', { config: { a: Number.NaN } }],
    ['SAFETENSORS_BAD_HEADER', { metadata: { a: 1 as unknown as string } }],
  ])('refuses with %s before anything is written: %j', async (code, contents) => {
    await expect(saveFolder(folder, { tensors: [], ...contents })).rejects.toMatchObject({ code });
    expect(await readdir(temporary)).toEqual([]);
  });

  test('refuses an address, an empty path and a shard size of nothing', async () => {
    await expect(saveFolder('https://example.org/m', { tensors: [] })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await expect(saveFolder('', { tensors: [] })).rejects.toMatchObject({ code: 'BAD_SOURCE' });
    await expect(saveFolder(folder, { tensors: [] }, { maxShardSize: 0 })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
  });
});

describe('writeFileAtomic', () => {
  const path = () => join(temporary, 'state.bin');

  test('writes text, bytes and streams, over an old file too, and keeps its mode', async () => {
    await writeFileAtomic(path(), 'naïve');
    expect(await readFile(path(), 'utf8')).toBe('naïve');
    await node.fs.chmod(path(), 0o640);
    await writeFileAtomic(path(), new Uint8Array([1, 2]));
    expect([...(await readFile(path()))]).toEqual([1, 2]);
    expect((await node.fs.stat(path())).mode & 0o777).toBe(0o640);
    await writeFileAtomic(path(), [new Uint8Array([3]), new Uint8Array([4, 5])]);
    expect([...(await readFile(path()))]).toEqual([3, 4, 5]);
    expect(await readdir(temporary)).toEqual(['state.bin']);
  });

  test('follows a symbolic link, and does not replace a device or a folder', async () => {
    await writeFile(path(), 'old');
    await symlink(path(), join(temporary, 'link'));
    await writeFileAtomic(join(temporary, 'link'), 'new');
    expect(await readFile(path(), 'utf8')).toBe('new');
    await expect(writeFileAtomic('/dev/null', 'x')).rejects.toThrow(
      '/dev/null: is there, and no file',
    );
    await expect(writeFileAtomic(temporary, 'x')).rejects.toMatchObject({ code: 'IO_ERROR' });
  });

  test('a full disk at any step leaves the old content and nothing beside it', async () => {
    await writeFile(path(), 'old');
    let failed = 0;
    for (let failAt = 0; ; failAt++) {
      const disk = faulty(failAt, 'ENOSPC');
      const error = await writeAtomic(disk.node, path(), 'new', undefined).catch(
        (e: CheckpointError) => e,
      );
      if (!error) break;
      const content = await readFile(path(), 'utf8');
      // Only making the new name durable comes after the rename.
      if (content === 'new') await writeFile(path(), 'old');
      else failed++;
      expect(error).toMatchObject({ code: 'DISK_FULL', file: path() });
      expect(await readdir(temporary)).toEqual(['state.bin']);
    }
    expect(failed).toBeGreaterThanOrEqual(4);
  });

  test('an abort leaves the old content and nothing beside it', async () => {
    await writeFile(path(), 'old');
    const abort = new AbortController();
    function* pieces() {
      yield new Uint8Array(3);
      abort.abort();
      yield new Uint8Array(3);
    }
    await expect(writeFileAtomic(path(), pieces(), { signal: abort.signal })).rejects.toMatchObject(
      { code: 'ABORTED' },
    );
    expect(await readFile(path(), 'utf8')).toBe('old');
    expect(await readdir(temporary)).toEqual(['state.bin']);
  });
});

describe('in another process', () => {
  /** Runs a script that has this package as `checkpoint`; gives its exit and what it printed. */
  async function run(script: string, prefix: string[], until?: (printed: string) => boolean) {
    const file = join(temporary, 'script.mjs');
    await build({
      stdin: {
        contents: `import * as checkpoint from './index.ts';\n${script}`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      outfile: file,
    });
    const [command, ...args] = [...prefix, process.execPath, file, folder];
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (data) => {
      printed += data;
      if (until?.(printed)) child.kill('SIGKILL');
    });
    const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
      child.on('close', (...result) => done(result)),
    );
    return { code, signal, printed };
  }

  test('a limit of the system on file sizes is met like a full disk: the old model stays', async () => {
    await saveFolder(folder, version(1));
    const before = await filesIn(folder);
    const script = `
      const big = checkpoint.fromFloat32('a', [1 << 20], new Float32Array(1 << 20));
      for (const save of [
        () => checkpoint.saveFolder(process.argv[2], { config: {}, tensors: [big] }),
        () => checkpoint.writeFileAtomic(process.argv[2] + '/config.json', big.data),
      ]) await save().catch((error) => console.log(error.name, error.code));`;
    const { code, printed } = await run(script, ['sh', '-c', 'ulimit -f 1000; exec "$0" "$@"']);
    expect({ code, printed }).toEqual({ code: 0, printed: 'CheckpointError IO_ERROR\n'.repeat(2) });
    expect(await versionsIn(folder)).toEqual([1]);
    expect(await filesIn(folder)).toEqual(before);
  });

  test('killed with SIGKILL while it saves again and again, the folder is whole', async () => {
    const script = `
      const value = (n) => new Float32Array(4).fill(n);
      for (let n = 1; ; n++) {
        await checkpoint.saveFolder(process.argv[2], {
          config: { version: n },
          tensors: ['a', 'b'].map((name) => checkpoint.fromFloat32(name, [4], value(n))),
          files: { 'tokenizer.json': JSON.stringify({ version: n }), 'nested/more.txt': String(n) },
        }, { maxShardSize: n % 2 ? 16 : 1000 });
        console.log(n);
      }`;
    for (const wait of [2, 5, 9, 14]) {
      const { signal, printed } = await run(script, [], (text) => text.includes(`\n${wait}\n`));
      expect(signal).toBe('SIGKILL');
      const [found, ...more] = await versionsIn(folder);
      expect(more).toEqual([]);
      expect(found).toBeGreaterThanOrEqual(wait);
      expect(printed).toContain(String(wait));
    }
  });
});
