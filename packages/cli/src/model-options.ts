import type { Command } from 'commander';
import { CliError } from './errors.js';
import { option, real, whole } from './options.js';

/** The model that a command trains: a fresh one of these sizes, or one to go on from. */
export interface ModelOptions {
  tokenizer: string;
  from?: string;
  layers: number;
  hidden: number;
  heads?: number;
  intermediate?: number;
  maxLength: number;
  positions?: number;
  dropout: number;
  initializerRange: number;
}

export function addModelOptions(command: Command): Command {
  return command
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
    .addOption(option('--layers <count>', 'layers', whole({ from: 1 }), 4))
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
    );
}

/** Sizes of a fresh model, with what follows from others filled in. @throws CliError `USAGE` */
export function sizesOf(options: ModelOptions): Required<Omit<ModelOptions, 'from'>> {
  const { hidden, maxLength } = options;
  const heads = options.heads ?? Math.max(1, Math.round(hidden / 64));
  const { intermediate = 4 * hidden, positions = maxLength } = options;
  if (hidden % heads !== 0) {
    throw new CliError('USAGE', `--hidden ${hidden} is no multiple of --heads ${heads}.`);
  }
  return { ...options, heads, intermediate, positions };
}

/** @throws CliError `USAGE` where rows are longer than what the fresh model can take */
export function checkPositions({ maxLength, positions = maxLength }: ModelOptions): void {
  if (positions >= maxLength) return;
  throw new CliError('USAGE', `--positions ${positions} are fewer than --max-length ${maxLength}.`);
}

/** @throws CliError `USAGE` where the model of `--from` is for other texts */
export function checkFits(
  { from, maxLength }: ModelOptions,
  model: { vocabSize: number; positions: number },
  vocabSize: number,
): void {
  if (vocabSize === model.vocabSize && maxLength <= model.positions) return;
  throw new CliError(
    'USAGE',
    `${from} takes ${model.positions} tokens of a vocabulary of ${model.vocabSize}; ` +
      `--max-length is ${maxLength}, and the tokenizer has ${vocabSize}.`,
  );
}
