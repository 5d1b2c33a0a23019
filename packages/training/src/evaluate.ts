import { type TrainableModel, yieldToEventLoop } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { type Collate, collateAt, type Dataset } from './batches.js';
import { expectWhole, TrainingError, throwIfAborted } from './errors.js';
import { countHits, countLabels, disposeBatch, labelRows } from './labels.js';

export interface EvaluateOptions<Example, Batch> {
  model: TrainableModel<Batch>;
  dataset: Dataset<Example>;
  collate: Collate<Example, Batch>;
  batchSize: number;
  /** At most so many batches, from the start of the dataset; default all. */
  batches?: number | undefined;
  /** Seed of what the collator draws: the same one asks the same questions each time. Default 0. */
  seed?: number;
  /** Also compute `accuracy`, which needs the logits at every place. Default true. */
  accuracy?: boolean;
  /** The logits at a place are for the next token's label, as causal models have it. Default false. */
  causal?: boolean;
  onProgress?: (progress: { batch: number; batches: number }) => void;
  signal?: AbortSignal | undefined;
}

export type Evaluation = {
  /** Mean over all labels, in nats. */
  loss: number;
  /** exp(loss) */
  perplexity: number;
  /** Share of the labels that have the highest logit; absent without logits. */
  accuracy?: number;
  /** How many labels that was. */
  labels: number;
};

/**
 * Loss, perplexity and accuracy over a dataset, without dropout. Each batch counts by its labels, so
 * the result does not depend on the batch size.
 *
 * @throws TrainingError `BAD_BATCH` where nothing has a label; `ABORTED`, `BAD_OPTION`
 */
export async function evaluate<Example, Batch>(
  options: EvaluateOptions<Example, Batch>,
): Promise<Evaluation> {
  const { dataset, collate, batchSize, seed = 0, onProgress, signal } = options;
  expectWhole('evaluate: batchSize', batchSize, 1);
  const all = Math.ceil(dataset.length / batchSize);
  const batches = Math.min(options.batches ?? all, all);
  const total = { loss: 0, labels: 0, hits: 0, asked: 0 };
  for (let k = 0; k < batches; k++) {
    throwIfAborted(signal, `in batch ${k} of the evaluation`);
    const end = Math.min((k + 1) * batchSize, dataset.length);
    const places = Array.from({ length: end - k * batchSize }, (_, i) => ({
      epoch: 0,
      index: k * batchSize + i,
    }));
    const batch = await collateAt(dataset, collate, seed, places);
    try {
      await addBatch(batch, options, total);
    } finally {
      disposeBatch(batch);
    }
    onProgress?.({ batch: k + 1, batches });
    await yieldToEventLoop();
  }
  if (total.labels === 0) {
    throw new TrainingError(
      'BAD_BATCH',
      'The evaluation has no labels: the dataset is empty, or nothing is masked.',
    );
  }
  const loss = total.loss / total.labels;
  const accuracy = total.asked > 0 ? { accuracy: total.hits / total.asked } : {};
  return { loss, perplexity: Math.exp(loss), ...accuracy, labels: total.labels };
}

async function addBatch<Example, Batch>(
  batch: Batch,
  { model, accuracy = true, causal = false }: EvaluateOptions<Example, Batch>,
  total: { loss: number; labels: number; hits: number; asked: number },
): Promise<void> {
  const rows = await labelRows(batch);
  if (rows === undefined)
    throw new TrainingError('BAD_BATCH', 'The evaluation has a batch without labels.');
  const labels = countLabels(rows, causal);
  if (labels === 0) return;
  const outputs = model.forward(batch, { outputLogits: accuracy });
  try {
    const { loss, logits } = outputs as { loss?: tf.Tensor; logits?: tf.Tensor };
    if (loss === undefined)
      throw new TrainingError('BAD_BATCH', 'The model gave no loss for a batch.');
    total.loss += (await loss.data())[0]! * labels;
    total.labels += labels;
    if (!accuracy || logits === undefined) return;
    const predicted = tf.argMax(logits, -1);
    try {
      total.hits += countHits(rows, await predicted.data(), causal);
      total.asked += labels;
    } finally {
      predicted.dispose();
    }
  } finally {
    outputs.dispose();
  }
}
