import { logSoftmax } from './numbers.js';

/**
 * Changes the scores of what may follow, in place, and depends on nothing but its arguments.
 *
 * @param scores one a token, before softmax; −Infinity rules a token out
 * @param ids the row so far: prompt, padding included, and what was generated
 */
export type LogitsProcessor = (scores: Float32Array, ids: readonly number[]) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** Divides the scores of tokens that came before by `penalty`, multiplies those below 0 (CTRL, Keskar et al. 2019, §4.1). */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  const factor = Math.fround(penalty);
  return (scores, ids) => {
    for (const id of new Set(ids)) {
      const score = scores[id]!;
      scores[id] = score < 0 ? score * factor : score / factor;
    }
  };
}

/** Rules out a token that would complete `size` tokens in a row which the text already has (Paulus et al. 2017, §2.5). */
export function noRepeatNgrams(size: number): LogitsProcessor {
  return (scores, ids) => {
    for (let end = size - 1; end < ids.length; end++) {
      if (isAt(ids, end - size + 1, ids, ids.length - size + 1, size - 1))
        scores[ids[end]!] = NEVER;
    }
  };
}

/** Whether `count` entries of `a` from `i` on are those of `b` from `j` on. */
function isAt(a: readonly number[], i: number, b: readonly number[], j: number, count: number) {
  for (let k = 0; k < count; k++) if (a[i + k] !== b[j + k]) return false;
  return true;
}

/** Adds a bias to the token that would complete a sequence. */
export function sequenceBias(
  biases: readonly (readonly [ids: readonly number[], bias: number])[],
): LogitsProcessor {
  return (scores, ids) => {
    const sums = new Map<number, number>();
    for (const [sequence, bias] of biases) {
      const before = sequence.length - 1;
      // As in the reference: a sequence as long as the text so far counts, a longer one does not.
      if (before > 0 && sequence.length > ids.length) continue;
      if (!isAt(ids, ids.length - before, sequence, 0, before)) continue;
      const last = sequence[before]!;
      sums.set(last, Math.fround((sums.get(last) ?? 0) + bias));
    }
    for (const [id, bias] of sums) scores[id]! += bias;
  };
}

/** Rules out the token that would complete a sequence; an end token on its own stays. */
export function badWords(
  words: readonly (readonly number[])[],
  eos: readonly number[],
): LogitsProcessor {
  const isEnd = (word: readonly number[]) => word.length === 1 && eos.includes(word[0]!);
  return sequenceBias(words.filter((word) => !isEnd(word)).map((word) => [word, NEVER]));
}

/** Rules out these tokens until the row has `length` tokens. */
export function minimumLength(length: number, eos: readonly number[]): LogitsProcessor {
  return (scores, ids) => {
    if (ids.length < length) ban(scores, eos);
  };
}

/** After exactly `length` tokens, nothing but these may come. */
export function forcedAt(length: number, tokens: readonly number[]): LogitsProcessor {
  return (scores, ids) => {
    if (ids.length !== length) return;
    scores.fill(NEVER);
    for (const id of tokens) scores[id] = 0;
  };
}

/** NaN becomes 0, infinities the largest and smallest finite numbers. */
export const removeInvalidValues: LogitsProcessor = (scores) => {
  const most = 3.4028234663852886e38;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    scores[i] = Number.isNaN(score) ? 0 : Math.min(Math.max(score, -most), most);
  }
};

/** From `start` tokens on, end tokens gain |score| · (factor^(tokens since) − 1). */
export function lengthDecay(
  start: number,
  factor: number,
  eos: readonly number[],
): LogitsProcessor {
  return (scores, ids) => {
    if (ids.length <= start) return;
    const gain = factor ** (ids.length - start) - 1;
    for (const id of eos) {
      if (scores[id] === NEVER) continue; // what is ruled out stays so
      scores[id]! += Math.fround(Math.abs(scores[id]!) * gain);
    }
  };
}

/** Rules out these tokens, always or after exactly `length` tokens. */
export function suppressed(tokens: readonly number[], length?: number): LogitsProcessor {
  return (scores, ids) => {
    if (length === undefined || ids.length === length) ban(scores, tokens);
  };
}

/** Scores become logarithms of probabilities. */
export const renormalize: LogitsProcessor = (scores) => logSoftmax(scores);

function ban(scores: Float32Array, tokens: readonly number[]): void {
  for (const id of tokens) scores[id] = NEVER;
}
