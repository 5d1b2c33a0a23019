// What counting can do: the same masked places guessed from how often tokens stand alone, after their
// left neighbour, and between both neighbours. All are smoothed by interpolated Kneser–Ney (Kneser &
// Ney 1995; Chen & Goodman 1999, §3) and fitted on the training rows.
import { tally } from './questions.mjs';

/**
 * `{ unigram, bigram, neighbours }`, each `{ count, accuracy, loss, perplexity }`. A neighbour that is
 * masked too is not known to the baselines, as it is not to the model.
 */
export function evaluateBaselines(trainingRows, questions, { vocabSize, maskTokenId }) {
  const contexts = new Set(
    questions.flatMap(({ masked, places }) =>
      places.map((i) => both(masked[i - 1], masked[i + 1], vocabSize)),
    ),
  );
  const tables = fit(trainingRows, vocabSize, contexts);
  const results = { unigram: tally(), bigram: tally(), neighbours: tally() };

  for (const { ids, masked, places } of questions) {
    for (const i of places) {
      const [left, right] = [masked[i - 1], masked[i + 1]];
      const fromLeft = left === maskTokenId ? tables.unigram : tables.afterLeft.given(left);
      const fromRight = right === maskTokenId ? tables.unigram : tables.beforeRight.given(right);
      const product = normalized(fromLeft.map((p, w) => (p * fromRight[w]) / tables.unigram[w]));
      const fromBoth = tables.between.given(both(left, right, vocabSize), product);
      score(results.unigram, tables.unigram, ids[i]);
      score(results.bigram, fromLeft, ids[i]);
      score(results.neighbours, fromBoth, ids[i]);
    }
  }
  return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, one.result()]));
}

const both = (left, right, vocabSize) => left * vocabSize + right;

function score(answers, distribution, truth) {
  const p = distribution[truth];
  answers.add(
    p,
    distribution.every((other) => other <= p),
  );
}

function fit(rows, vocabSize, contexts) {
  const counts = new Float64Array(vocabSize);
  const afterLeft = new ContextTable();
  const beforeRight = new ContextTable();
  const between = new ContextTable();
  for (const row of rows) {
    for (let i = 1; i < row.length; i++) {
      counts[row[i]]++;
      afterLeft.add(row[i - 1], row[i]);
      beforeRight.add(row[i], row[i - 1]);
      if (i + 1 === row.length) continue;
      const context = both(row[i - 1], row[i + 1], vocabSize);
      if (contexts.has(context)) between.add(context, row[i]); // the others are never asked for
    }
  }
  // One more of each, so that a token never seen in training has a probability.
  const unigram = normalized(counts.map((count) => count + 1));
  afterLeft.lower = afterLeft.continuation(vocabSize);
  beforeRight.lower = beforeRight.continuation(vocabSize);
  return { unigram, afterLeft, beforeRight, between };
}

/** Counts of words in contexts, as P(word | context). */
class ContextTable {
  #contexts = new Map();
  #discount;
  /** The distribution of words that follow many different contexts. */
  lower;

  add(context, word) {
    let words = this.#contexts.get(context);
    if (words === undefined) {
      words = new Map();
      this.#contexts.set(context, words);
    }
    words.set(word, (words.get(word) ?? 0) + 1);
  }

  /** In how many contexts each word stands, as a distribution. */
  continuation(vocabSize) {
    const contexts = new Float64Array(vocabSize).fill(1);
    for (const words of this.#contexts.values()) for (const word of words.keys()) contexts[word]++;
    return normalized(contexts);
  }

  /** P(w|c) = max(n(c,w) − D, 0)/n(c) + D·|{w: n(c,w) > 0}|/n(c) · lower(w) */
  given(context, lower = this.lower) {
    const words = this.#contexts.get(context);
    if (words === undefined) return lower;
    let total = 0;
    for (const count of words.values()) total += count;
    const discount = this.#absoluteDiscount();
    const distribution = lower.map((p) => (p * discount * words.size) / total);
    for (const [word, count] of words) distribution[word] += (count - discount) / total;
    return distribution;
  }

  /** D = n₁ / (n₁ + 2n₂), from how many pairs were seen once and twice (Ney et al. 1994). */
  #absoluteDiscount() {
    if (this.#discount !== undefined) return this.#discount;
    let [once, twice] = [0, 0];
    for (const words of this.#contexts.values()) {
      for (const count of words.values()) {
        if (count === 1) once++;
        if (count === 2) twice++;
      }
    }
    this.#discount = once === 0 ? 0.5 : once / (once + 2 * twice);
    return this.#discount;
  }
}

function normalized(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return values.map((value) => value / sum);
}
