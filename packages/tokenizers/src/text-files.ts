// Text files to train on, line by line, so that they need not fit in memory.
import { TokenizerError, throwIfAborted } from './errors.js';
import { nodeModule } from './node-files.js';

/** A path or a file's URL (Node), an address, or what a page has of a file. */
export type TextFile = string | URL | Blob;

/**
 * The lines of the files, each with its line end, as Hugging Face's trainers take them.
 *
 * @throws TokenizerError `NOT_FOUND` if a file cannot be read, `ABORTED`
 */
export async function* linesOf(
  files: Iterable<TextFile>,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  for (const file of files) {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of bytesOf(file, signal)) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split(/(?<=\n)/);
        rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '');
        yield* lines;
      }
    } catch (cause) {
      throwIfAborted(signal);
      throw new TokenizerError('NOT_FOUND', `${file}: cannot be read (${cause})`, { cause });
    }
    rest += decoder.decode();
    if (rest !== '') yield rest;
  }
}

async function* bytesOf(file: TextFile, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const fileSystem = nodeModule<typeof import('node:fs')>('fs');
  if (fileSystem && !(file instanceof Blob) && !/^(https?|blob|data):/.test(String(file))) {
    const place = String(file);
    yield* fileSystem.createReadStream(place.startsWith('file:') ? new URL(place) : place);
    return;
  }
  const isBlob = file instanceof Blob;
  const response = isBlob ? new Response(file) : await fetch(file, signal ? { signal } : {});
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    yield part.value;
  }
}
