import { trainWordPiece } from '@multihead/tokenizers';
import type { Command } from 'commander';
import { CliError } from './errors.js';
import { type CommonOptions, option, whole } from './options.js';
import { print } from './output.js';
import { Progress } from './progress.js';
import { readAllLines } from './text.js';

interface TrainTokenizerOptions extends CommonOptions {
  out: string;
  vocabSize: number;
  minFrequency: number;
  limitAlphabet: number;
  lowercase: boolean;
  stripAccents?: boolean;
  chineseChars: boolean;
  maxLength?: number;
}

/** `multihead train-tokenizer <files…> --out <folder>` */
export function trainTokenizer(program: Command): void {
  program
    .command('train-tokenizer')
    .summary('learn a WordPiece vocabulary from text')
    .description(
      'Learns a WordPiece vocabulary from text files, read line by line, and writes tokenizer.json, ' +
        'vocab.txt and the files beside them, as Hugging Face has them. The same text gives the same ' +
        'vocabulary everywhere.',
    )
    .argument('<files...>', 'UTF-8 text files; - reads standard input')
    .requiredOption('-o, --out <folder>', 'where the tokenizer goes')
    .addOption(option('--vocab-size <tokens>', 'size of the vocabulary', whole({ from: 6 }), 8192))
    .addOption(
      option('--min-frequency <count>', 'merge pairs seen so often', whole({ from: 0 }), 2),
    )
    .addOption(
      option('--limit-alphabet <count>', 'most characters to keep', whole({ from: 1 }), 1000),
    )
    .option('--no-lowercase', 'keep case and accents')
    .option('--strip-accents', 'strip accents also with --no-lowercase')
    .option('--no-strip-accents', 'keep accents also in lower case')
    .option('--no-chinese-chars', 'do not put Chinese characters apart')
    .addOption(
      option('--max-length <tokens>', 'the length the model will take', whole({ from: 3 })),
    )
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'show no progress')
    .action(run);
}

async function run(files: string[], options: TrainTokenizerOptions): Promise<void> {
  const { out, vocabSize, minFrequency, limitAlphabet, stripAccents, maxLength, quiet } = options;
  const progress = new Progress('tokenizer', { quiet });
  let lines = 0;
  async function* counted(): AsyncGenerator<string> {
    for await (const line of readAllLines(files)) {
      if (line.trim() !== '') lines++;
      yield line;
    }
  }
  const tokenizer = await trainWordPiece(counted(), {
    vocabSize,
    minFrequency,
    limitAlphabet,
    doLowerCase: options.lowercase,
    stripAccents: stripAccents ?? null,
    tokenizeChineseChars: options.chineseChars,
    ...(maxLength !== undefined && { modelMaxLength: maxLength }),
    onProgress: ({ phase, done, total }) => {
      if (phase === 'merge') progress.update({ done, total, note: `${done} tokens` });
      else progress.update({ done: 0, note: `${done} words` });
    },
  }).finally(() => progress.stop());
  if (lines === 0) throw new CliError('BAD_INPUT', `There is no text in ${files.join(', ')}.`);
  await tokenizer.save(out);

  const size = tokenizer.vocabSize;
  if (options.json) print(JSON.stringify({ out, vocabSize: size, lines }));
  else print(`${out}: a vocabulary of ${size} tokens from ${lines} lines.`);
  if (size < vocabSize && !quiet) {
    process.stderr.write(`The text gave ${size} tokens, fewer than the ${vocabSize} asked for.\n`);
  }
}
