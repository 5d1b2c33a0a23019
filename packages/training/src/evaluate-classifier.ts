import { type TrainableModel, yieldToEventLoop } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { type Collate, collateAt, type Dataset } from './batches.js';
import type { ClassificationBatch } from './classification-collator.js';
import { accuracy, macroF1, pearson, spearman } from './classification-metrics.js';
import { expectWhole, TrainingError, throwIfAborted } from './errors.js';

export interface EvaluateClassifierOptions<Example> {
  /** Its `forward` gives `logits` [batch, numLabels]; one logit means regression. */
  model: TrainableModel<ClassificationBatch>;
  dataset: Dataset<Example>;
  /** Each label one number. */
  collate: Collate<Example, ClassificationBatch>;
  batchSize: number;
  /** At most so many batches, from the start of the dataset; default all. */
  batches?: number | undefined;
  onProgress?: (progress: { batch: number; batches: number }) => void;
  signal?: AbortSignal | undefined;
}

export type ClassifierEvaluation = {
  /** Mean over the examples: cross-entropy in nats, or for regression the squared error. */
  loss: number;
  /** Classification: the share of the examples whose class has the highest logit. */
  accuracy?: number;
  /** Classification: the mean of the classes' F1. */
  f1?: number;
  /** Regression: correlation of predictions and labels; absent where either are all alike. */
  pearson?: number;
  /** Regression: the same of their ranks. */
  spearman?: number;
  /** How many that was. */
  examples: number;
};

/**
 * How well a model that says something about whole texts does, without dropout.
 *
 * @throws TrainingError `BAD_BATCH` for an empty dataset, or labels that are not one number a text;
 *   `ABORTED`, `BAD_OPTION`
 */
export async function evaluateClassifier<Example>(
  options: EvaluateClassifierOptions<Example>,
): Promise<ClassifierEvaluation> {
  const { model, dataset, collate, batchSize, onProgress, signal } = options;
  expectWhole('evaluateClassifier: batchSize', batchSize, 1);
  const all = Math.ceil(dataset.length / batchSize);
  const batches = Math.min(options.batches ?? all, all);
  if (batches === 0) throw new TrainingError('BAD_BATCH', 'There is no example to evaluate on.');
  const found = { predictions: [] as number[], labels: [] as number[], loss: 0, isNumber: false };
  for (let k = 0; k < batches; k++) {
    throwIfAborted(signal, `in batch ${k} of the evaluation`);
    const start = k * batchSize;
    const length = Math.min(batchSize, dataset.length - start);
    const places = Array.from({ length }, (_, i) => ({ epoch: 0, index: start + i }));
    await addBatch(model, await collateAt(dataset, collate, 0, places), found);
    onProgress?.({ batch: k + 1, batches });
    await yieldToEventLoop();
  }
  const { predictions, labels, isNumber } = found;
  const examples = labels.length;
  const loss = found.loss / examples;
  if (!isNumber) {
    return {
      loss,
      accuracy: accuracy(predictions, labels),
      f1: macroF1(predictions, labels),
      examples,
    };
  }
  const correlations = {
    pearson: pearson(predictions, labels),
    spearman: spearman(predictions, labels),
  };
  const known = Object.entries(correlations).filter(([, value]) => value !== undefined);
  return { loss, ...Object.fromEntries(known), examples };
}

async function addBatch(
  model: TrainableModel<ClassificationBatch>,
  batch: ClassificationBatch,
  found: { predictions: number[]; labels: number[]; loss: number; isNumber: boolean },
): Promise<void> {
  if (!batch.labels.every((label) => typeof label === 'number')) {
    throw new TrainingError('BAD_BATCH', 'evaluateClassifier takes one label a text.');
  }
  const outputs = model.forward(batch);
  try {
    const { loss, logits } = outputs as { loss?: tf.Tensor; logits?: tf.Tensor };
    if (loss === undefined || logits === undefined) {
      throw new TrainingError('BAD_BATCH', 'The model gave no loss or no logits for a batch.');
    }
    found.loss += (await loss.data())[0]! * batch.labels.length;
    found.labels.push(...batch.labels);
    found.isNumber = logits.shape.at(-1) === 1;
    const answers = found.isNumber ? tf.clone(logits) : tf.argMax(logits, -1);
    found.predictions.push(...(await answers.data()));
    answers.dispose();
  } finally {
    outputs.dispose();
  }
}
