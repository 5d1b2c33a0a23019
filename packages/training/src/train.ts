import type { JsonObject } from '@multihead/checkpoint';
import { type TrainableModel, yieldToEventLoop } from '@multihead/nn';
import { adamW } from './adamw.js';
import { type Collate, collateAt, DataOrder, type Dataset } from './batches.js';
import { expectWhole, isAbort, TrainingError, throwIfAborted } from './errors.js';
import { fingerprintData, fingerprintModel } from './fingerprint.js';
import { countTokens, disposeBatch } from './labels.js';
import { disposeState, type Optimizer } from './optimizer.js';
import { type CheckpointOptions, RunCheckpoints } from './run-checkpoints.js';
import {
  evaluatedLosses,
  isEvaluated,
  type LogEntry,
  lastEvaluation,
  logEvaluation,
  logStep,
  type Metrics,
} from './run-log.js';
import type { Schedule } from './schedules.js';
import { clipAndUpdate, type LossFunction, lossAndGradients, modelLoss } from './train-step.js';
import type { RunState, SavableModel } from './training-checkpoint.js';

export interface TrainOptions<Example, Batch> {
  /** Writing checkpoints asks for a model with `save`, as every `PretrainedModel` has it. */
  model: TrainableModel<Batch> & Partial<Pick<SavableModel, 'save'>>;
  dataset: Dataset<Example>;
  collate: Collate<Example, Batch>;
  /** Default `adamW()`. */
  optimizer?: Optimizer;
  schedule: Schedule;
  /** Updates in all, those before a resume included. */
  steps: number;
  /** Examples in one forward pass. */
  batchSize: number;
  /** Forward passes a step: it learns from `batchSize · gradientAccumulationSteps` examples. Default 1. */
  gradientAccumulationSteps?: number;
  /** Gradients are scaled down to this global norm; default 1, `Infinity` for no clipping. */
  maxGradNorm?: number;
  /** Which gradients that norm is of, and scales down; default all. */
  clips?: (key: string, shape: readonly number[]) => boolean;
  /** Of the data's order, the collator's randomness and dropout. Default 0. */
  seed?: number;
  /** Draw a new order of the data for each epoch; default true. */
  shuffle?: boolean;
  /** In place of the model's own loss. */
  loss?: LossFunction<Batch>;
  /** Labels are for the token before them, as in causal models; only their number matters here. */
  causal?: boolean;
  /** Steps between entries of the log; default 10. */
  logEvery?: number;
  /** Measures the model every so many steps and at the end; see `evaluate`. */
  evaluation?: {
    every: number;
    evaluate: (at: { step: number; signal: AbortSignal | undefined }) => Promise<Metrics>;
  };
  checkpoints?: CheckpointOptions;
  /**
   * Go on from the newest whole checkpoint of `checkpoints.folder`, or begin where there is none. The
   * run then ends with the same weights, to the bit, as one that was never stopped. Default false.
   */
  resume?: boolean;
  /** Called after every step. */
  onProgress?: (progress: TrainingProgress) => void;
  signal?: AbortSignal | undefined;
}

export interface TrainingProgress {
  /** Updates done, of `steps`. */
  step: number;
  steps: number;
  /** Passes over the data so far. */
  epoch: number;
  /** Mean over the step's labels, before its update; NaN where the step had no label. */
  loss: number;
  /** What the step's update used. */
  learningRate: number;
  /** Before clipping, of the gradients that are clipped. */
  gradNorm: number;
  /** Tokens that the step saw, padding left out. */
  tokens: number;
  tokensPerSecond: number;
  /** Of training so far, over all sittings. */
  seconds: number;
  /** If the step was one to evaluate after. */
  evaluation?: Metrics;
  /** If a checkpoint was written after the step. */
  checkpoint?: string;
}

export interface TrainingSummary {
  steps: number;
  epoch: number;
  seconds: number;
  log: LogEntry[];
  /** The step it was resumed from; 0 for a fresh start. */
  resumedFrom: number;
  /** The last evaluation. */
  evaluation?: Metrics;
  /** The last checkpoint. */
  checkpoint?: string;
}

