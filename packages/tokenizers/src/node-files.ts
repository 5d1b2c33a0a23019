// Reading and writing folders in Node. It is not imported by need, because a bundler could then not
// make one script of a worker that reads tokenizers.
import { TokenizerError, unsupported } from './errors.js';

export function isNode(): boolean {
  return typeof process === 'object' && process.versions?.node !== undefined;
}

/** A module of Node's, named so that bundlers for a page do not look for it. */
export function nodeModule<T>(name: string): Promise<T> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`) as Promise<T>;
}

const fileSystem = () => nodeModule<typeof import('node:fs/promises')>('fs/promises');

/** The contents of a file, undefined if there is none. */
export async function readFromDisk(place: string): Promise<Uint8Array | undefined> {
  const { readFile } = await fileSystem();
  try {
    return await readFile(place.startsWith('file:') ? new URL(place) : place);
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new TokenizerError('NOT_FOUND', `${place}: cannot be read (${cause})`, { cause });
  }
}

/** Writes the files into a folder, which is made if need be; each appears whole or not at all. */
export async function writeToDisk(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (!isNode()) unsupported('a page cannot write a folder: take the contents of toFiles()');
  const { mkdir, rename, rm, writeFile } = await fileSystem();
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const temporary = `${folder}/.${name}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, content);
      await rename(temporary, `${folder}/${name}`);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}
