import type { Dataset } from '@multihead/training';
import type { Command } from 'commander';
import { CliError } from './errors.js';
import { type CommonOptions, option, real, whole } from './options.js';

/** What every command that trains takes. */
export interface TrainingOptions extends CommonOptions {
  out: string;
  steps?: number;
  epochs?: number;
  batchSize: number;
  gradAccumulation: number;
  optimizer: 'adamw' | 'sgd' | 'adagrad';
  learningRate: number;
  minLearningRate: number;
  schedule: 'linear' | 'cosine' | 'inverse-sqrt' | 'plateau' | 'constant';
  patience?: number;
  decayRate?: number;
  warmup: number;
  weightDecay?: number;
  momentum: number;
  adamBeta1: number;
  adamBeta2: number;
  maxGradNorm: number;
  unclippedEmbeddings?: boolean;
  seed: number;
  evalFiles?: string[];
  evalFraction: number;
  evalEvery?: number;
  evalBatches?: number;
  checkpointEvery?: number;
  keepCheckpoints: number;
  resume?: boolean;
  dtype: 'F32' | 'F16' | 'BF16';
}

/** In what one kind of training differs from another. */
interface Usual {
  /** What a batch is made of. */
  rows: string;
  epochs: string;
  learningRate: number;
  /** How often to evaluate and to write a checkpoint. */
  every: string;
  evalBatches?: number;
  /** What is held out. */
  parts: string;
}

const pretraining: Usual = {
  rows: 'rows',
  epochs: 'passes over the text, in place of --steps',
  learningRate: 5e-4,
  every: 'a tenth',
  evalBatches: 50,
  parts: 'documents',
};

/** Options of the training itself, with defaults for a small model that begins from nothing. */
export function addTrainingOptions(command: Command, usual: Usual = pretraining): Command {
  const share = real({ from: 0, to: 1 });
  const memory = real({ from: 0, to: 0.999999 });
  return command
    .requiredOption('-o, --out <folder>', 'where the model, its log and its checkpoints go')
    .addOption(option('--steps <count>', 'updates of the weights', whole({ from: 1 })))
    .addOption(
      option('--epochs <count>', usual.epochs, real({ from: 0, above: true })).conflicts('steps'),
    )
    .addOption(
      option(
        `--batch-size <${usual.rows}>`,
        `${usual.rows} in a forward pass`,
        whole({ from: 1 }),
        32,
      ),
    )
    .addOption(
      option('--grad-accumulation <count>', 'forward passes a step', whole({ from: 1 }), 1),
    )
    .addOption(
      option('--optimizer <name>', 'what moves the weights', String, 'adamw').choices([
        ...['adamw', 'sgd', 'adagrad'],
      ]),
    )
    .addOption(
      option(
        '--learning-rate <rate>',
        'highest learning rate; give one with sgd and adagrad',
        real({ from: 0, above: true }),
        usual.learningRate,
      ),
    )
    .addOption(
      option(
        '--min-learning-rate <rate>',
        'rate that the schedule ends with',
        real({ from: 0 }),
        0,
      ),
    )
    .addOption(
      option('--schedule <name>', 'how the rate falls after the warm-up', String, 'linear').choices(
        ['linear', 'cosine', 'inverse-sqrt', 'plateau', 'constant'],
      ),
    )
    .addOption(
      option(
        '--patience <count>',
        'with plateau: evaluations without a better loss that it still stays for (default: 0)',
        whole({ from: 0 }),
      ),
    )
    .addOption(
      option(
        '--decay-rate <factor>',
        'with plateau: what it is then multiplied by (default: 0.5)',
        real({ from: 0, to: 0.999999 }),
      ),
    )
    .addOption(
      option(
        '--warmup <steps>',
        'steps to the highest rate; below 1, a share of them',
        real({ from: 0 }),
        0.1,
      ),
    )
    .addOption(
      option(
        '--weight-decay <rate>',
        'decay of matrices (default: 0.01 with adamw, else 0)',
        real({ from: 0 }),
      ),
    )
    .addOption(option('--momentum <share>', 'with sgd: what stays of the last change', memory, 0))
    .addOption(option('--adam-beta1 <share>', 'memory of the mean gradient', memory, 0.9))
    .addOption(option('--adam-beta2 <share>', 'memory of its mean square', memory, 0.999))
    .addOption(
      option(
        '--max-grad-norm <norm>',
        'clip gradients to this norm',
        real({ from: 0, above: true }),
        1,
      ),
    )
    .option('--unclipped-embeddings', 'leave embeddings’ gradients unclipped, and out of the norm')
    .addOption(option('--seed <number>', 'of weights, order and dropout', whole({ from: 0 }), 42))
    .option('--eval-files <files...>', 'measure on these texts')
    .addOption(
      option(
        '--eval-fraction <share>',
        `or hold out this share of the ${usual.parts}`,
        share,
        0,
      ).conflicts('evalFiles'),
    )
    .addOption(
      option(
        '--eval-every <steps>',
        `steps between evaluations (default: ${usual.every})`,
        whole({ from: 1 }),
      ),
    )
    .addOption(
      option(
        '--eval-batches <count>',
        'most batches to measure on',
        whole({ from: 1 }),
        usual.evalBatches,
      ),
    )
    .addOption(
      option(
        '--checkpoint-every <steps>',
        `steps between checkpoints (default: ${usual.every})`,
        whole({ from: 1 }),
      ),
    )
    .addOption(option('--keep-checkpoints <count>', 'how many stay', whole({ from: 1 }), 2))
    .option('--resume', 'go on from the newest checkpoint in --out')
    .addOption(
      option('--dtype <type>', 'what the model is saved as', String, 'F32').choices([
        'F32',
        'F16',
        'BF16',
      ]),
    )
    .hook('preAction', checkOptimizer);
}

