import type { Command } from 'commander';
import { addCommonOptions, option, real, whole } from './options.js';
import type { PretrainBertOptions } from './train-bert.js';
import { addTrainingOptions } from './training-options.js';

/** `multihead pretrain bert <files…> --tokenizer <folder> --out <folder> …` */
export function pretrainBert(families: Command): void {
  const command = families
    .command('bert')
    .summary('a BERT, by masked language modelling')
    .description(
      'Trains a BERT by masked language modelling. Files are UTF-8 text; a blank line ends a ' +
        'document. The text is cut into full rows of --max-length tokens. Ctrl-C writes a ' +
        'checkpoint; the same command with --resume goes on from it and ends with the same model.',
    )
    .argument('<files...>', 'text files; - reads standard input')
    .requiredOption('-t, --tokenizer <source>', 'as `multihead train-tokenizer` writes it')
    .addOption(
      option(
        '--from <source>',
        'go on from this model, in its sizes, in place of a fresh one',
        String,
      ).conflicts([
        'layers',
        'hidden',
        'heads',
        'intermediate',
        'positions',
        'dropout',
        'initializerRange',
      ]),
    )
    .addOption(option('--layers <count>', 'encoder layers', whole({ from: 1 }), 4))
    .addOption(option('--hidden <size>', 'size of the hidden states', whole({ from: 1 }), 256))
    .addOption(
      option('--heads <count>', 'attention heads (default: one for each 64)', whole({ from: 1 })),
    )
    .addOption(
      option(
        '--intermediate <size>',
        'feed-forward size (default: 4 × hidden)',
        whole({ from: 1 }),
      ),
    )
    .addOption(option('--max-length <tokens>', 'tokens in a row', whole({ from: 3 }), 128))
    .addOption(
      option(
        '--positions <tokens>',
        'longest text the model can take (default: --max-length)',
        whole({ from: 3 }),
      ),
    )
    .addOption(option('--dropout <share>', 'dropout in training', real({ from: 0, to: 0.99 }), 0.1))
    .addOption(
      option(
        '--initializer-range <sd>',
        'spread of fresh weights',
        real({ from: 0, above: true }),
        0.02,
      ),
    )
    .addOption(
      option(
        '--mlm-probability <share>',
        'share of tokens to predict',
        real({ from: 0, to: 1, above: true }),
        0.15,
      ),
    )
    .option('--whole-word', 'mask all pieces of a word together');
  addCommonOptions(addTrainingOptions(command)).action(
    async (files: string[], options: PretrainBertOptions) => {
      const { trainBert } = await import('./train-bert.js');
      await trainBert(files, options);
    },
  );
}
