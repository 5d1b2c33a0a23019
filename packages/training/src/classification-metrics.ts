/** How many of the predictions are the labels. */
export function accuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  let hits = 0;
  for (let i = 0; i < labels.length; i++) if (predictions[i] === labels[i]) hits++;
  return hits / labels.length;
}

/**
 * The mean of the classes' F1, each counting the same (scikit-learn's `f1_score(average='macro')`), over
 * the classes that occur among labels or predictions. A class's F1 is 2·hits / (labelled + predicted).
 */
export function macroF1(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  const classes = new Map<number, { hits: number; marked: number }>();
  const of = (id: number) => {
    const counts = classes.get(id) ?? { hits: 0, marked: 0 };
    classes.set(id, counts);
    return counts;
  };
  for (let i = 0; i < labels.length; i++) {
    of(labels[i]!).marked++;
    of(predictions[i]!).marked++;
    if (labels[i] === predictions[i]) of(labels[i]!).hits++;
  }
  const scores = [...classes.values()].map(({ hits, marked }) => (2 * hits) / marked);
  return scores.reduce((a, b) => a + b, 0) / scores.length;
}

/** Pearson's correlation; undefined where either side is all alike. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number | undefined {
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : undefined;
}

/** Spearman's correlation: Pearson's of the ranks, equal values sharing the mean of theirs. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number | undefined {
  return pearson(ranks(x), ranks(y));
}

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i);
  order.sort((a, b) => values[a]! - values[b]!);
  const result = new Float64Array(values.length);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (const i of order.slice(start, end)) result[i] = (start + end - 1) / 2;
  }
  return result;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
