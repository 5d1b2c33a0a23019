// Where a tokenizer's files come from and go to: a folder, a URL, a reader, or contents at hand.
import { quote, TokenizerError, throwIfAborted } from './errors.js';
import { readFromDisk, writeToDisk } from './node-files.js';
import type { Json } from './pipeline.js';
import { isObject } from './tokenizer-json.js';

/** Contents by file name. */
export type TokenizerFiles = Readonly<Record<string, string | Uint8Array | undefined>>;

/** Gives a file by its name, undefined if there is none: a hub client, a zip archive, … */
export type ReadFile = (name: string) => Promise<string | Uint8Array | undefined>;

/** A folder or file (Node), their URL, a reader, or the contents. */
export type TokenizerSource = string | URL | ReadFile | TokenizerFiles;

export interface LoadOptions {
  signal?: AbortSignal | undefined;
}

/** The text of each of `names` that the source has. */
async function readFiles(
  source: TokenizerSource,
  names: readonly string[],
  { signal }: LoadOptions,
): Promise<Map<string, string>> {
  const { read, only } = reader(source, names, signal);
  const files = new Map<string, string>();
  for (const name of only ?? names) {
    throwIfAborted(signal);
    const content = await read(name);
    if (content !== undefined) files.set(name, textOf(name, content));
  }
  return files;
}

/**
 * The text of the first of the `kinds` of files that the source has (each kind a few names, of which
 * any will do), with the companions beside it; only those if it has none of them.
 */
export async function readFirst(
  source: TokenizerSource,
  kinds: readonly (readonly string[])[],
  companions: readonly string[],
  options: LoadOptions = {},
): Promise<Map<string, string>> {
  for (const names of kinds) {
    const files = await readFiles(source, names, options);
    if (files.size === 0) continue;
    const beside = await readFiles(source, companions, options);
    return new Map([...files, ...beside]);
  }
  return new Map();
}

/** How an error names a source. */
export function nameOf(source: TokenizerSource): string {
  return typeof source === 'string' || isUrl(source) ? String(source) : 'the files given';
}

/** The text of each file that is given. */
export function textsOf(files: TokenizerFiles): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, content] of Object.entries(files)) {
    if (content !== undefined) texts.set(name, textOf(name, content));
  }
  return texts;
}

function reader(
  source: TokenizerSource,
  names: readonly string[],
  signal: AbortSignal | undefined,
): { read: ReadFile; only?: string[] } {
  if (typeof source === 'function') return { read: source };
  if (typeof source === 'object' && !isUrl(source)) {
    return { read: async (name) => source[name] };
  }
  const place = String(source);
  const slash = Math.max(place.lastIndexOf('/'), place.lastIndexOf('\\'));
  const last = place.slice(slash + 1).replace(/[?#].*$/, '');
  const from = /^https?:|^blob:|^data:/.test(place) || !isNode() ? fromUrl : readFromDisk;
  // The place of a file stands for that file; one with a name of its own goes by what it must be.
  const named = names.includes(last) ? last : names.find((name) => isKind(last, name));
  if (named !== undefined) return { read: () => from(place, signal), only: [named] };
  if (/\.(json|txt|bpe)$/.test(last)) return { read: async () => undefined, only: [] };
  const folder = place.replace(/[/\\]$/, '');
  return { read: (name) => from(`${folder}/${name}`, signal) };
}

/** Whether a file of another name is to be read as `name`. */
function isKind(file: string, name: string): boolean {
  return name === 'tokenizer.json'
    ? file.endsWith('.json')
    : name === 'vocab.txt' && file.endsWith('.txt');
}

async function fromUrl(url: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (cause) {
    throwIfAborted(signal);
    throw new TokenizerError('NOT_FOUND', `${url}: cannot be fetched (${String(cause)})`, {
      cause,
    });
  }
  if (response.status === 404 || response.status === 410) return undefined;
  if (!response.ok) {
    throw new TokenizerError('NOT_FOUND', `${url}: the server answered ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Writes the files into a folder, which is made if need be; each appears whole or not at all. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (!isNode()) {
    throw new TokenizerError(
      'UNSUPPORTED',
      'a page cannot write a folder: take the contents of toFiles()',
    );
  }
  await writeToDisk(folder, files);
}

function isUrl(source: TokenizerSource): source is URL {
  return typeof source === 'object' && typeof source.href === 'string' && 'pathname' in source;
}

export function isNode(): boolean {
  return typeof process === 'object' && process.versions?.node !== undefined;
}

/** The text of a file, which must not be a page that a server gave in its place. */
function textOf(name: string, content: string | Uint8Array): string {
  let text: string;
  try {
    text =
      typeof content === 'string'
        ? content
        : new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (cause) {
    throw new TokenizerError('BAD_FILE', `${name}: not UTF-8 text`, { cause });
  }
  if (/^\s*<(!doctype|html)/i.test(text)) {
    throw new TokenizerError(
      'BAD_FILE',
      `${name}: a web page came instead of the file (${quote(text.trim().slice(0, 40))}); check the address, and that you are online`,
    );
  }
  return text;
}

/** The JSON object a file holds. */
export function parseJson(name: string, text: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TokenizerError('BAD_FILE', `${name}: not JSON (${(cause as Error).message})`, {
      cause,
    });
  }
  if (!isObject(json)) throw new TokenizerError('BAD_FILE', `${name}: not a JSON object`);
  return json;
}

/** A vocabulary of one token a line, the id being the line's number from 0. */
export function parseWordList(name: string, text: string): Map<string, number> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const vocab = new Map<string, number>();
  lines.forEach((line, id) => {
    vocab.set(line.trimEnd(), id);
  });
  if (vocab.size === 0) throw new TokenizerError('BAD_FILE', `${name}: no token in it`);
  return vocab;
}
