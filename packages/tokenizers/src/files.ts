// Where a tokenizer's files come from: a folder, a URL, a reader, or contents at hand.
import { badFile, notFound, throwIfAborted } from './errors.js';
import { readDisk } from './node-files.js';
import { COMPANIONS } from './special-tokens.js';

/** Contents by file name. */
export type TokenizerFiles = Readonly<Record<string, string | Uint8Array | undefined>>;

/** Gives a file by its name, undefined if there is none: a hub client, a zip archive, … */
export type ReadFile = (name: string) => Promise<string | Uint8Array | undefined>;

/** A folder or file (Node), their URL, a reader, or the contents. */
export type TokenizerSource = string | URL | ReadFile | TokenizerFiles;

export interface LoadOptions {
  signal?: AbortSignal | undefined;
}

/**
 * The text of the first of the `kinds` of files that the source has (each kind a few names, of which
 * any will do), with the companions beside it.
 *
 * @throws TokenizerError `NOT_FOUND` if it has none of them
 */
export async function readFirst(
  source: TokenizerSource,
  kinds: readonly (readonly string[])[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const read = readerOf(source, kinds.flat(), signal);
  const files = new Map<string, string>();
  const add = async (names: readonly string[]) => {
    for (const name of names) {
      throwIfAborted(signal);
      const content = await read(name);
      if (content !== undefined) files.set(name, textOf(name, content));
    }
  };
  for (const names of kinds) {
    await add(names);
    if (files.size === 0) continue;
    await add(COMPANIONS);
    return files;
  }
  return notFound(`${nameOf(source)}: has none of ${kinds.flat().join(', ')}`);
}

/** How an error names a source. */
export function nameOf(source: TokenizerSource): string {
  return placeOf(source) ?? 'the files given';
}

/** The path or address, if it is one. */
function placeOf(source: TokenizerSource): string | undefined {
  return typeof source === 'string' || source instanceof URL ? String(source) : undefined;
}

function readerOf(
  source: TokenizerSource,
  names: readonly string[],
  signal: AbortSignal | undefined,
): ReadFile {
  const place = placeOf(source);
  if (place === undefined) {
    return typeof source === 'function' ? source : async (name) => (source as TokenizerFiles)[name];
  }
  const last = /[^/\\]*$/.exec(place.replace(/[?#].*$/, ''))![0];
  const kind = /\.(json|txt|bpe)$/.exec(last)?.[1];
  if (kind === undefined)
    return (name) => readPlace(`${place.replace(/[/\\]$/, '')}/${name}`, signal);
  // The place of a file stands for that file; one with a name of its own goes by what it must be.
  const usual = kind === 'json' ? 'tokenizer.json' : 'vocab.txt';
  const only = names.includes(last) ? last : usual;
  return async (name) => (name === only ? readPlace(place, signal) : undefined);
}

/** The contents of a file on disk (Node) or at an address, undefined if there is none. */
async function readPlace(
  place: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  try {
    const disk = readDisk(place);
    if (disk) return await disk;
    const response = await fetch(place, { signal: signal ?? null });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    if (response.status === 404 || response.status === 410) return undefined;
    throw new Error(`the server answered ${response.status}`);
  } catch (cause) {
    throwIfAborted(signal);
    const { message } = cause as Error;
    notFound(`${place}: cannot be read (${message})`, cause);
  }
}

/** The text of a file, which must not be a page that a server gave in its place. */
function textOf(name: string, content: string | Uint8Array): string {
  let text = content;
  if (typeof text !== 'string') {
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(text);
    } catch (cause) {
      badFile(`${name}: not UTF-8 text`, cause);
    }
  }
  if (/^\s*<(!doctype|html)/i.test(text)) {
    badFile(`${name}: a web page came instead; check the address`);
  }
  return text;
}
