import { createReadStream } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { CliError } from './errors.js';

/**
 * The lines of a text file, or of standard input for `-`, in groups as they come, so that a file is
 * never held. An aborted signal ends the waiting for more.
 */
export async function* readLineGroups(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<string[]> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  if (signal !== undefined) addAbortSignal(signal, input);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    for await (const chunk of input as AsyncIterable<Uint8Array>) {
      const lines = decoder.decode(chunk, { stream: true }).split('\n');
      // The rest is only ever added to, so that a file of one long line takes no longer than another.
      lines[0] = rest + lines[0]!;
      rest = lines.pop()!;
      if (lines.length > 0) yield lines.map(withoutReturn);
    }
    rest += decoder.decode();
    if (rest !== '') yield [withoutReturn(rest)];
  } catch (error) {
    throw readError(path, error);
  }
}

const withoutReturn = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** The lines of a text file, or of standard input for `-`. */
export async function* readLines(path: string, signal?: AbortSignal): AsyncGenerator<string> {
  for await (const lines of readLineGroups(path, signal)) yield* lines;
}

/** The lines of several files, one after the other. */
export async function* readAllLines(
  paths: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<string> {
  for (const path of paths) yield* readLines(path, signal);
}

/** The documents of text files: lines that no blank line parts. A file's end ends a document too. */
export async function* readDocuments(paths: readonly string[]): AsyncGenerator<string[]> {
  for (const path of paths) {
    let document: string[] = [];
    for await (const line of readLines(path)) {
      if (line.trim() !== '') {
        document.push(line);
      } else if (document.length > 0) {
        yield document;
        document = [];
      }
    }
    if (document.length > 0) yield document;
  }
}

/** The texts a command was given: its arguments, with `-` standing for the lines of standard input. */
export async function* readTexts(texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) {
    if (text === '-') yield* readLines('-');
    else yield text;
  }
}

/** How a person calls the place that a path stands for. */
export function nameOfInput(path: string): string {
  return path === '-' ? 'standard input' : path;
}

function readError(path: string, error: unknown): unknown {
  const name = nameOfInput(path);
  const { code } = error as { code?: string };
  const options = { cause: error };
  if (code === 'ENOENT') return new CliError('NOT_FOUND', `${name}: no such file.`, options);
  if (code === 'EISDIR') {
    return new CliError('BAD_INPUT', `${name} is a folder: give the text files in it.`, options);
  }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new CliError('BAD_INPUT', `${name} is not UTF-8 text.`, options);
  }
  if (code === 'ERR_STRING_TOO_LONG' || error instanceof RangeError) {
    return new CliError('BAD_INPUT', `${name}: a line is too long to be one text.`, options);
  }
  return error;
}
