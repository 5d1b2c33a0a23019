import type { Command } from 'commander';
import { addColumnOptions } from './labelled-texts.js';
import { addCommonOptions, option, real, whole } from './options.js';
import type { FinetuneOptions } from './train-classifier.js';
import { addTrainingOptions } from './training-options.js';

const usual = {
  rows: 'texts',
  epochs: 'passes over the texts, in place of --steps (default: 3)',
  learningRate: 5e-5,
  every: 'an epoch',
  parts: 'texts',
};

/** `multihead finetune <files…> --model <source> --out <folder> …` */
export function finetune(program: Command): void {
  const command = program
    .command('finetune')
    .summary('teach a model to classify texts')
    .description(
      'Teaches a BERT or a GPT that was pre-trained to say something about texts, or pairs of them: ' +
        'which class, or with --task regression a number. Files are CSV, TSV or JSON lines with named ' +
        'columns. Ctrl-C writes a checkpoint; the same command with --resume goes on from it and ends ' +
        'with the same model.',
    )
    .argument('<files...>', 'texts to learn from: .csv, .tsv or .jsonl; - reads standard input')
    .requiredOption(
      '-m, --model <source>',
      'what to begin with: a folder of a BERT, GPT-2 or GPT-1, its address, or a hub id',
    )
    .option('-t, --tokenizer <source>', 'its tokenizer, where the model has none beside it')
    .addOption(
      option('--task <task>', 'what is said of a text', String, 'classification').choices([
        ...['classification', 'regression'],
      ]),
    );
  addColumnOptions(command)
    .option(
      '--label-names <names...>',
      'the classes, number 0 first (default: the labels in their order)',
    )
    .addOption(
      option(
        '--max-length <tokens>',
        'longer texts are cut (default: 128, or what the model takes)',
        whole({ from: 3 }),
      ),
    )
    .addOption(
      option(
        '--dropout <share>',
        "in training (default: the model's)",
        real({ from: 0, to: 0.99 }),
      ),
    );
  addCommonOptions(addTrainingOptions(command, usual)).action(
    async (files: string[], options: FinetuneOptions) => {
      const { trainClassifier } = await import('./train-classifier.js');
      await trainClassifier(files, options);
    },
  );
}
