import type { Command } from 'commander';
import { printCount } from './count-tokens.js';
import { printDecoded } from './decode-ids.js';
import { encodeGroup } from './encode-group.js';
import { printIds } from './encode-ids.js';
import { loadTokenizer } from './load-tokenizer.js';
import { flag, option, whole } from './options.js';
import { readInputs } from './tokenize-input.js';
import { checkTokenizeOptions, type TokenizeOptions } from './tokenize-options.js';
import { printTokens } from './tokenize-views.js';

const encodingOnly = [
  ...['pair', 'pairFile', 'words', 'specialTokens', 'lowercase', 'maxLength', 'truncation'],
  ...['truncationSide', 'overflow', 'stride', 'padding', 'paddingSide', 'padToMultipleOf'],
  ...['batchSize', 'threads', 'inline', 'ids', 'count', 'all'],
];

/** `multihead tokenize <texts…> --model <source>` */
export function tokenize(program: Command): void {
  const command = program
    .command('tokenize')
    .summary('show the tokens of texts, or the text of ids')
    .description(
      'Shows the tokens of each text with their ids, and the part of the text each stands for. ' +
        'Any tokenizer does: WordPiece, byte-pair encoding, lists of words.',
    )
    .argument(
      '[texts...]',
      'texts; - stands for the lines of standard input, which are also read if nothing is given',
    );

  command
    .optionsGroup('What to read:')
    .requiredOption(
      '-m, --model <source>',
      'a folder; a tokenizer.json, vocab.txt, vocab.json or list of words; an address; or a hub id',
    )
    .option('--no-lowercase', 'for a bare vocab.txt of WordPiece: keep case and accents')
    .option('-f, --file <files...>', 'text files, of which each line is a text')
    .addOption(option('--pair <text>', 'a second text to each', String).conflicts('pairFile'))
    .option('--pair-file <file>', 'second texts, line by line')
    .option('--words', 'texts are cut into words already, at white space');

  command
    .optionsGroup('What to show (a table, unless one of these is given):')
    .addOption(
      flag('--inline', 'the tokens over the text, a line a text').conflicts([
        ...['ids', 'count', 'json', 'all'],
      ]),
    )
    .addOption(flag('--ids', 'ids alone, a line a text').conflicts(['count', 'all']))
    .addOption(
      flag('--count', 'how many texts, characters, tokens and unknown tokens').conflicts([
        ...['all', 'maxLength', 'truncation', 'padding'],
      ]),
    )
    .addOption(
      flag('--decode', 'the text of ids, which are given in place of texts').conflicts(
        encodingOnly,
      ),
    )
    .option('--all', 'in the table or JSON also words, sequences, types and masks')
    .option('--json', 'as JSON, a line a text')
    .addOption(option('--threads <count>', 'for --ids and --count', whole({ from: 1, to: 256 })));

  command
    .optionsGroup('Special tokens, truncation and padding:')
    .option('--no-special-tokens', 'put no [CLS] and [SEP], or what the family has, around')
    .addOption(option('--max-length <tokens>', 'cut off what is longer', whole({ from: 1 })))
    .addOption(
      option('--truncation <what>', 'what is cut off', String).choices([
        ...['longest_first', 'only_first', 'only_second', 'none'],
      ]),
    )
    .addOption(option('--truncation-side <side>', 'where', String).choices(['right', 'left']))
    .option('--overflow', 'show what was cut off as well, part by part')
    .addOption(
      option('--stride <tokens>', 'that each such part shares with the last', whole({ from: 1 })),
    )
    .addOption(
      option('--padding <to>', 'to the longest text, or --max-length', String).choices([
        ...['longest', 'max_length'],
      ]),
    )
    .addOption(option('--padding-side <side>', 'where', String).choices(['right', 'left']))
    .addOption(
      option('--pad-to-multiple-of <tokens>', 'make lengths a multiple', whole({ from: 1 })),
    )
    .addOption(
      option(
        '--batch-size <texts>',
        'pad so many texts to their longest (default: all)',
        whole({ from: 1 }),
      ),
    );

  command
    .optionsGroup('With --decode:')
    .option('--skip-special-tokens', 'leave special tokens out')
    .option('--clean-up', 'no spaces before punctuation and contractions');

  command.optionsGroup('Options:').action(run);
}

async function run(texts: string[], options: TokenizeOptions): Promise<void> {
  const encodeOptions = checkTokenizeOptions(texts, options);
  const tokenizer = await loadTokenizer(options.model, { cased: !options.lowercase });
  encodeGroup(tokenizer, [], encodeOptions); // What the tokenizer cannot do is said before any text.
  const inputs = readInputs(texts, options);
  if (options.decode) await printDecoded(tokenizer, inputs, options);
  else if (options.count) await printCount(tokenizer, inputs, options);
  else if (options.ids) await printIds(tokenizer, inputs, options, encodeOptions);
  else await printTokens(tokenizer, inputs, options, encodeOptions);
}
