import type { LogitsProcessor } from './logits-processors.js';
import { crossing, type Distribution, distribution, exp, largest, nthLargest } from './numbers.js';

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
    const { shares } = distribution(scores);
    const { key, before } = crossing(scores, shares, 1 - p, true);
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
    const { shares } = distribution(scores);
    let most = 0;
    for (const share of shares) most = Math.max(most, share);
    dropBelow(scores, shares, p * most, atLeast);
  };
}

/** Keeps tokens of at least this probability (Hewitt et al. 2022, §4.2). */
export function epsilonCutoff(epsilon: number, atLeast = 1): LogitsProcessor {
  return (scores) => dropBelow(scores, distribution(scores).shares, epsilon, atLeast);
}

/** Keeps tokens of at least min(ε, √ε·e^−entropy) (Hewitt et al. 2022, §4.3). */
export function etaCutoff(epsilon: number, atLeast = 1): LogitsProcessor {
  return (scores) => {
    const all = distribution(scores);
    const bound = Math.min(epsilon, Math.sqrt(epsilon) * exp(-entropy(scores, all)));
    dropBelow(scores, all.shares, bound, atLeast);
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
    const all = distribution(scores);
    const expected = entropy(scores, all);
    const distance = new Float32Array(scores.length);
    for (let i = 0; i < scores.length; i++) {
      distance[i] = Math.abs(all.shift - scores[i]! - expected);
    }
    const { key } = crossing(distance, all.shares, mass);
    const kept = -nthLargest(
      distance.map((x) => -x),
      atLeast,
    );
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
    const { shares, shift } = distribution(own);
    const bound = share * entropy(own, { shares, shift });
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
function entropy(scores: Float32Array, { shares, shift }: Distribution): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    if (shares[i]! > 0) sum += shares[i]! * (shift - scores[i]!);
  }
  return sum;
}
