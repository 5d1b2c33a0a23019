import type { JsonObject } from '@multihead/checkpoint';
import { TrainingError } from './errors.js';

/** The learning rate of each step. */
export interface Schedule {
  /** What it was made with: a run is not resumed with another. */
  readonly settings: JsonObject;
  /** `step` counts from 0; the first update uses `learningRate(0)`. */
  learningRate(step: number): number;
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

/** Warm-up, then always the same (`get_constant_schedule_with_warmup` in Hugging Face's library). */
export function constantSchedule(options: ScheduleOptions): Schedule {
  return schedule('constant', options, () => 1);
}

/**
 * Warm-up, then a straight line to 0 (`get_linear_schedule_with_warmup`), or to `minLearningRate`
 * (`get_polynomial_decay_schedule_with_warmup` with power 1).
 */
export function linearSchedule(options: DecayOptions): Schedule {
  const { totalSteps, warmupSteps = 0 } = options;
  const rest = Math.max(1, totalSteps - warmupSteps);
  return schedule('linear', options, (step) => Math.max(0, (totalSteps - step) / rest));
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
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress)));
  });
}

function schedule(
  name: string,
  { warmupSteps = 0, ...options }: ScheduleOptions & Partial<CosineOptions>,
  afterWarmup: (step: number) => number,
): Schedule {
  const { learningRate, minLearningRate = 0 } = options;
  const settings = { name, ...options, warmupSteps };
  for (const [option, value] of Object.entries(settings)) {
    if (option === 'name' || (Number.isFinite(value) && (value as number) >= 0)) continue;
    throw new TrainingError(
      'BAD_OPTION',
      `${name}Schedule: ${option} is ${value}; it must be ≥ 0.`,
    );
  }
  if (minLearningRate > learningRate) {
    throw new TrainingError(
      'BAD_OPTION',
      `${name}Schedule: minLearningRate is ${minLearningRate}; it must be at most learningRate, ${learningRate}.`,
    );
  }
  return {
    settings,
    learningRate: (step) =>
      step < warmupSteps
        ? (learningRate * step) / Math.max(1, warmupSteps)
        : minLearningRate + (learningRate - minLearningRate) * afterWarmup(step),
  };
}
