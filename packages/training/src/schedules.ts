import type { JsonObject } from '@multihead/checkpoint';
import { TrainingError } from './errors.js';

/** The learning rate of each step. */
export interface Schedule {
  /** What it was made with: a run is not resumed with another. */
  readonly settings: JsonObject;
  /** Whether it goes by what evaluations measure: a run without them is refused. */
  readonly needsEvaluation?: boolean;
  /**
   * `step` counts from 0; the first update uses `learningRate(0)`.
   *
   * @param losses what each evaluation so far has measured, in their order
   */
  learningRate(step: number, losses?: readonly number[]): number;
}

export interface ScheduleOptions {
  /** The highest learning rate, reached at the end of the warm-up. */
  learningRate: number;
  /** Steps over which the rate climbs from 0; default 0. */
  warmupSteps?: number;
}

export interface DecayOptions extends ScheduleOptions {
  /** The step at which the rate is at its lowest: the length of the run. */
  totalSteps: number;
  /** The rate at the end, at most `learningRate`; default 0. */
  minLearningRate?: number;
}

export interface CosineOptions extends DecayOptions {
  /** Waves between the warm-up and the end; default 0.5, from the highest rate to the lowest. */
  cycles?: number;
}

export interface InverseSqrtOptions extends ScheduleOptions {
  /** How soon the rate falls: to half in three times so many steps. Default `warmupSteps`, or 10,000 without. */
  timescale?: number;
}

export interface PlateauOptions extends ScheduleOptions {
  /** What the rate is multiplied by; default 0.5. */
  factor?: number;
  /** After how many evaluations in a row without a better loss it still stays; default 0. */
  patience?: number;
  /** A loss is better that is lower by more than this share; default 1e-4. */
  threshold?: number;
  /** The rate does not fall below; default 0. */
  minLearningRate?: number;
}

/** Warm-up, then always the same (`get_constant_schedule_with_warmup` in Hugging Face's library). */
export function constantSchedule(options: ScheduleOptions): Schedule {
  return schedule('constant', options, () => options.learningRate);
}

/**
 * Warm-up, then a straight line to 0 (`get_linear_schedule_with_warmup`), or to `minLearningRate`
 * (`get_polynomial_decay_schedule_with_warmup` with power 1).
 */
export function linearSchedule(options: DecayOptions): Schedule {
  const { totalSteps, warmupSteps = 0 } = options;
  const rest = Math.max(1, totalSteps - warmupSteps);
  return schedule('linear', options, (step) =>
    between(options, Math.max(0, (totalSteps - step) / rest)),
  );
}

/**
 * Warm-up, then a cosine to 0 (`get_cosine_schedule_with_warmup`; Loshchilov & Hutter 2017, eq. 5), or
 * to `minLearningRate` (`get_cosine_with_min_lr_schedule_with_warmup`).
 */
export function cosineSchedule(options: CosineOptions): Schedule {
  const { totalSteps, warmupSteps = 0, cycles = 0.5 } = options;
  const rest = Math.max(1, totalSteps - warmupSteps);
  return schedule('cosine', { ...options, cycles }, (step) => {
    const progress = (step - warmupSteps) / rest;
    const share = 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress));
    return between(options, Math.max(0, share));
  });
}

/**
 * Warm-up, then one over the square root of the steps (Vaswani et al. 2017, §5.3, whose factor
 * d_model^−½ is here `learningRate` · √warmupSteps): Hugging Face's `get_inverse_sqrt_schedule`, and what
 * Transformer-XL's code calls `inv_sqrt`.
 */
export function inverseSqrtSchedule(options: InverseSqrtOptions): Schedule {
  const { learningRate, warmupSteps = 0 } = options;
  const { timescale = warmupSteps || 10_000 } = options;
  if (timescale === 0) throw bad('inverseSqrtSchedule: timescale is 0; it must be above 0.');
  return schedule(
    'inverseSqrt',
    { ...options, timescale },
    (step) => learningRate / Math.sqrt((step - warmupSteps + timescale) / timescale),
  );
}

/** Changes of the rate below this are not made, as in PyTorch. */
const SMALLEST_CHANGE = 1e-8;

/**
 * Warm-up, then always the same until evaluations stop finding a better loss, when it falls by `factor`:
 * PyTorch's `ReduceLROnPlateau`, and what Transformer-XL's code calls `dev_perf`. It remembers nothing
 * itself: the evaluations of a run, which its checkpoints have in their log, say how far it has fallen.
 */
export function plateauSchedule(options: PlateauOptions): Schedule {
  const { learningRate, minLearningRate = 0 } = options;
  const { factor = 0.5, patience = 0, threshold = 1e-4 } = options;
  if (factor >= 1) throw bad(`plateauSchedule: factor is ${factor}; it must be below 1.`);
  if (!Number.isInteger(patience)) {
    throw bad(`plateauSchedule: patience is ${patience}; it counts evaluations.`);
  }
  const fallen = (losses: readonly number[]): number => {
    let rate = learningRate;
    let best = Number.POSITIVE_INFINITY;
    let worse = 0;
    for (const loss of losses) {
      worse = loss < best * (1 - threshold) ? 0 : worse + 1;
      if (worse === 0) best = loss;
      if (worse <= patience) continue;
      worse = 0;
      const next = Math.max(rate * factor, minLearningRate);
      if (rate - next > SMALLEST_CHANGE) rate = next;
    }
    return rate;
  };
  const given = { ...options, factor, patience, threshold };
  const made = schedule('plateau', given, (_step, losses) => fallen(losses));
  return { ...made, needsEvaluation: true };
}

/** From the lowest rate (0) to the highest (1). */
const between = ({ learningRate, minLearningRate = 0 }: DecayOptions, share: number): number =>
  minLearningRate + (learningRate - minLearningRate) * share;

function schedule(
  name: string,
  {
    warmupSteps = 0,
    ...options
  }: ScheduleOptions & Partial<CosineOptions & InverseSqrtOptions & PlateauOptions>,
  afterWarmup: (step: number, losses: readonly number[]) => number,
): Schedule {
  const { learningRate, minLearningRate = 0 } = options;
  const settings = { name, ...options, warmupSteps };
  for (const [option, value] of Object.entries(settings)) {
    if (option === 'name' || (Number.isFinite(value) && (value as number) >= 0)) continue;
    throw bad(`${name}Schedule: ${option} is ${value}; it must be ≥ 0.`);
  }
  if (minLearningRate > learningRate) {
    throw bad(
      `${name}Schedule: minLearningRate is ${minLearningRate}; it must be at most learningRate, ${learningRate}.`,
    );
  }
  return {
    settings,
    learningRate: (step, losses = []) =>
      step < warmupSteps
        ? (learningRate * step) / Math.max(1, warmupSteps)
        : afterWarmup(step, losses),
  };
}

const bad = (message: string): TrainingError => new TrainingError('BAD_OPTION', message);
