import type { ContextLosses } from './context-losses.js';
import { TrainingError } from './errors.js';

export interface RelativeContextOptions {
  /** r: the share of the tokens that count, those that are hardest with a short context; default 1. */
  ratio?: number;
  /** The gain from which on more context is worth something; default 0.01. */
  threshold?: number;
}

/** What more context is worth to a model: one step of a RECL. */
export interface ContextGain {
  /** c, tokens of the short context */
  from: number;
  /** c′ = c + Δ, tokens of the long context */
  to: number;
  /** gᵢ(c, c′): the share of the perplexity that more context takes away, from 0 to 1 */
  gain: number;
  /** exp fᵢ(c, c) − exp fᵢ(c, c′): the same as perplexity (the paper's Figure 3) */
  perplexityGain: number;
}

export interface RelativeContextLength {
  /** RECL, in tokens. */
  length: number;
  /** Whether no longer context was measured, so that the RECL may be longer. */
  isLongest: boolean;
  /** Of every context and the next, those past the RECL among them. */
  gains: ContextGain[];
}

/**
 * Relative effective context length: up to which context each model of a group gains by more of it (Dai
 * et al. 2019, §4.3 and appendix C). lᵢ(c, t) is model i's loss of token t that has c tokens before it;
 *
 * - b(c, t) = minᵢ lᵢ(c, t) is what the group's best makes of the short context, the same for all,
 * - T are the `ratio` of the tokens with the largest b(c, t),
 * - fᵢ(c, c′) = mean over T of min(b(c, t), lᵢ(c′, t)): only what beats the group's best counts,
 * - gᵢ(c, c′) = (exp fᵢ(c, c) − exp fᵢ(c, c′)) / exp fᵢ(c, c),
 *
 * and the RECL is the first c, from the shortest up, whose gain by one step more is below `threshold`. It
 * says something within a group alone, and more of a model's losses where many tokens were measured: fᵢ
 * takes the better of two, so that noise counts as a gain.
 *
 * @param group by name, losses of the same tokens at the same context lengths, evenly spaced (Δ)
 * @throws TrainingError `BAD_OPTION` for losses that cannot be compared, or options out of range
 */
export function relativeContextLengths<Name extends string>(
  group: Readonly<Record<Name, ContextLosses>>,
  options: RelativeContextOptions = {},
): Record<Name, RelativeContextLength> {
  const { ratio = 1, threshold = 0.01 } = options;
  if (!(ratio > 0 && ratio <= 1)) {
    throw bad(`ratio is ${ratio}; it is a share of the tokens, above 0 and at most 1.`);
  }
  if (!(threshold >= 0 && threshold < 1)) {
    throw bad(`threshold is ${threshold}; it is a share of the perplexity, from 0 to below 1.`);
  }
  const models = Object.entries<ContextLosses>(group);
  const contexts = expectComparable(models);
  const shorts = contexts.slice(0, -1).map((_, at) => {
    const best = bestOf(models.map(([, losses]) => losses[at]!.losses));
    const hardest = largest(best, Math.max(1, Math.round(ratio * best.length)));
    return { best, hardest };
  });
  const entries = models.map(([name, losses]) => {
    const gains = shorts.map(({ best, hardest }, at) => {
      const short = Math.exp(mean(hardest, (t) => best[t]!)); // exp fᵢ(c, c), as no lᵢ is below b
      const long = losses[at + 1]!.losses;
      const reached = Math.exp(mean(hardest, (t) => Math.min(best[t]!, long[t]!)));
      const perplexityGain = short - reached;
      const [from, to] = [contexts[at]!, contexts[at + 1]!];
      return { from, to, gain: perplexityGain / short, perplexityGain };
    });
    const end = gains.findIndex(({ gain }) => gain < threshold);
    const isLongest = end < 0;
    const length = isLongest ? contexts.at(-1)! : contexts[end]!;
    return [name, { length, isLongest, gains }];
  });
  return Object.fromEntries(entries);
}

/** The context lengths that all have. */
function expectComparable(models: readonly (readonly [string, ContextLosses])[]): number[] {
  const [first] = models;
  if (first === undefined) throw bad('A group has at least one model.');
  const contexts = first[1].map(({ contextLength }) => contextLength);
  const step = contexts[1]! - contexts[0]!;
  const isEven = contexts.every((c, i) => i === 0 || c - contexts[i - 1]! === step);
  if (contexts.length < 2 || !(contexts[0]! > 0 && step > 0 && isEven)) {
    throw bad(
      `The context lengths are ${contexts.join(', ')}; a RECL takes two or more, rising by the same step.`,
    );
  }
  const tokens = first[1][0]!.losses.length;
  if (tokens === 0) throw bad(`${first[0]} has no losses.`);
  for (const [name, losses] of models) {
    const own = losses.map(({ contextLength }) => contextLength);
    if (own.join() !== contexts.join()) {
      throw bad(
        `${name} has context lengths ${own.join(', ')}, ${first[0]} ${contexts.join(', ')}.`,
      );
    }
    for (const { contextLength, losses: all } of losses) {
      const at = `${name} with a context of ${contextLength}`;
      if (all.length !== tokens) {
        throw bad(`${at} has losses of ${all.length} tokens, others of ${tokens}.`);
      }
      const wrong = Array.prototype.findIndex.call(all, (loss: number) => !Number.isFinite(loss));
      if (wrong >= 0) throw bad(`${at} has a loss of ${all[wrong]}, its token ${wrong}.`);
    }
  }
  return contexts;
}

function bestOf(all: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(all[0]!, (_, t) => Math.min(...all.map((losses) => losses[t]!)));
}

/** Where the `count` largest values stand; of equal ones the first. */
function largest(values: Float64Array, count: number): number[] {
  const order = Array.from(values, (_, t) => t);
  order.sort((a, b) => values[b]! - values[a]! || a - b);
  return order.slice(0, count);
}

function mean(places: readonly number[], valueAt: (t: number) => number): number {
  return places.reduce((sum, t) => sum + valueAt(t), 0) / places.length;
}

const bad = (message: string) =>
  new TrainingError('BAD_OPTION', `relativeContextLengths: ${message}`);
