import { join } from 'node:path';
import type { TrainableModel } from '@multihead/nn';
import {
  type Collate,
  constantSchedule,
  cosineSchedule,
  type Dataset,
  evaluate,
  inverseSqrtSchedule,
  linearSchedule,
  type Metrics,
  plateauSchedule,
  type Schedule,
  type TrainingProgress,
  type TrainingSummary,
  type TrainOptions,
  train,
} from '@multihead/training';
import { CliError } from './errors.js';
import { interruptible } from './interruption.js';
import { isEmbedding, optimizerOf } from './optimizers.js';
import { formatDuration, Progress } from './progress.js';
import { TrainingLog } from './training-log.js';
import type { TrainingOptions } from './training-options.js';

export interface TrainingTask<Example, Batch> {
  model: Parameters<typeof train<Example, Batch>>[0]['model'] & TrainableModel<Batch>;
  dataset: Dataset<Example>;
  /** Measured on now and then, if there is any. */
  heldOut: Dataset<Example>;
  collate: Collate<Example, Batch>;
  /** Labels are for the token before them. */
  causal?: boolean | undefined;
  steps: number;
  /** Steps between evaluations and between checkpoints, where the options do not say; default a tenth. */
  every?: number | undefined;
  /** In place of loss, perplexity and accuracy over the labels. */
  measure?: ((signal: AbortSignal | undefined) => Promise<Metrics>) | undefined;
  options: TrainingOptions;
  /** Written beside the model in every checkpoint. */
  files: Record<string, string>;
}

/**
 * Trains with all a person wants to see of it: a bar, a log, held-out measurements, checkpoints, and
 * Ctrl-C, after which the run can go on.
 *
 * @throws CliError `INTERRUPTED`; TrainingError, CheckpointError
 */
export function runTraining<Example, Batch>(
  task: TrainingTask<Example, Batch>,
): Promise<TrainingSummary> {
  const { model, dataset, heldOut, collate, options, causal = false } = task;
  const { measure = (signal) => measureLabels(task, signal) } = task;
  const { batchSize, gradAccumulation: gradientAccumulationSteps } = options;
  const data = { model, dataset, collate, causal, batchSize, gradientAccumulationSteps };
  return shownRun({ ...task, measure: heldOut.length > 0 ? measure : undefined }, (run) =>
    train<Example, Batch>({ ...run, ...data }),
  );
}

/** What a run shows is the same for any way to train. */
type ShownRun = Pick<
  TrainingTask<never, never>,
  'steps' | 'every' | 'measure' | 'options' | 'files'
>;

type RunOptions = Omit<
  TrainOptions<never, never>,
  'model' | 'dataset' | 'collate' | 'batchSize' | 'loss'
>;

/** The same where `begin` trains, with what it is given and data of its own. */
export async function shownRun(
  { steps, every = Math.max(1, Math.ceil(steps / 10)), measure, options, files }: ShownRun,
  begin: (run: RunOptions) => Promise<TrainingSummary>,
): Promise<TrainingSummary> {
  const { out, seed, evalEvery = every, checkpointEvery = every } = options;
  const progress = new Progress('training', options);
  const log = new TrainingLog(join(out, 'training-log.jsonl'));
  const note = progressNote();
  const interruption = interruptible('Stopping after this step …');
  const { signal } = interruption;
  let done = 0;

  try {
    return await begin({
      optimizer: optimizerOf(options),
      schedule: scheduleOf(options, steps, measure !== undefined),
      steps,
      maxGradNorm: options.maxGradNorm,
      ...(options.unclippedEmbeddings && { clips: (key) => !isEmbedding(key) }),
      seed,
      ...(measure && {
        evaluation: { every: evalEvery, evaluate: ({ signal }) => measure(signal) },
      }),
      checkpoints: { folder: out, every: checkpointEvery, keep: options.keepCheckpoints, files },
      resume: options.resume ?? false,
      onProgress: (at) => {
        const { step, epoch, loss, learningRate, gradNorm, tokens, tokensPerSecond, seconds } = at;
        done = step;
        const measured = evaluationFields(at.evaluation);
        log.add({
          step,
          epoch,
          loss,
          learningRate,
          gradNorm,
          tokens,
          tokensPerSecond,
          seconds,
          ...measured,
        });
        progress.update({ done: step, total: steps, note: note(at) });
        if (at.evaluation) progress.log(`step ${step}: ${formatEvaluation(at.evaluation)}`);
      },
      signal,
    });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'CHECKPOINTS_EXIST') {
      throw new CliError(
        'ALREADY_EXISTS',
        `${out} has checkpoints of a run. Add --resume to go on from them, or give another --out.`,
        { cause: error },
      );
    }
    if (code !== 'ABORTED') throw error;
    const where =
      done === 0
        ? 'Stopped before a step was done.'
        : `Stopped after step ${done} of ${steps}; ${out} has its checkpoint.`;
    throw new CliError('INTERRUPTED', `${where} Go on with: ${commandToResume()}`, {
      cause: error,
    });
  } finally {
    progress.stop();
    interruption.stop();
  }
}

