import type { Model, TrainableModel } from '@multihead/nn';
import type { SavableModel, TrainingSummary } from '@multihead/training';
import { print } from './output.js';
import { formatDuration } from './progress.js';
import type { TrainingData } from './training-data.js';
import type { TrainingOptions } from './training-options.js';
import { formatEvaluation, runTraining, type TrainingTask } from './training-run.js';

/** A model to train, which `pretrain` frees. */
export interface Pretraining<Batch>
  extends Pick<TrainingTask<Int32Array, Batch>, 'collate' | 'files' | 'causal'> {
  model: TrainableModel<Batch> & SavableModel;
  /** As it is called in the line that says it is done. */
  name: string;
  data: TrainingData;
  /** How many steps these rows take. */
  stepsFor: (rows: { length: number }) => number;
  options: TrainingOptions & { maxLength: number };
}

/** How many weights a model has. */
export function countParameters({ parameters }: Pick<Model, 'parameters'>): number {
  const sizes = Array.from(parameters.values(), ({ shape }) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((a, b) => a + b, 0);
}

/** Trains the model, saves it, and says what came of it. */
export async function pretrain<Batch>(task: Pretraining<Batch>): Promise<void> {
  const { model, name, data, stepsFor, options, files } = task;
  const { out, maxLength, dtype, quiet } = options;
  try {
    const parameters = countParameters(model);
    const steps = stepsFor(data.train);
    if (!quiet) {
      const count = (value: number) => value.toLocaleString('en');
      process.stderr.write(
        `${count(parameters)} parameters, ${count(data.tokens)} tokens in ${count(data.train.length)} rows ` +
          `of ${maxLength}, ${count(data.heldOut.length)} rows held out, ${count(steps)} steps\n`,
      );
    }
    const { train: dataset, heldOut } = data;
    const summary = await runTraining<Int32Array, Batch>({ ...task, dataset, heldOut, steps });
    await model.save(out, { dtype, files });
    printTrained(options, { name, parameters, steps }, summary);
  } finally {
    model.dispose();
  }
}

/** Says what came of a run, as people or with `--json` programs read it. */
export function printTrained(
  { out, json }: Pick<TrainingOptions, 'out' | 'json'>,
  { name, parameters, steps }: { name: string; parameters: number; steps: number },
  { epoch, seconds, resumedFrom, evaluation }: TrainingSummary,
): void {
  if (json) {
    print(JSON.stringify({ out, parameters, steps, epoch, seconds, resumedFrom, evaluation }));
    return;
  }
  const measured = evaluation === undefined ? '' : `, ${formatEvaluation(evaluation)}`;
  print(
    `${out}: a ${name} of ${parameters.toLocaleString('en')} parameters after ${steps} steps ` +
      `(${epoch.toFixed(2)} epochs, ${formatDuration(seconds)})${measured}`,
  );
}