/**
 * Trains a model. Data order, masks and dropout are functions of the seed and the step alone, and
 * batches of one step count by their labels, so a run is the same however it is cut: into sittings by
 * checkpoints, or a step into forward passes (up to rounding). Lets the event loop turn between steps.
 *
 * @throws TrainingError `ABORTED` (after writing a checkpoint, if there are checkpoints),
 *   `NON_FINITE_LOSS`, `NON_FINITE_GRADIENT`, `RESUME_MISMATCH`, `CHECKPOINTS_EXIST`,
 *   `BAD_CHECKPOINT`, `BAD_BATCH`, `BAD_OPTION`; CheckpointError such as `DISK_FULL`. The last checkpoint
 *   stays whole.
 */
export async function train<Example, Batch>(
  options: TrainOptions<Example, Batch>,
): Promise<TrainingSummary> {
  const plan = { ...defaults, ...options };
  const { model, steps, evaluation, checkpoints, resume, signal, onProgress } = plan;
  expectSense(plan);
  throwIfAborted(signal, 'before training began');
  const order = new DataOrder(plan.dataset, plan.seed, plan.shuffle);
  const keeper =
    checkpoints && new RunCheckpoints(model, checkpoints, await settingsOf(plan), steps);
  const state = (await keeper?.begin(resume)) ?? freshState();
  const resumedFrom = state.step;
  try {
    for (let report: StepReport | undefined; ; ) {
      // First what is due after the step just done, or after the one a checkpoint was written at.
      const { step } = state;
      const isDue = (every: number) => step > 0 && (step % every === 0 || step === steps);
      const measured: { evaluation?: Metrics; checkpoint?: string } = {};
      if (evaluation && isDue(evaluation.every) && !isEvaluated(state.log, step)) {
        measured.evaluation = await timed(state, () => evaluation.evaluate({ step, signal }));
        throwIfAborted(signal, `in the evaluation after step ${step}`);
        if (plan.schedule.needsEvaluation) expectLoss(measured.evaluation, step);
        logEvaluation(state, measured.evaluation);
      }
      if (keeper && isDue(keeper.every) && keeper.savedStep !== step) {
        measured.checkpoint = await keeper.save(state);
      }
      if (report) onProgress?.({ ...report, ...measured, steps, seconds: state.seconds });
      if (step >= steps) break;
      await yieldToEventLoop();
      throwIfAborted(signal, `after step ${step}`);
      report = await timed(state, () => takeStep(plan, order, state));
    }
    const { epoch, seconds, log } = state;
    const last = lastEvaluation(log);
    return {
      ...{ steps, epoch, seconds, log, resumedFrom },
      ...(last && { evaluation: last }),
      ...keeper?.newest,
    };
  } catch (error) {
    if (!isAbort(error, signal)) throw error;
    const kept = keeper && (await keeper.saveAborted(state));
    const where = kept === undefined ? '' : `; ${kept} has it, and resume: true goes on from there`;
    const message = `Training was aborted after step ${state.step} of ${steps}${where}.`;
    throw new TrainingError('ABORTED', message, { cause: signal?.reason });
  } finally {
    disposeState(state.optimizer);
  }
}

const defaults = {
  optimizer: adamW(),
  gradientAccumulationSteps: 1,
  maxGradNorm: 1,
  clips: (_key: string, _shape: readonly number[]) => true,
  seed: 0,
  shuffle: true,
  causal: false,
  logEvery: 10,
  resume: false,
};

type Plan<Example, Batch> = typeof defaults & TrainOptions<Example, Batch>;

