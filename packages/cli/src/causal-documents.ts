import { readDocuments, readLines } from './text.js';

/** So many UTF-16 units of a document are held as text at a time. */
const PART = 1 << 18;

/**
 * The documents of text files as a model that writes sees them, line ends and all: each file, or with
 * `paragraphs` what blank lines part. A long one comes in parts.
 */
export async function* documentsOf(
  files: readonly string[],
  paragraphs: boolean,
): AsyncGenerator<Iterable<string> | AsyncIterable<string>> {
  if (!paragraphs) for (const file of files) yield inParts(readLines(file));
  else for await (const lines of readDocuments(files)) yield [lines.join('\n')];
}

/**
 * Lines with their ends, in parts that are cut only between two lines where neither has white space at
 * the cut, since tokenizers take a run of white space as one.
 */
async function* inParts(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let part = '';
  for await (const line of lines) {
    if (part.length >= PART && /\S\n$/.test(part.slice(-2)) && /^\S/.test(line)) {
      yield part;
      part = '';
    }
    part += `${line}\n`;
  }
  if (part !== '') yield part;
}
