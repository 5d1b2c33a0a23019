import type { Command } from 'commander';
import { addCommonOptions, option, real, whole } from './options.js';
import type { PretrainTransformerXLOptions } from './train-transformer-xl.js';
import { addTrainingOptions } from './training-options.js';

/** `multihead pretrain transformer-xl <files…> --tokenizer <folder> --out <folder> …` */
export function pretrainTransformerXL(families: Command): void {
  const command = families
    .command('transformer-xl')
    .summary('a Transformer-XL, segment after segment with a memory')
    .description(
      'Trains a Transformer-XL to foretell each next token. Files are UTF-8 text, each a document with ' +
        'its blank lines. Documents are put end to end, an end-of-text token after each, and cut into ' +
        '--batch-size streams, along which the model goes side by side in segments of --segment-length ' +
        'tokens, remembering --memory-length. A tokenizer of bytes alone (train-tokenizer --type bpe ' +
        '--vocab-size 257) makes a model of characters. Ctrl-C writes a checkpoint, memories and all; the ' +
        'same command with --resume goes on from it and ends with the same model.',
    )
    .argument('<files...>', 'text files; - reads standard input');
  addSizes(command).option('--paragraphs', 'a blank line ends a document');
  addCommonOptions(addTrainingOptions(command)).action(
    async (files: string[], options: PretrainTransformerXLOptions) => {
      const { trainTransformerXL } = await import('./train-transformer-xl.js');
      await trainTransformerXL(files, options);
    },
  );
}

/** What a model that one goes on from has already. */
const MADE_OF = [
  ...['layers', 'hidden', 'embeddingSize', 'heads', 'headSize', 'intermediate', 'memoryLength'],
  ...['extendedLength', 'clampLength', 'sameLength', 'attention', 'preNorm', 'tiedBiases'],
  ...['untiedWords', 'cutoffs', 'sampledSoftmax', 'divVal', 'dropout', 'attentionDropout'],
  ...['initializer', 'initializerRange', 'projectionRange'],
];

function addSizes(command: Command): Command {
  const count = (flags: string, help: string, value?: number, from = 1) =>
    option(flags, help, whole({ from }), value);
  const share = (flags: string, help: string, value: number) =>
    option(flags, help, real({ from: 0, to: 0.99 }), value);
  const spread = (flags: string, help: string, value: number) =>
    option(flags, help, real({ from: 0, above: true }), value);
  return command
    .requiredOption('-t, --tokenizer <source>', 'as `multihead train-tokenizer` writes it')
    .addOption(
      option(
        '--from <source>',
        'go on from this model, with what it is made of, in place of a fresh one',
        String,
      ).conflicts(MADE_OF),
    )
    .addOption(count('--layers <count>', 'layers', 4))
    .addOption(count('--hidden <size>', 'size of the hidden states', 256))
    .addOption(count('--embedding-size <size>', 'of the commonest words (default: --hidden)'))
    .addOption(count('--heads <count>', 'attention heads (default: one for each 64)'))
    .addOption(count('--head-size <size>', 'of each (default: hidden / heads)'))
    .addOption(count('--intermediate <size>', 'feed-forward size (default: 4 × hidden)'))
    .addOption(count('--segment-length <tokens>', 'tokens foretold in a pass', 128))
    .addOption(count('--memory-length <tokens>', 'tokens remembered; 0: no recurrence', 128, 0))
    .addOption(count('--extended-length <tokens>', 'tokens that a segment repeats', 0, 0))
    .addOption(count('--clamp-length <tokens>', 'farther counts as this far; 0: never', 0, 0))
    .option('--same-length', 'every token sees as many as are remembered')
    .option('--variable-length', 'draw segments’ lengths around --segment-length, anew each epoch')
    .addOption(
      option(
        '--attention <type>',
        'how distance counts: the paper’s ablations',
        String,
        'relative',
      ).choices(['relative', 'learnt', 'absolute', 'absolute-learnt']),
    )
    .option('--pre-norm', 'layers normalize what enters their parts')
    .option('--tied-biases', 'one u and v for all layers')
    .option('--untied-words', 'words come out by a table of their own')
    .addOption(
      option('--cutoffs <ids>', 'where the vocabulary is cut into clusters, as 2000,10000', String),
    )
    .addOption(
      count('--sampled-softmax <words>', 'in training foretell among twice so many; 0: all', 0, 0),
    )
    .addOption(count('--div-val <factor>', 'each cluster’s vectors are so much narrower', 1))
    .addOption(share('--dropout <share>', 'dropout in training', 0.1))
    .addOption(share('--attention-dropout <share>', 'of attention weights', 0))
    .addOption(
      option('--initializer <kind>', 'how fresh weights are drawn', String, 'normal').choices([
        ...['normal', 'uniform'],
      ]),
    )
    .addOption(spread('--initializer-range <sd>', 'their deviation, or for uniform bound', 0.02))
    .addOption(
      spread('--projection-range <sd>', 'deviation of fresh projections of clusters', 0.01),
    )
    .addOption(
      count('--eval-segment-length <tokens>', 'of the evaluations (default: as in training)'),
    )
    .addOption(
      count('--eval-memory-length <tokens>', 'of the evaluations (default: as in training)', undefined, 0), // biome-ignore format: one line
    );
}
