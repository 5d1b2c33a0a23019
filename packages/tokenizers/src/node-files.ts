// Reading and writing folders in Node. It is not imported by need, because a bundler could then not
// make one script of a worker that reads tokenizers.
import { TokenizerError } from './errors.js';

/** A module of Node's, named so that bundlers for a page do not look for it. */
export function nodeModule<T>(name: string): Promise<T> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name) as Promise<T>;
}

/** The contents of a file, undefined if there is none. */
export async function readFromDisk(place: string): Promise<Uint8Array | undefined> {
  const { readFile } = await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  try {
    return await readFile(place.startsWith('file:') ? new URL(place) : place);
  } catch (cause) {
    const code = (cause as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new TokenizerError('NOT_FOUND', `${place}: cannot be read (${String(cause)})`, { cause });
  }
}

/** Writes each file under another name first, so that it appears whole or not at all. */
export async function writeToDisk(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const { mkdir, rename, rm, writeFile } =
    await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
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
