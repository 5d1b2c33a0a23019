/** A FileSystemDirectoryHandle in memory, which fails as a full disk does at the write it is told. */
export function memoryDirectory(movable: boolean): {
  handle: FileSystemDirectoryHandle;
  files(): string[];
  failAt(step: number | undefined): void;
} {
  type Entry = Directory | { bytes: Uint8Array };
  type Directory = Map<string, Entry>;
  const root: Directory = new Map();
  let left: number | undefined;

  const step = () => {
    if (left !== undefined && left-- === 0) throw new DOMException('full', 'QuotaExceededError');
  };
  const missing = () => new DOMException('no such entry', 'NotFoundError');
  const clash = () => new DOMException('another kind', 'TypeMismatchError');

  function fileHandle(folder: Directory, name: string): object {
    const entry = () => {
      const found = folder.get(name);
      if (!found) throw missing();
      return found as { bytes: Uint8Array };
    };
    return {
      kind: 'file',
      name,
      getFile: async () => new Blob([entry().bytes as Uint8Array<ArrayBuffer>]),
      createWritable: async () => {
        const pieces: Uint8Array[] = [];
        return {
          write: async (piece: Uint8Array) => {
            step();
            pieces.push(piece.slice());
          },
          close: async () => {
            step();
            folder.set(name, { bytes: Buffer.concat(pieces) });
          },
          abort: async () => {},
        };
      },
      ...(movable && {
        move: async (target: { directory: Directory }, newName: string) => {
          step();
          target.directory.set(newName, entry());
          folder.delete(name);
        },
      }),
    };
  }

  function directoryHandle(directory: Directory, name: string): object {
    return {
      kind: 'directory',
      name,
      directory,
      getFileHandle: async (child: string, { create = false } = {}) => {
        const found = directory.get(child);
        if (found instanceof Map) throw clash();
        if (!found && !create) throw missing();
        if (!found) directory.set(child, { bytes: new Uint8Array(0) });
        return fileHandle(directory, child);
      },
      getDirectoryHandle: async (child: string, { create = false } = {}) => {
        const found = directory.get(child);
        if (found && !(found instanceof Map)) throw clash();
        if (!found && !create) throw missing();
        if (!found) directory.set(child, new Map());
        return directoryHandle(directory.get(child) as Directory, child);
      },
      removeEntry: async (child: string) => {
        step();
        if (!directory.delete(child)) throw missing();
      },
      keys: async function* () {
        yield* [...directory.keys()];
      },
    };
  }

  const list = (directory: Directory, prefix: string): string[] =>
    [...directory].flatMap(([name, entry]) =>
      entry instanceof Map ? list(entry, `${prefix}${name}/`) : [`${prefix}${name}`],
    );

  return {
    handle: directoryHandle(root, 'picked') as FileSystemDirectoryHandle,
    files: () => list(root, '').sort(),
    failAt: (count) => {
      left = count;
    },
  };
}