/** Those that end with a rate of one's choice. */
const FALLING = ['linear', 'cosine', 'plateau'];

function scheduleOf(options: TrainingOptions, steps: number, isMeasured: boolean): Schedule {
  const { learningRate, minLearningRate, warmup, schedule, patience, decayRate: factor } = options;
  const warmupSteps = Math.round(warmup < 1 ? warmup * steps : warmup);
  if (warmupSteps > steps) {
    throw new CliError('USAGE', `--warmup ${warmup} is longer than the run of ${steps} steps.`);
  }
  if (minLearningRate > learningRate || (minLearningRate > 0 && !FALLING.includes(schedule))) {
    throw new CliError(
      'USAGE',
      `--min-learning-rate ${minLearningRate} is where a rate that falls ends: ` +
        `--learning-rate is ${learningRate} and --schedule is ${schedule}.`,
    );
  }
  const name = patience !== undefined ? '--patience' : factor !== undefined ? '--decay-rate' : '';
  if (name !== '' && schedule !== 'plateau') {
    throw new CliError('USAGE', `${name} is for --schedule plateau, not ${schedule}.`);
  }
  if (schedule === 'plateau' && !isMeasured) {
    throw new CliError(
      'USAGE',
      '--schedule plateau goes by held-out texts: give --eval-files or --eval-fraction.',
    );
  }
  const given = { learningRate, warmupSteps };
  const decay = { ...given, minLearningRate, totalSteps: steps };
  switch (schedule) {
    case 'constant':
      return constantSchedule(given);
    case 'inverse-sqrt':
      return inverseSqrtSchedule(given);
    case 'plateau':
      return plateauSchedule({
        ...{ ...given, minLearningRate },
        ...(patience !== undefined && { patience }),
        ...(factor !== undefined && { factor }),
      });
    case 'cosine':
      return cosineSchedule(decay);
    default:
      return linearSchedule(decay);
  }
}

function measureLabels<Example, Batch>(
  { model, heldOut, collate, options, causal = false }: TrainingTask<Example, Batch>,
  signal: AbortSignal | undefined,
) {
  const { batchSize, evalBatches: batches, seed } = options;
  return evaluate({ model, dataset: heldOut, collate, batchSize, batches, seed, causal, signal });
}

/** `{ loss }` → `{ evalLoss }`, as the log has it. */
function evaluationFields(evaluation: TrainingProgress['evaluation'] = {}): Record<string, number> {
  return Object.fromEntries(
    Object.entries(evaluation).map(([name, value]) => [
      `eval${name[0]!.toUpperCase()}${name.slice(1)}`,
      value as number,
    ]),
  );
}

/** `held-out loss 3.210, perplexity 24.8, accuracy 41.2 %` */
export function formatEvaluation(evaluation: Metrics): string {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  const known: [name: string, title: string, format: (value: number) => string][] = [
    ['loss', 'held-out loss', (value) => value.toFixed(3)],
    ['perplexity', 'perplexity', (value) => value.toFixed(1)],
    ['bitsPerCharacter', 'bits per character', (value) => value.toFixed(3)],
    ['accuracy', 'accuracy', share],
    ['f1', 'F1', share],
    ['pearson', 'Pearson', (value) => value.toFixed(3)],
    ['spearman', 'Spearman', (value) => value.toFixed(3)],
  ];
  return known
    .filter(([name]) => evaluation[name] !== undefined)
    .map(([name, title, format]) => `${title} ${format(evaluation[name]!)}`)
    .join(', ');
}

/** Words beside the bar: the loss as a running mean, speed and the time left. */
function progressNote(): (progress: TrainingProgress) => string {
  let meanLoss: number | undefined;
  let first: { step: number; at: number } | undefined;
  let tokens = 0;
  return ({ step, steps, loss, learningRate, tokens: stepTokens }) => {
    if (Number.isFinite(loss))
      meanLoss = meanLoss === undefined ? loss : 0.95 * meanLoss + 0.05 * loss;
    const now = performance.now() / 1000;
    if (first === undefined) first = { step, at: now };
    else tokens += stepTokens;
    const elapsed = now - first.at;
    const left = (elapsed / (step - first.step)) * (steps - step);
    const parts = [
      `step ${step}/${steps}`,
      `loss ${meanLoss?.toFixed(3) ?? '–'}`,
      `lr ${learningRate.toExponential(2)}`,
      `${elapsed > 0 ? Math.round(tokens / elapsed).toLocaleString('en') : '–'} tokens/s`,
      `ETA ${formatDuration(left)}`,
    ];
    return parts.join('  ');
  };
}

/** The command that was typed, with `--resume`. */
function commandToResume(): string {
  const quoted = process.argv
    .slice(2)
    .filter((word) => word !== '--resume')
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return `multihead ${quoted.join(' ')} --resume`;
}
