import type { Random } from '@multihead/nn';
import { GenerationError } from './errors.js';
import { argmax, largest, logSumExp, weights } from './numbers.js';

/**
 * A token drawn by its probability, or without `random` the most probable one.
 *
 * @throws GenerationError `NO_TOKEN_LEFT`
 */
export function choose(scores: Float32Array, random?: Random): number {
  const best = argmax(scores);
  if (scores[best] === Number.NEGATIVE_INFINITY) throw noTokenLeft();
  if (random === undefined) return best;
  const { weights: shares, sum } = weights(scores);
  return draw(shares, sum, random);
}

/** An index, each as often as its weight is of `sum`. */
function draw(shares: Float64Array, sum: number, random: Random): number {
  let rest = random.uniform() * sum;
  let last = 0; // rounding may leave a rest after the last one
  for (let i = 0; i < shares.length; i++) {
    if (shares[i] === 0) continue;
    last = i;
    rest -= shares[i]!;
    if (rest < 0) break;
  }
  return last;
}

/** Different tokens, drawn one after the other by their probabilities; fewer where there are no more. */
export function drawSeveral(scores: Float32Array, count: number, random: Random): number[] {
  const { weights: shares } = weights(scores);
  const drawn: number[] = [];
  while (drawn.length < count) {
    let sum = 0;
    for (const share of shares) sum += share;
    if (sum === 0) break;
    const token = draw(shares, sum, random);
    shares[token] = 0;
    drawn.push(token);
  }
  return drawn;
}

/** A token's log-probability, in nats. */
export function logProbability(logits: Float32Array, token: number): number {
  return logits[token]! - logSumExp(logits);
}

/** The `count` most probable tokens of a row of logits or scores, the most probable first. */
export function topTokens(
  logits: Float32Array,
  count: number,
): { token: number; logProbability: number }[] {
  const shift = logSumExp(logits);
  return largest(logits, count)
    .filter((token) => logits[token]! > Number.NEGATIVE_INFINITY)
    .map((token) => ({ token, logProbability: logits[token]! - shift }));
}

export function noTokenLeft(): GenerationError {
  return new GenerationError(
    'NO_TOKEN_LEFT',
    'The options rule out every token that could come next: see noRepeatNgramSize, badWordsIds, suppressTokens, sequenceBias and logitsProcessors.',
  );
}
