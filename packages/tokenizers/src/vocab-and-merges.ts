// Byte-pair encoding in two files: ids by token in JSON, and merges a line, as OpenAI published GPT's.
import { badFile, TokenizerError } from './errors.js';
import type { Vocabulary } from './family.js';
import { parseJson } from './json.js';
import { readVocab } from './tokenizer-json.js';

/** The names that the file of ids goes by. */
export const VOCAB_FILES: readonly string[] = [
  'vocab.json',
  'encoder.json',
  'encoder_bpe_40000.json',
];

/** The names that the file of merges goes by. */
export const MERGE_FILES: readonly string[] = ['merges.txt', 'vocab.bpe', 'vocab_40000.bpe'];

/** Reads the two files from among those given. */
export function readVocabAndMerges(files: ReadonlyMap<string, string>, place: string): Vocabulary {
  const [vocabFile, mergeFile] = [VOCAB_FILES, MERGE_FILES].map((names) => {
    const found = names.find((name) => files.has(name));
    if (found !== undefined) return found;
    throw new TokenizerError('NOT_FOUND', `${place}: ${names.join(' or ')} is not there`);
  });
  return {
    vocab: readVocab(parseJson(vocabFile!, files.get(vocabFile!)!)),
    merges: parseMerges(mergeFile!, files.get(mergeFile!)!),
  };
}

/** One merge a line: two tokens with a space between. */
function parseMerges(name: string, text: string): [string, string][] {
  const merges: [string, string][] = [];
  text.split('\n').forEach((given, index) => {
    const line = given.endsWith('\r') ? given.slice(0, -1) : given;
    if (line === '' || (index === 0 && line.startsWith('#version'))) return;
    const pair = line.split(' ');
    if (pair.length !== 2 || pair.includes('')) {
      badFile(`${name}: line ${index + 1} is not two tokens: ${line}`);
    }
    merges.push(pair as [string, string]);
  });
  return merges;
}
