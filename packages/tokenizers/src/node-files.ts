// Node's own modules. They are not imported by need, because a bundler could then not make one script
// of a worker that reads tokenizers.
import { TokenizerError } from './errors.js';

export function isNode(): boolean {
  return typeof process === 'object' && process.versions?.node !== undefined;
}

/** A module of Node's, undefined in a page; bundlers for a page do not look for it. */
export function nodeModule<T>(name: string): T | undefined {
  return isNode() ? (process.getBuiltinModule(name) as T) : undefined;
}

export const fileSystem = (): typeof import('node:fs/promises') | undefined =>
  nodeModule('fs/promises');

/** The contents of a file, undefined if there is none. */
export async function readFromDisk(place: string): Promise<Uint8Array | undefined> {
  try {
    return await fileSystem()!.readFile(place.startsWith('file:') ? new URL(place) : place);
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new TokenizerError('NOT_FOUND', `${place}: cannot be read (${cause})`, { cause });
  }
}
