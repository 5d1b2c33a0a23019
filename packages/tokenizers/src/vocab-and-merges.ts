// Byte-pair encoding in two files: ids by token in JSON, and merges a line, as OpenAI published GPT's.
import { notFound } from './errors.js';
import type { Vocabulary } from './family.js';
import { parseJson } from './json.js';
import { readVocab } from './tokenizer-json.js';

const VOCAB_FILES = ['vocab.json', 'encoder.json', 'encoder_bpe_40000.json'];

/** The names that the file of merges goes by. */
export const MERGE_FILES: readonly string[] = ['merges.txt', 'vocab.bpe', 'vocab_40000.bpe'];

/** The names that either file goes by. */
export const VOCAB_AND_MERGES: readonly string[] = [...VOCAB_FILES, ...MERGE_FILES];

/** Reads the two files from among those given. */
export function readVocabAndMerges(files: ReadonlyMap<string, string>, place: string): Vocabulary {
  const [vocabFile, mergeFile] = [VOCAB_FILES, MERGE_FILES].map(
    (names) =>
      names.find((name) => files.has(name)) ?? notFound(`${place}: ${names[0]} is not there`),
  );
  return {
    vocab: readVocab(parseJson(vocabFile!, files.get(vocabFile!)!)),
    merges: parseMerges(files.get(mergeFile!)!),
  };
}

/** One merge a line: two tokens with a space between. */
function parseMerges(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines[0]!.startsWith('#version')) lines.shift();
  return lines.filter((line) => line !== '');
}
