// What the results say: means over the seeds, and differences seed by seed.
import jstat from 'jstat';

/** Bits a character, from nats. */
export const bits = (nats) => nats / Math.LN2;

/**
 * Of a configuration's results, one a seed, in bits a character: with the lengths of training, and at the
 * attention length that is best in the mean of the seeds, the shortest of equal ones (the paper's "PPL
 * init", "PPL best" and "Attn Len").
 */
export function figuresOf(results) {
  const at = (i) => results.map(({ evaluations }) => bits(evaluations[i].loss));
  const lengths = results[0].evaluations.map(({ attentionLength }, i) => ({
    attentionLength,
    bySeed: at(i),
  }));
  const best = lengths.reduce((best, one) => {
    const [ours, theirs] = [one, best].map(({ bySeed }) => roundedMean(bySeed));
    const isShorter = one.attentionLength < best.attentionLength;
    return ours < theirs || (ours === theirs && isShorter) ? one : best;
  });
  return { weights: results[0].weights, own: lengths[0], best };
}

export const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

export function standardDeviation(numbers) {
  const middle = mean(numbers);
  const squares = numbers.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  return Math.sqrt(squares / (numbers.length - 1));
}

/**
 * How much larger `these` are than `those`, seed by seed: mean, 95 % interval and p of Student's paired
 * test (two-sided), and in how many seeds they are larger.
 */
export function comparison(these, those) {
  const differences = these.map((value, i) => value - those[i]);
  const larger = differences.filter((difference) => difference > 0).length;
  const [middle, freedom] = [mean(differences), differences.length - 1];
  const error = standardDeviation(differences) / Math.sqrt(differences.length);
  const { studentt } = jstat;
  const reach = studentt.inv(0.975, freedom) * error;
  return {
    mean: middle,
    interval: [middle - reach, middle + reach],
    p: 2 * studentt.cdf(-Math.abs(middle / error), freedom),
    ...{ larger, seeds: differences.length },
  };
}

/** As the table shows it. */
const roundedMean = (numbers) => Number(mean(numbers).toFixed(3));
