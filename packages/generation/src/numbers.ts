/**
 * Arithmetic on a row of scores, one for each token. Sums are in float64. The same scores give the
 * same numbers on every machine: engines may round `Math.exp` differently, additions and
 * multiplications they may not.
 */

const LN2_HIGH = 0.6931471803691238; // ln 2 in two parts, so that k·LN2_HIGH is exact
const LN2_LOW = 1.9082149292705877e-10;
const HALVES = new Float64Array(1076); // 2^-k
for (let k = 0, power = 1; k < HALVES.length; k++, power /= 2) HALVES[k] = power;

/** e^x for x ≤ 0, by x = r − k·ln 2 and the series of e^r. */
export function exp(x: number): number {
  if (x < -745) return 0;
  const k = Math.round(-x / Math.LN2);
  const r = x + k * LN2_HIGH + k * LN2_LOW;
  let sum = 1;
  for (let n = 14; n >= 1; n--) sum = 1 + (sum * r) / n;
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

/** Softmax. */
export function probabilities(row: Float32Array): Float64Array {
  const { weights: values, sum } = weights(row);
  for (let i = 0; i < values.length; i++) values[i]! /= sum;
  return values;
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
 * of sorting.
 *
 * @param strict reach: be more than `mass`, not at least as much
 */
export function crossing(
  keys: ArrayLike<number>,
  weightOf: (index: number) => number,
  mass: number,
  strict = false,
): { key: number; before: number } {
  let indices = Uint32Array.from({ length: keys.length }, (_, i) => i);
  let before = 0;
  for (;;) {
    const pivot = middle(
      keys[indices[0]!]!,
      keys[indices[indices.length >> 1]!]!,
      keys[indices.at(-1)!]!,
    );
    let [below, equal, smaller] = [0, 0, 0];
    for (const i of indices) {
      if (keys[i]! < pivot) {
        below += weightOf(i);
        smaller++;
      } else if (keys[i] === pivot) equal += weightOf(i);
    }
    const reaches = (sum: number) => (strict ? sum > mass : sum >= mass);
    if (smaller > 0 && reaches(before + below)) {
      indices = indices.filter((i) => keys[i]! < pivot);
      continue;
    }
    before += below;
    const larger = indices.filter((i) => keys[i]! > pivot);
    if (reaches(before + equal) || larger.length === 0) return { key: pivot, before };
    before += equal;
    indices = larger;
  }
}

const middle = (a: number, b: number, c: number): number =>
  Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));

/** The score that `count` tokens reach, the count-th largest. */
export function nthLargest(row: ArrayLike<number>, count: number): number {
  return crossing(row, () => 1, Math.max(row.length - count + 1, 1)).key;
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
