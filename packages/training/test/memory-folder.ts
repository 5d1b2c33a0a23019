/** A FileSystemDirectoryHandle in memory, with as much of it as checkpoints use. */
export function memoryFolder(name = 'run'): FileSystemDirectoryHandle {
  const folders = new Map<string, FileSystemDirectoryHandle>();
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const missing = () => new DOMException('no such entry', 'NotFoundError');

  const fileHandle = (file: string) => ({
    kind: 'file',
    name: file,
    getFile: async () => new Blob([files.get(file) ?? new Uint8Array()]),
    createWritable: async () => {
      const pieces: Uint8Array[] = [];
      return {
        write: async (piece: Uint8Array) => pieces.push(piece.slice()),
        close: async () => files.set(file, new Uint8Array(Buffer.concat(pieces))),
        abort: async () => {},
      };
    },
  });
  return {
    kind: 'directory',
    name,
    keys: async function* () {
      yield* [...folders.keys(), ...files.keys()];
    },
    getDirectoryHandle: async (child: string, { create = false } = {}) => {
      if (!folders.has(child) && !create) throw missing();
      if (!folders.has(child)) folders.set(child, memoryFolder(child));
      return folders.get(child);
    },
    getFileHandle: async (file: string, { create = false } = {}) => {
      if (!files.has(file) && !create) throw missing();
      if (!files.has(file)) files.set(file, new Uint8Array());
      return fileHandle(file);
    },
    removeEntry: async (child: string) => {
      if (!folders.delete(child) && !files.delete(child)) throw missing();
    },
  } as unknown as FileSystemDirectoryHandle;
}