/** Options that are one optimizer's own. */
const OWN = [
  { name: 'momentum', flag: '--momentum', optimizer: 'sgd' },
  { name: 'adamBeta1', flag: '--adam-beta1', optimizer: 'adamw' },
  { name: 'adamBeta2', flag: '--adam-beta2', optimizer: 'adamw' },
];

/** @throws CliError `USAGE` for options of another optimizer, or a rate that only AdamW is used to */
function checkOptimizer(command: Command): void {
  const { optimizer: chosen } = command.opts<TrainingOptions>();
  const isGiven = (name: string) => command.getOptionValueSource(name) !== 'default';
  for (const { name, flag, optimizer } of OWN) {
    if (optimizer === chosen || !isGiven(name)) continue;
    throw new CliError('USAGE', `${flag} is for --optimizer ${optimizer}, not ${chosen}.`);
  }
  if (chosen === 'adamw' || isGiven('learningRate')) return;
  throw new CliError('USAGE', `--optimizer ${chosen} has no usual rate: give --learning-rate.`);
}

/**
 * A function from the examples to the number of steps, from `--steps` or `--epochs`.
 *
 * @param perStep how many examples a step takes
 */
export function stepsOf(
  options: TrainingOptions,
  perStep: number = options.batchSize * options.gradAccumulation,
): (data: Pick<Dataset<unknown>, 'length' | 'lengthOf'>) => number {
  const { steps, epochs } = options;
  if (steps !== undefined) return () => steps;
  if (epochs === undefined) throw new CliError('USAGE', 'Give --steps or --epochs.');
  return (data) => {
    const lengthOf = (epoch: number) => data.lengthOf?.(epoch) ?? data.length;
    const whole = Math.floor(epochs);
    const all = Array.from({ length: whole }, (_, epoch) => lengthOf(epoch));
    const examples = all.reduce((a, b) => a + b, (epochs - whole) * lengthOf(whole));
    return Math.max(1, Math.round(examples / perStep));
  };
}
