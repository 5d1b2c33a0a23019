import type { LogitsProcessor } from './logits-processors.js';
import { crossing, exp, largest, logSumExp, nthLargest, probabilities } from './numbers.js';

/**
 * What shapes a distribution before a token is drawn from it. Each keeps `atLeast` tokens, the most
 * probable ones, whatever its bound says. Costs are a few passes over the vocabulary; nothing is sorted.
 */

const NEVER = Number.NEGATIVE_INFINITY;

/** Scores divided by it: below 1 the probable gets more so, above 1 less. */
export function temperature(value: number): LogitsProcessor {
  const divisor = Math.fround(value);
  return (scores) => {
    for (let i = 0; i < scores.length; i++) scores[i]! /= divisor;
  };
}

/** Keeps the k most probable tokens, and those as probable as the last of them (Fan et al. 2018, §5.4). */
export function topK(k: number, atLeast = 1): LogitsProcessor {
  return (scores) => {
    const least = nthLargest(scores, Math.max(k, atLeast));
    for (let i = 0; i < scores.length; i++) if (scores[i]! < least) scores[i] = NEVER;
  };
}

/** Keeps the most probable tokens that together have the probability p (Holtzman et al. 2020, §3.1). */
export function topP(p: number, atLeast = 1): LogitsProcessor {
  return (scores) => {
    const shares = probabilities(scores);
    const { key, before } = crossing(scores, (i) => shares[i]!, 1 - p, true);
    const kept = nthLargest(scores, atLeast);
    // Of equally probable tokens at the bound the last ones stay, as many as it takes.
    let sum = before;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (score === key) sum += shares[i]!;
      const isBeyond = score < key || (score === key && sum <= 1 - p);
      if (isBeyond && score < kept) scores[i] = NEVER;
    }
  };
}

/** Keeps tokens at least p times as probable as the most probable one (Nguyen et al. 2024, §3). */
export function minP(p: number, atLeast = 1): LogitsProcessor {
  return (scores) => {
    const shares = probabilities(scores);
    let most = 0;
    for (const share of shares) most = Math.max(most, share);
    dropBelow(scores, shares, p * most, atLeast);
  };
}

/** Keeps tokens of at least this probability (Hewitt et al. 2022, §4.2). */
export function epsilonCutoff(epsilon: number, atLeast = 1): LogitsProcessor {
  return (scores) => dropBelow(scores, probabilities(scores), epsilon, atLeast);
}

/** Keeps tokens of at least min(ε, √ε·e^−entropy) (Hewitt et al. 2022, §4.3). */
export function etaCutoff(epsilon: number, atLeast = 1): LogitsProcessor {
  return (scores) => {
    const shares = probabilities(scores);
    const bound = Math.min(epsilon, Math.sqrt(epsilon) * exp(-entropy(scores, shares)));
    dropBelow(scores, shares, bound, atLeast);
  };
}

function dropBelow(
  scores: Float32Array,
  shares: Float64Array,
  bound: number,
  atLeast: number,
): void {
  const kept = nthLargest(scores, atLeast);
  for (let i = 0; i < scores.length; i++) {
    if (shares[i]! < bound && scores[i]! < kept) scores[i] = NEVER;
  }
}

/** Keeps the tokens whose surprise is nearest the distribution's entropy, up to this mass (Meister et al. 2023, §3). */
export function typicalP(mass: number, atLeast = 1): LogitsProcessor {
  return (scores) => {
    const shares = probabilities(scores);
    const shift = logSumExp(scores);
    const expected = entropy(scores, shares);
    const distance = Float32Array.from(scores, (score) => Math.abs(shift - score - expected));
    const { key } = crossing(distance, (i) => shares[i]!, mass);
    const kept = crossing(distance, () => 1, Math.min(atLeast, scores.length)).key;
    for (let i = 0; i < scores.length; i++) {
      if (distance[i]! > key && distance[i]! > kept) scores[i] = NEVER;
    }
  };
}

/** Keeps the most probable tokens up to this share of the entropy of the first hundred (Potraghloo et al. 2025). */
export function topH(share: number): LogitsProcessor {
  return (scores) => {
    const top = largest(scores, Math.min(100, scores.length));
    const own = Float32Array.from(top, (id) => scores[id]!);
    const shares = probabilities(own);
    const shift = logSumExp(own);
    const bound = share * entropy(own, shares);
    const keep = new Set<number>();
    let sum = 0;
    for (let i = 0; i < own.length; i++) {
      if (shares[i]! > 0) sum += shares[i]! * (shift - own[i]!);
      if (i === 0 || sum <= bound) keep.add(top[i]!);
    }
    for (let i = 0; i < scores.length; i++) if (!keep.has(i)) scores[i] = NEVER;
  };
}

/** −Σ p·ln p, in nats. */
function entropy(scores: Float32Array, shares: Float64Array): number {
  const shift = logSumExp(scores);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    if (shares[i]! > 0) sum += shares[i]! * (shift - scores[i]!);
  }
  return sum;
}
