import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { saveTokenizer, type Tokenizer } from '@multihead/tokenizers';
import type { Command } from 'commander';
import { CliError } from './errors.js';
import { interruptible } from './interruption.js';
import { addCommonOptions, option, whole } from './options.js';
import { print } from './output.js';
import { Progress } from './progress.js';
import { nameOfInput, readAllLines } from './text.js';
import {
  checkTrainerOptions,
  fileNames,
  type TrainerOptions,
  tokenizerTypes,
  trainerOf,
} from './tokenizer-trainers.js';

interface TrainTokenizerOptions extends TrainerOptions {
  out: string;
  json?: boolean;
  quiet?: boolean;
}

/** `multihead train-tokenizer <files…> --out <folder>` */
export function trainTokenizer(program: Command): void {
  const command = program
    .command('train-tokenizer')
    .summary('learn a vocabulary from text')
    .description(
      'Learns a vocabulary from text files, read line by line, and writes tokenizer.json and the ' +
        'files beside it, as Hugging Face has them: WordPiece (BERT), byte-level byte-pair encoding ' +
        '(GPT-2), classic byte-pair encoding of lowered words (GPT-1), or the most frequent words ' +
        '(Transformer-XL). The same text gives the same vocabulary everywhere.',
    )
    .argument('<files...>', 'UTF-8 text files; - reads standard input')
    .requiredOption('-o, --out <folder>', 'where the tokenizer goes')
    .addOption(
      option('-t, --type <type>', 'kind of tokenizer', String, 'wordpiece').choices(tokenizerTypes),
    )
    .addOption(option('--vocab-size <tokens>', 'size of the vocabulary', whole({ from: 1 }), 8192))
    .addOption(
      option(
        '--min-frequency <count>',
        'merge pairs, or take words, seen so often (default: 2 for wordpiece, else 0)',
        whole({ from: 0 }),
      ),
    )
    .option(
      '--special-tokens <tokens...>',
      'all the special tokens, which come first (default: those of the type)',
    )
    .addOption(
      option('--max-length <tokens>', 'the length the model will take', whole({ from: 3 })),
    );
  addCommonOptions(command);

  command
    .optionsGroup('The alphabet (wordpiece, classic-bpe) and pieces:')
    .option('--initial-alphabet <characters>', 'have these characters even if the text has not')
    .addOption(
      option(
        '--limit-alphabet <count>',
        'most characters to keep (default: 1000 for wordpiece, else all)',
        whole({ from: 1 }),
      ),
    )
    .addOption(
      option(
        '--max-token-length <characters>',
        'longest piece (bpe, in bytes; classic-bpe)',
        whole({ from: 1 }),
      ),
    );

  command
    .optionsGroup('What becomes of the text:')
    .option('--lowercase', 'lower the case (word-level; wordpiece does)')
    .option('--no-lowercase', 'keep case and accents (wordpiece; word-level does)')
    .option('--strip-accents', 'strip accents also with --no-lowercase (wordpiece)')
    .option('--no-strip-accents', 'keep accents also in lower case (wordpiece)')
    .option('--no-chinese-chars', 'do not put Chinese characters apart (wordpiece)')
    .option('--add-prefix-space', 'begin each text with a space (bpe)')
    .option('--add-eos', 'end each text with the token for it (word-level)');

  command
    .optionsGroup(
      'Names of special tokens (for bpe and classic-bpe the first of --special-tokens):',
    )
    .option('--unk-token <token>', 'what is unknown (wordpiece, word-level)')
    .option('--pad-token <token>', 'padding (wordpiece)')
    .option('--cls-token <token>', 'before a text (wordpiece)')
    .option('--sep-token <token>', 'after a text (wordpiece)')
    .option('--mask-token <token>', 'what is to be predicted (wordpiece)')
    .option('--eos-token <token>', 'end of a text (word-level)');

  command.optionsGroup('Options:').action(run);
}

async function run(
  files: string[],
  options: TrainTokenizerOptions,
  command: Command,
): Promise<void> {
  const { out, type, vocabSize, quiet = false } = options;
  checkTrainerOptions(options, command);
  checkOut(out, fileNames[type]);
  const train = trainerOf(options);
  const interruption = interruptible('Stopping …');
  const { signal } = interruption;
  const progress = new Progress('tokenizer', { quiet });
  let lines = 0;
  async function* counted(): AsyncGenerator<string> {
    for await (const line of readAllLines(files, signal)) {
      if (line.trim() !== '') lines++;
      yield line;
    }
  }
  let tokenizer: Tokenizer;
  try {
    tokenizer = await train(counted(), {
      onProgress: ({ phase, done, total }) => {
        const count = done.toLocaleString('en');
        if (phase === 'merge') progress.update({ done, total, note: `${count} tokens` });
        else progress.update({ done: 0, note: `${count} lines` });
      },
      signal,
    });
    if (lines === 0) {
      const names = files.map(nameOfInput).join(', ');
      throw new CliError('BAD_INPUT', `There is no text in ${names}.`);
    }
    progress.stop();
    // A Ctrl-C from here on is too late: the files are written whole.
    await saveTokenizer(tokenizer, out);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CliError('INTERRUPTED', 'Stopped: nothing was written.', { cause: error });
  } finally {
    progress.stop();
    interruption.stop();
  }

  const size = tokenizer.vocabSize;
  if (options.json) print(JSON.stringify({ out, type, vocabSize: size, lines }));
  else print(`${out}: a vocabulary of ${count(size, 'token')} from ${count(lines, 'line')}.`);
  if (quiet || size === vocabSize) return;
  const note =
    size < vocabSize
      ? `The text gave ${size} tokens, fewer than the ${vocabSize} asked for.`
      : `Special tokens and characters alone are ${size}, more than the ${vocabSize} asked for.`;
  process.stderr.write(`${note}\n`);
}

const count = (value: number, what: string) =>
  `${value.toLocaleString('en')} ${what}${value === 1 ? '' : 's'}`;

/** Before hours of work: `out` can be a folder, and has no other kind of tokenizer in it. */
function checkOut(out: string, names: readonly string[]): void {
  if (!existsSync(out)) return;
  if (!statSync(out).isDirectory()) {
    throw new CliError('ALREADY_EXISTS', `${out} is a file: give a folder as --out.`);
  }
  const others = Object.values(fileNames).flat();
  const left = others.find((name) => !names.includes(name) && existsSync(join(out, name)));
  if (left === undefined) return;
  throw new CliError(
    'ALREADY_EXISTS',
    `${out} has a tokenizer of another kind in it (${left}): give another --out, or take it away.`,
  );
}
