// Node's own modules: in pages `page-files.ts` takes the place of this file (see `browser` in
// package.json). They are not imported by need, because a bundler could then not make one script of a
// worker that reads tokenizers.

/** A module of Node's, undefined in a page. */
export function nodeModule<T>(name: string): T | undefined {
  return globalThis.process?.versions?.node ? (process.getBuiltinModule(name) as T) : undefined;
}

export const fileSystem = (): typeof import('node:fs/promises') | undefined =>
  nodeModule('fs/promises');

/** The contents of a path or a file's URL, undefined if there is none; nothing for other addresses. */
export function readDisk(place: string): Promise<Uint8Array | undefined> | undefined {
  if (/^(https?|blob|data):/.test(place)) return undefined;
  const file = place.startsWith('file:') ? new URL(place) : place;
  return fileSystem()
    ?.readFile(file)
    .catch((error) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
      return undefined;
    });
}
