import type { Command } from 'commander';
import { addModelOptions } from './model-options.js';
import { addCommonOptions, option, real } from './options.js';
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
    .argument('<files...>', 'text files; - reads standard input');
  addModelOptions(command)
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
