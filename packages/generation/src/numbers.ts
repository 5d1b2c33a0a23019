/**
 * Arithmetic on a row of scores, one for each token. Sums are in float64. The same scores give the
 * same numbers on every machine: engines may round `Math.exp` differently, additions and
 * multiplications they may not.
 */

const LN2_HIGH = 0.6931471803691238; // ln 2 in two parts, so that k·LN2_HIGH is exact
const LN2_LOW = 1.9082149292705877e-10;
const HALVES = new Float64Array(1076); // 2^-k
for (let k = 0, power = 1; k < HALVES.length; k++, power /= 2) HALVES[k] = power;
const TERMS = new Float64Array(15); // 1/n!
for (let n = 0, term = 1; n < TERMS.length; n++, term /= n) TERMS[n] = term;

/** e^x for x ≤ 0, by x = r − k·ln 2 and the series of e^r. */
export function exp(x: number): number {
  if (x < -745) return 0;
  const k = Math.round(-x / Math.LN2);
  const r = x + k * LN2_HIGH + k * LN2_LOW;
  let sum = 0;
  for (let n = 14; n >= 0; n--) sum = sum * r + TERMS[n]!;
  return sum * HALVES[k]!;
}

/** The largest score; −Infinity where every token is ruled out. */
function maximum(row: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const x of row) if (x > max) max = x;
  return max;
}

/** The first token with the largest score. */
export function argmax(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** e^(score − largest) of every token, and their sum: probabilities that add up to `sum`. */
export function weights(row: Float32Array): { weights: Float64Array; sum: number } {
  const max = maximum(row);
  const values = new Float64Array(row.length);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    if (row[i] === Number.NEGATIVE_INFINITY) continue;
    values[i] = exp(row[i]! - max);
    sum += values[i]!;
  }
  return { weights: values, sum };
}

/** Probabilities, and the logarithm of Σ e^score: a token's log-probability is its score less that. */
export interface Distribution {
  shares: Float64Array;
  shift: number;
}

/** Softmax. */
export function distribution(row: Float32Array): Distribution {
  const { weights: shares, sum } = weights(row);
  for (let i = 0; i < shares.length; i++) shares[i]! /= sum;
  return { shares, shift: maximum(row) + Math.log(sum) };
}

/** The logarithm of Σ e^score. */
export function logSumExp(row: Float32Array): number {
  return maximum(row) + Math.log(weights(row).sum);
}

/** Turns scores into the logarithms of their probabilities, in place. */
export function logSoftmax(row: Float32Array): void {
  const shift = logSumExp(row);
  for (let i = 0; i < row.length; i++) row[i]! -= shift;
}

/**
 * The first key, from the smallest up, at which the weights added so far reach `mass`, and what they
 * add up to before the keys equal to it. Quickselect, so that its cost is that of a few passes and not
 * of sorting. Keys without weight are passed over.
 *
 * @param strict reach: be more than `mass`, not at least as much
 */
export function crossing(
  keys: Float32Array,
  weights: ArrayLike<number>,
  mass: number,
  strict = false,
): { key: number; before: number } {
  let indices = new Uint32Array(keys.length);
  let count = 0;
  for (let i = 0; i < keys.length; i++) if (weights[i]! > 0) indices[count++] = i;
  const smaller = new Uint32Array(count);
  const larger = new Uint32Array(count);
  const reaches = (sum: number) => (strict ? sum > mass : sum >= mass);
  for (let before = 0; ; ) {
    const key = (at: number) => keys[indices[at]!]!;
    const pivot = middle(key(0), key(count >> 1), key(count - 1));
    let [below, equal, fewer, more] = [0, 0, 0, 0];
    for (let k = 0; k < count; k++) {
      const i = indices[k]!;
      if (keys[i]! < pivot) {
        below += weights[i]!;
        smaller[fewer++] = i;
      } else if (keys[i]! > pivot) larger[more++] = i;
      else equal += weights[i]!;
    }
    if (fewer > 0 && reaches(before + below)) {
      indices = smaller.slice(0, fewer);
      count = fewer;
      continue;
    }
    before += below;
    if (reaches(before + equal) || more === 0) return { key: pivot, before };
    before += equal;
    indices = larger.slice(0, more);
    count = more;
  }
}

const middle = (a: number, b: number, c: number): number =>
  Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));

/** The score that `count` tokens reach, the count-th largest; the smallest where there are fewer. */
export function nthLargest(row: Float32Array, count: number): number {
  if (count <= 100) return row[largest(row, Math.min(count, row.length)).at(-1)!]!;
  const ones = new Uint8Array(row.length).fill(1);
  return crossing(row, ones, Math.max(row.length - count + 1, 1)).key;
}

/** The `count` largest entries, largest first; of equal ones the earlier first. */
export function largest(values: ArrayLike<number>, count: number): number[] {
  const top: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (top.length === count && values[i]! <= values[top[count - 1]!]!) continue;
    let at = top.length;
    while (at > 0 && values[i]! > values[top[at - 1]!]!) at--;
    top.splice(at, 0, i);
    if (top.length > count) top.pop();
  }
  return top;
}
