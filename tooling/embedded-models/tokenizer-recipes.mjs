// How the vocabularies beside the embedded BERT's are made: from the same text and of the same size, so
// that what one sees of them side by side is the doing of the methods.
import { tokenizerFiles, trainBpe, trainClassicBpe, trainWordLevel } from '@multihead/tokenizers';
import * as bert from './bert-recipe.mjs';
import { readCorpus } from './corpus.mjs';

const { vocabSize, minFrequency } = bert.tokenizer;

/** Options of every training. */
export const options = { vocabSize, minFrequency };

/**
 * `files` are those that the family had before `tokenizer.json`, which say the same in a third of the
 * bytes.
 */
export const recipes = [
  {
    name: 'bpe-english',
    method: 'byte-level BPE, as GPT-2 has it',
    train: trainBpe,
    files: ['vocab.json', 'merges.txt', 'tokenizer_config.json'],
  },
  {
    name: 'classic-bpe-english',
    method: 'classic BPE, as GPT-1 has it',
    train: trainClassicBpe,
    files: ['vocab.json', 'merges.txt', 'tokenizer_config.json'],
  },
  {
    name: 'words-english',
    method: 'whole words, as Transformer-XL has them',
    train: trainWordLevel,
    files: ['vocab.txt', 'tokenizer_config.json'],
  },
];

/** `{ corpus, training, heldOut }`: all documents, and the lines of either part. */
export async function readLines() {
  const corpus = await readCorpus();
  const linesOf = (documents) => documents.flatMap(({ lines }) => lines);
  return {
    corpus,
    training: linesOf(corpus.filter(({ heldOut }) => !heldOut)),
    heldOut: linesOf(corpus.filter(({ heldOut }) => heldOut)),
  };
}

/** The contents of the recipe's files, by name. */
export async function makeFiles({ train, files }, lines) {
  const contents = tokenizerFiles(await train(lines, options));
  return Object.fromEntries(files.map((file) => [file, contents[file]]));
}
