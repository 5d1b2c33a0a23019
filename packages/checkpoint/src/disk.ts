import type { Chunks } from './bytes.js';
import { CheckpointError, ioError, throwIfAborted } from './errors.js';
import type { NodeModules } from './node.js';
import { blobFile, type FileSource, isMissing, openPath } from './source.js';

/** A folder that can be changed. Names have `/` between their parts. */
export interface Disk extends FileSource {
  /** The names in the folder itself; none where it does not exist. */
  list(): Promise<string[]>;
  /** Writes a new file, and the folders it needs; when it returns, the file is on the disk and whole. */
  write(name: string, chunks: Chunks, signal?: AbortSignal): Promise<void>;
  /** Puts a file in the place of another, or of none. A file that is not there is left out. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all it holds; what is not there is left out. */
  remove(name: string): Promise<void>;
  /** Returns when names, too, are safe on the disk. */
  sync(name: string): Promise<void>;
  /** Removes the folder itself, if this disk made it and nothing is in it. */
  removeIfNew(): Promise<void>;
}

/** A folder of Node's file system. */
export function pathDisk(node: NodeModules, root: string): Disk {
  const { fs, path } = node;
  const at = (name: string) => path.join(root, ...name.split('/'));
  let made: string | undefined;

  async function doing<T>(what: string, name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw ioError(error, at(name), what);
    }
  }

  return {
    source: root,
    describe: at,
    open: (name) => openPath(node, at(name)),
    list: () =>
      doing('listing', '', () =>
        fs.readdir(root).catch((error) => {
          if (isMissing(error)) return [];
          throw error;
        }),
      ),
    write: (name, chunks, signal) =>
      doing('writing', name, async () => {
        made ??= await fs.mkdir(root, { recursive: true });
        await fs.mkdir(path.dirname(at(name)), { recursive: true });
        await writeNewFile(node, at(name), chunks, signal);
      }),
    rename: (from, to) =>
      doing('writing', to, async () => {
        await fs.mkdir(path.dirname(at(to)), { recursive: true });
        await fs.rename(at(from), at(to)).catch((error) => {
          if (!isMissing(error)) throw error;
        });
      }),
    remove: (name) =>
      doing('removing', name, () => fs.rm(at(name), { recursive: true, force: true })),
    sync: (name) => doing('writing', name, () => syncFolder(node, at(name))),
    removeIfNew: async () => {
      if (made === undefined) return;
      // From the folder up to the first that had to be made; rmdir leaves alone what is not empty.
      for (let folder = path.resolve(root); ; folder = path.dirname(folder)) {
        await fs.rmdir(folder).catch(() => {});
        if (folder === path.resolve(made) || folder === path.dirname(folder)) return;
      }
    },
  };
}

/** Writes and fsyncs a file that must not exist yet. */
export async function writeNewFile(
  { fs }: NodeModules,
  path: string,
  chunks: Chunks,
  signal?: AbortSignal,
): Promise<void> {
  throwIfAborted(signal, path);
  const handle = await fs.open(path, 'wx');
  try {
    for await (const chunk of chunks) {
      for (let done = 0; done < chunk.byteLength; ) {
        throwIfAborted(signal, path);
        // In pieces, so that an abort need not wait for a large tensor.
        const length = Math.min(chunk.byteLength - done, 16 << 20);
        done += (await handle.write(chunk, done, length)).bytesWritten;
      }
    }
    throwIfAborted(signal, path);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the names in a folder durable, where the system lets one open a folder (Windows does not). */
export async function syncFolder({ fs, process }: NodeModules, path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fs.open(path, 'r').catch((error) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

/** Chromium's and Safari's `move`, which the standard's types have not got yet. */
type MovableFile = FileSystemFileHandle & {
  move?(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
};

/** A folder that a page was given, or of its origin-private file system. */
export function handleDisk(root: FileSystemDirectoryHandle): Disk {
  const describe = (name: string) => `${root.name}/${name}`;

  /** The folder that holds the file of this name, and the file's own name. */
  async function folderOf(
    name: string,
    create: boolean,
  ): Promise<[FileSystemDirectoryHandle, string]> {
    const parts = name.split('/');
    const last = parts.pop()!;
    let folder = root;
    for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
    return [folder, last];
  }

  async function doing<T>(what: string, name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw ioError(error, describe(name), what);
    }
  }

  async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
    return work.catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
  }

  const fileAt = async (name: string): Promise<MovableFile | undefined> =>
    orMissing(folderOf(name, false).then(([folder, last]) => folder.getFileHandle(last)));

  async function write(name: string, chunks: Chunks, signal?: AbortSignal): Promise<void> {
    const [folder, last] = await folderOf(name, true);
    const file = await folder.getFileHandle(last, { create: true });
    const writable = await file.createWritable();
    try {
      for await (const chunk of chunks) {
        throwIfAborted(signal, describe(name));
        await writable.write(chunk as Uint8Array<ArrayBuffer>);
      }
      throwIfAborted(signal, describe(name));
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => {});
      throw error;
    }
  }

  async function rename(from: string, to: string): Promise<void> {
    const file = await fileAt(from);
    if (!file) return;
    const [folder, last] = await folderOf(to, true);
    if (file.move) {
      await file.move(folder, last);
    } else {
      // What the target held stays until the copy is whole: the browser swaps it in at the close.
      await write(to, blobFile(await file.getFile(), describe(to)).chunks);
      const [fromFolder, fromLast] = await folderOf(from, false);
      await fromFolder.removeEntry(fromLast);
    }
  }

  return {
    source: root.name,
    describe,
    open: (name) =>
      doing('opening', name, async () => {
        const file = await fileAt(name);
        return file && blobFile(await file.getFile(), describe(name));
      }),
    list: () =>
      doing('listing', '', async () => {
        const names: string[] = [];
        // The standard's types have not got a folder's iterators yet.
        const folder = root as unknown as { keys(): AsyncIterable<string> };
        for await (const name of folder.keys()) names.push(name);
        return names;
      }),
    write: (name, chunks, signal) => doing('writing', name, () => write(name, chunks, signal)),
    rename: (from, to) => doing('writing', to, () => rename(from, to)),
    remove: (name) =>
      doing('removing', name, async () => {
        await orMissing(
          folderOf(name, false).then(([folder, last]) =>
            folder.removeEntry(last, { recursive: true }),
          ),
        );
      }),
    sync: async () => {},
    removeIfNew: async () => {},
  };
}

/** The disk that a destination means. */
export function diskOf(
  destination: string | FileSystemDirectoryHandle,
  node: NodeModules | undefined,
): Disk {
  if (typeof destination === 'object' && typeof destination?.getFileHandle === 'function') {
    return handleDisk(destination);
  }
  if (typeof destination !== 'string' || destination === '') {
    throw new CheckpointError('BAD_SOURCE', 'a folder is a path or a FileSystemDirectoryHandle');
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(destination) && !destination.startsWith('file:')) {
    const reason = 'cannot write to an address: give a path or a FileSystemDirectoryHandle';
    throw new CheckpointError('NOT_SUPPORTED', reason, { file: destination });
  }
  if (!node) {
    const reason = 'a browser has no paths: give a FileSystemDirectoryHandle';
    throw new CheckpointError('NOT_SUPPORTED', reason, { file: destination });
  }
  return pathDisk(
    node,
    destination.startsWith('file:') ? node.url.fileURLToPath(destination) : destination,
  );
}