function expectSense<Example, Batch>(plan: Plan<Example, Batch>): void {
  const { model, steps, batchSize, gradientAccumulationSteps, logEvery, maxGradNorm } = plan;
  expectWhole('steps', steps, 1);
  expectWhole('batchSize', batchSize, 1);
  expectWhole('gradientAccumulationSteps', gradientAccumulationSteps, 1);
  expectWhole('logEvery', logEvery, 1);
  if (plan.evaluation) expectWhole('evaluation.every', plan.evaluation.every, 1);
  const wrong = !(maxGradNorm > 0)
    ? `maxGradNorm is ${maxGradNorm}; it must be above 0.`
    : plan.resume && !plan.checkpoints
      ? 'resume needs checkpoints.folder, to resume from.'
      : plan.schedule.needsEvaluation && !plan.evaluation
        ? 'The schedule goes by what evaluations measure: give evaluation.'
        : ![...model.parameters.values()].some(({ trainable }) => trainable)
          ? 'No parameter of the model is trainable.'
          : undefined;
  if (wrong !== undefined) throw new TrainingError('BAD_OPTION', wrong);
}

/** A loss to go by, which a resumed run will find in the log. */
function expectLoss({ loss }: Metrics, step: number): void {
  if (loss !== undefined && Number.isFinite(loss)) return;
  throw new TrainingError(
    loss === undefined ? 'BAD_OPTION' : 'NON_FINITE_LOSS',
    `The schedule goes by the loss of evaluations, and that after step ${step} gave ${loss}.`,
  );
}

/** What two sittings of one run must have in common. */
async function settingsOf<Example, Batch>(plan: Plan<Example, Batch>): Promise<JsonObject> {
  const { seed, shuffle, batchSize, gradientAccumulationSteps, maxGradNorm, causal } = plan;
  const parameters = [...plan.model.parameters];
  const unclipped = parameters.flatMap(([key, { shape }]) => (plan.clips(key, shape) ? [] : key));
  return {
    seed,
    shuffle,
    batchSize,
    gradientAccumulationSteps,
    maxGradNorm: Number.isFinite(maxGradNorm) ? maxGradNorm : null,
    ...(unclipped.length > 0 && { unclipped }),
    causal,
    optimizer: plan.optimizer.settings,
    schedule: plan.schedule.settings,
    model: await fingerprintModel(plan.model),
    examples: plan.dataset.length,
    data: await fingerprintData(plan.dataset, plan.collate),
  };
}

type StepReport = Omit<TrainingProgress, 'steps' | 'seconds'>;

async function takeStep<Example, Batch>(
  plan: Plan<Example, Batch>,
  order: DataOrder,
  state: RunState,
): Promise<StepReport> {
  const { model, batchSize, gradientAccumulationSteps: passes, seed, causal, signal } = plan;
  const { step } = state;
  const started = performance.now();
  const learningRate = plan.schedule.learningRate(step, evaluatedLosses(state.log));
  const batches: Batch[] = [];
  let tokens = 0;
  try {
    for (let k = step * passes; k < (step + 1) * passes; k++) {
      const places = order.places(k * batchSize, (k + 1) * batchSize);
      const batch = await collateAt(plan.dataset, plan.collate, seed, places);
      batches.push(batch);
      tokens += await countTokens(batch);
    }
    const loss = plan.loss ?? modelLoss(model);
    const result = await lossAndGradients(batches, { model, loss, causal, seed, step, signal });
    const gradNorm = await clipAndUpdate(plan, result.gradients, state.optimizer, learningRate);
    state.step = step + 1;
    state.epoch = order.epochsUpTo(state.step * passes * batchSize);
    logStep(state, { loss: result.loss, learningRate, gradNorm }, plan);
    const tokensPerSecond = (1000 * tokens) / (performance.now() - started);
    const { epoch } = state;
    return {
      step: state.step,
      epoch,
      loss: result.loss,
      learningRate,
      gradNorm,
      tokens,
      tokensPerSecond,
    };
  } finally {
    batches.forEach(disposeBatch);
  }
}

const freshState = (): RunState => ({
  step: 0,
  epoch: 0,
  optimizer: new Map(),
  log: [],
  pending: { sum: 0, count: 0 },
  seconds: 0,
});

async function timed<T>(state: RunState, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  state.seconds += (performance.now() - started) / 1000;
  return result;
}
