import type { Command } from 'commander';
import { addModelOptions } from './model-options.js';
import { addCommonOptions } from './options.js';
import type { PretrainGptOptions } from './train-gpt.js';
import { addTrainingOptions } from './training-options.js';

/** `multihead pretrain gpt <files…> --tokenizer <folder> --out <folder> …` */
export function pretrainGpt(families: Command): void {
  const command = families
    .command('gpt')
    .summary('a GPT-2, by causal language modelling')
    .description(
      'Trains a GPT-2 to foretell each next token. Files are UTF-8 text, each a document with its ' +
        'blank lines. Documents are put end to end, an end-of-text token after each, and cut into ' +
        'rows of --max-length tokens. A tokenizer of bytes alone (train-tokenizer --type bpe ' +
        '--vocab-size 257) makes a model of characters. Ctrl-C writes a checkpoint; the same command ' +
        'with --resume goes on from it and ends with the same model.',
    )
    .argument('<files...>', 'text files; - reads standard input');
  addModelOptions(command).option('--paragraphs', 'a blank line ends a document');
  addCommonOptions(addTrainingOptions(command)).action(
    async (files: string[], options: PretrainGptOptions) => {
      const { trainGpt } = await import('./train-gpt.js');
      await trainGpt(files, options);
    },
  );
}
