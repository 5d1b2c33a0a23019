// Byte-pair encoding in two files: ids by token in JSON, and merges a line, as OpenAI published GPT's.
import { TokenizerError } from './errors.js';
import { parseJson } from './files.js';
import { readVocab } from './tokenizer-json.js';

/** The names that the file of ids goes by. */
export const VOCAB_FILES: readonly string[] = [
  'vocab.json',
  'encoder.json',
  'encoder_bpe_40000.json',
];

/** The names that the file of merges goes by. */
export const MERGE_FILES: readonly string[] = ['merges.txt', 'vocab.bpe', 'vocab_40000.bpe'];

export interface VocabAndMerges {
  vocab: Map<string, number>;
  merges: [left: string, right: string][];
}

/** Reads the two files from among those given. */
export function readVocabAndMerges(
  files: ReadonlyMap<string, string>,
  source: string,
): VocabAndMerges {
  const vocabFile = VOCAB_FILES.find((name) => files.has(name));
  const mergeFile = MERGE_FILES.find((name) => files.has(name));
  if (vocabFile === undefined || mergeFile === undefined) {
    throw new TokenizerError(
      'NOT_FOUND',
      `${source}: ${vocabFile === undefined ? VOCAB_FILES.join(' or ') : MERGE_FILES.join(' or ')} is not there`,
    );
  }
  return {
    vocab: readVocab(parseJson(vocabFile, files.get(vocabFile)!)),
    merges: parseMerges(mergeFile, files.get(mergeFile)!),
  };
}

/** One merge a line: two tokens with a space between. */
function parseMerges(name: string, text: string): [string, string][] {
  const merges: [string, string][] = [];
  text.split('\n').forEach((given, index) => {
    const line = given.endsWith('\r') ? given.slice(0, -1) : given;
    if (line === '' || (index === 0 && line.startsWith('#version'))) return;
    const space = line.indexOf(' ');
    if (space <= 0 || space === line.length - 1 || line.indexOf(' ', space + 1) >= 0) {
      throw new TokenizerError('BAD_FILE', `${name}: line ${index + 1} is not two tokens: ${line}`);
    }
    merges.push([line.slice(0, space), line.slice(space + 1)]);
  });
  return merges;
}

/** The two files by their names. */
export function writeVocabAndMerges(
  vocab: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
): Record<string, string> {
  const sorted = [...vocab].sort((a, b) => a[1] - b[1]);
  return {
    'vocab.json': `${JSON.stringify(Object.fromEntries(sorted))}\n`,
    'merges.txt': ['#version: 0.2', ...merges.map((pair) => pair.join(' ')), ''].join('\n'),
  };
}
