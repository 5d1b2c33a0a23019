// What counting can do: the next token guessed from the few before it, as often as they stood together in
// the training text. Interpolated and smoothed by modified Kneser–Ney (Kneser & Ney 1995; Chen & Goodman
// 1999, §3 and §5.2.5).

/**
 * A model that sees `order − 1` tokens. An n-gram is kept as one number, its tokens as digits to the base
 * `vocabSize`, so that those with the same beginning stand side by side: a float64, or where that is not
 * exact a whole number of 64 bits.
 */
export class NgramModel {
  #vocabSize;
  /** `Number` or `BigInt`: makes what keys are reckoned with. */
  #whole;
  /** For each length from 1 to `order`. */
  #levels;

  /** @param stream the ids of all training text, end to end */
  constructor(stream, order, vocabSize) {
    if (BigInt(vocabSize) ** BigInt(order) >= 1n << 64n) {
      throw new RangeError(`${order} tokens of ${vocabSize} do not fit into a number.`);
    }
    this.#vocabSize = vocabSize;
    const whole = vocabSize ** order > Number.MAX_SAFE_INTEGER ? BigInt : Number;
    this.#whole = whole;
    this.#levels = [];
    // The longest are counted as they stand; the shorter ones by how many different tokens they follow.
    let level = countRuns(allNgrams(stream, order, vocabSize, whole));
    this.#levels.unshift(withDiscounts(level));
    for (let length = order - 1; length > 0; length--) {
      const base = whole(vocabSize) ** whole(length);
      level = countRuns(level.keys.map((key) => key % base));
      this.#levels.unshift(withDiscounts(level));
    }
  }

  /** P(token | the last tokens of `history`), of which it needs `order − 1`. */
  probability(history, token) {
    const whole = this.#whole;
    const [V, wanted] = [whole(this.#vocabSize), whole(token)];
    let [context, digit] = [whole(0), whole(1)];
    let p = 1 / this.#vocabSize;
    for (const [n, { keys, totals, discounts, discountOf }] of this.#levels.entries()) {
      // `context` has the last n tokens, the nearest as the lowest digit.
      if (n > 0) {
        context += whole(history[history.length - n]) * digit;
        digit *= V;
      }
      const from = firstAtLeast(keys, context * V);
      const to = firstAtLeast(keys, context * V + V);
      if (from === to) return p; // never seen, and so nothing longer that ends with it
      const total = totals[to] - totals[from];
      const at = firstAtLeast(keys, context * V + wanted);
      const count = keys[at] === context * V + wanted ? totals[at + 1] - totals[at] : 0;
      const reserved = discounts[to] - discounts[from];
      p = (count - discountOf(count) + reserved * p) / total;
    }
    return p;
  }
}

/**
 * What models of these orders reach on the held-out documents: `{ order, loss, perplexity, bitsPerByte,
 * tokens }` of each. Every token but a document's first is scored, as `multihead evaluate` does; documents
 * are parted by the end-of-text token, as for training.
 */
export function evaluateNgrams(train, heldOut, { orders, vocabSize, eosTokenId, bytes }) {
  const stream = train.flatMap((ids) => [...ids, eosTokenId]);
  return orders.map((order) => {
    const model = new NgramModel(stream, order, vocabSize);
    let [nats, tokens] = [0, 0];
    for (const document of heldOut) {
      const ids = [...Array(order).fill(eosTokenId), ...document];
      for (let i = order + 1; i < ids.length; i++) {
        nats -= Math.log(model.probability(ids.slice(i - order + 1, i), ids[i]));
        tokens++;
      }
    }
    const loss = nats / tokens;
    const bitsPerByte = nats / Math.LN2 / bytes;
    return { order, loss, perplexity: Math.exp(loss), bitsPerByte, tokens };
  });
}

function allNgrams(stream, order, vocabSize, whole) {
  const V = whole(vocabSize);
  const base = V ** whole(order - 1);
  const Keys = whole === BigInt ? BigUint64Array : Float64Array;
  const keys = new Keys(Math.max(0, stream.length - order + 1));
  let key = whole(0);
  for (let i = 0; i < stream.length; i++) {
    key = (key % base) * V + whole(stream[i]);
    if (i >= order - 1) keys[i - order + 1] = key;
  }
  return keys;
}

/** Each key once, in order, and how often it was there. */
function countRuns(keys) {
  const sorted = keys.slice().sort();
  const starts = [];
  for (let i = 0; i < sorted.length; i++) if (sorted[i] !== sorted[i - 1]) starts.push(i);
  return {
    keys: sorted.constructor.from(starts, (i) => sorted[i]),
    counts: Float64Array.from(starts, (i, k) => (starts[k + 1] ?? sorted.length) - i),
  };
}

/** The sums up to each key of the counts, and of what is taken from them for what was never seen. */
function withDiscounts({ keys, counts }) {
  const discountOf = discounting(counts);
  const totals = new Float64Array(keys.length + 1);
  const discounts = new Float64Array(keys.length + 1);
  counts.forEach((count, i) => {
    totals[i + 1] = totals[i] + count;
    discounts[i + 1] = discounts[i] + discountOf(count);
  });
  return { keys, totals, discounts, discountOf };
}

/** D₁, D₂ and D₃₊ from how many n-grams were seen once to four times (Chen & Goodman, eq. 26). */
function discounting(counts) {
  const seen = [0, 0, 0, 0, 0];
  for (const count of counts) if (count < 5) seen[count]++;
  const y = seen[1] / (seen[1] + 2 * seen[2]);
  const discounts = [0, 1, 2, 3].map((k) => {
    const discount = k - (k + 1) * y * (seen[k + 1] / seen[k]);
    if (k === 0) return 0;
    return discount > 0 && discount < k ? discount : 0.75; // too little text to tell
  });
  return (count) => discounts[Math.min(count, 3)];
}

function firstAtLeast(sorted, key) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
