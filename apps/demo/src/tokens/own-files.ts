import type { Failure } from '../failure.js';

/** The names that a tokenizer's files have, in the order in which a file is given one. */
const KNOWN = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'vocab.json',
  'encoder.json',
  'vocab.txt',
  'merges.txt',
  'vocab.bpe',
];

/** Files larger than this are not what they are taken for. */
const LARGEST = 64e6;

export interface OwnFiles {
  /** What the panel is called. */
  title: string;
  /** The visitor's files under the names that a tokenizer's files have. */
  files: Map<string, File>;
}

/**
 * Of the visitor's files those of a tokenizer. A name may have more before it (`gpt2-merges.txt`), and
 * a file that is alone may have any: a `.json` is a tokenizer.json, a `.txt` a vocab.txt.
 */
export function tokenizerFiles(all: readonly File[], folder?: string): OwnFiles | Failure {
  const files = new Map<string, File>();
  const rest: File[] = [];
  for (const file of all) {
    const name = KNOWN.find((known) => isNamed(file.name, known));
    if (name === undefined) rest.push(file);
    else if (!files.has(name) || file.name === name) files.set(name, file);
  }
  const vocabularies = ['tokenizer.json', 'vocab.json', 'encoder.json', 'vocab.txt'];
  if (!vocabularies.some((name) => files.has(name))) {
    const alone = rest.filter(({ name }) => /\.(json|txt)$/i.test(name));
    if (alone.length === 1) {
      files.set(/\.json$/i.test(alone[0]!.name) ? 'tokenizer.json' : 'vocab.txt', alone[0]!);
    }
  }
  const names = all.map(({ name }) => name).join(', ');
  if (!vocabularies.some((name) => files.has(name))) {
    return { code: 'NO_TOKENIZER_FILES', message: `none is a tokenizer's file: ${names}` };
  }
  for (const { name, size } of files.values()) {
    if (size > LARGEST) {
      return { code: 'FILE_TOO_LARGE', message: `${name}: ${(size / 1e6).toFixed(0)} MB` };
    }
  }
  return { title: folder ?? Array.from(files.values(), ({ name }) => name).join(', '), files };
}

function isNamed(name: string, known: string): boolean {
  return name === known || new RegExp(`[-_. ]${known.replace('.', '\\.')}$`, 'i').test(name);
}
