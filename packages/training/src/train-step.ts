import { Random, type TrainableModel, valueAndGradients } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { TrainingError, throwIfAborted } from './errors.js';
import { clippingScale, globalNorm } from './gradient-clipping.js';
import { countLabels, labelRows } from './labels.js';
import { applyGradients, type Optimizer, type OptimizerState } from './optimizer.js';

/** The mean loss of a batch, a scalar, over its labels. Called inside a tidy: free nothing. */
export type LossFunction<Batch> = (batch: Batch, random: Random) => tf.Tensor;

export interface StepOptions<Batch> {
  model: TrainableModel<Batch>;
  loss: LossFunction<Batch>;
  /** Labels count as causal models count them. */
  causal: boolean;
  seed: number;
  step: number;
  signal: AbortSignal | undefined;
}

export interface StepResult {
  /** Mean over all labels of the step; NaN where there are none. */
  loss: number;
  labels: number;
  /** By checkpoint key; none where there are no labels. */
  gradients: Map<string, tf.Tensor>;
}

/**
 * Loss and gradients of one step: as if its batches were one. Each batch's mean loss counts by its
 * share of the step's labels, as Hugging Face's Trainer has it (`num_items_in_batch`); batches that
 * have no labels at all (a loss of one's own may need none) count the same.
 *
 * @throws TrainingError `NON_FINITE_LOSS`, `BAD_BATCH`, `ABORTED`; nothing is left behind
 */
export async function lossAndGradients<Batch>(
  batches: readonly Batch[],
  { model, loss: lossOf, causal, seed, step, signal }: StepOptions<Batch>,
): Promise<StepResult> {
  const counts: number[] = [];
  for (const batch of batches) {
    const rows = await labelRows(batch);
    counts.push(rows === undefined ? 1 : countLabels(rows, causal));
  }
  const labels = counts.reduce((a, b) => a + b, 0);
  const gradients = new Map<string, tf.Tensor>();
  let loss = labels === 0 ? Number.NaN : 0;
  try {
    for (const [micro, batch] of batches.entries()) {
      throwIfAborted(signal, `in step ${step + 1}`);
      if (counts[micro] === 0) continue;
      const share = counts[micro]! / labels;
      const random = new Random(seed, 'dropout', step, micro);
      const part = valueAndGradients(model, () => {
        const mean = lossOf(batch, random);
        return share === 1 ? mean : tf.mul(mean, share);
      });
      for (const [key, gradient] of part.gradients) add(gradients, key, gradient);
      loss += (await part.value.data())[0]!;
      part.value.dispose();
    }
    if (labels > 0 && !Number.isFinite(loss)) {
      throw new TrainingError(
        'NON_FINITE_LOSS',
        `The loss of step ${step + 1} is ${loss}. Lower the learning rate or warm up longer; the weights are those after step ${step}.`,
      );
    }
    return { loss, labels, gradients };
  } catch (error) {
    tf.dispose([...gradients.values()]);
    throw error;
  }
}

function add(sums: Map<string, tf.Tensor>, key: string, gradient: tf.Tensor): void {
  const sum = sums.get(key);
  if (sum === undefined) return void sums.set(key, gradient);
  sums.set(key, tf.add(sum, gradient));
  tf.dispose([sum, gradient]);
}

export interface UpdatePlan {
  model: Pick<TrainableModel<never>, 'parameters'>;
  optimizer: Optimizer;
  maxGradNorm: number;
  clips: (key: string, shape: readonly number[]) => boolean;
}

/**
 * Clips the gradients, frees them and moves the weights. The norm before clipping, of those that are
 * clipped.
 *
 * @throws TrainingError `NON_FINITE_GRADIENT`; the gradients are freed then, too
 */
export async function clipAndUpdate(
  { model, optimizer, maxGradNorm, clips }: UpdatePlan,
  gradients: Map<string, tf.Tensor>,
  state: OptimizerState,
  learningRate: number,
): Promise<number> {
  const of = (clipped: boolean) =>
    new Map([...gradients].filter(([key, { shape }]) => clips(key, shape) === clipped));
  const [clipped, others] = [of(true), of(false)];
  try {
    const norm = await globalNorm(clipped);
    await globalNorm(others); // for the error alone
    const gradientScale = clippingScale(norm, maxGradNorm);
    applyGradients(optimizer, model.parameters, clipped, state, { learningRate, gradientScale });
    applyGradients(optimizer, model.parameters, others, state, { learningRate });
    return norm;
  } catch (error) {
    tf.dispose([...clipped.values(), ...others.values()]);
    throw error;
  }
}

/** The loss the model itself gives for a batch with labels. */
export function modelLoss<Batch>(model: TrainableModel<Batch>): LossFunction<Batch> {
  return (batch, random) => {
    const { loss } = model.forward(batch, { random, outputLogits: false });
    if (loss !== undefined) return loss;
    throw new TrainingError('BAD_BATCH', 'The model gave no loss: has the batch labels?');
  };
}
