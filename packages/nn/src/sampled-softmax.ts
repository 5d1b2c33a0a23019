import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from './cross-entropy.js';
import { embedding } from './embedding.js';
import { ModelError } from './errors.js';
import { linear } from './linear.js';
import { type Operand, tensorOf } from './parameter.js';
import { log, type Random } from './random.js';

/** Words that were drawn, and how often any word could be expected among them. */
export interface DrawnWords {
  /** Each once, in order. */
  ids: Int32Array;
  /** ln of the expected number of times that each of these words is among `ids`, at most ln 1. */
  logExpected: (ids: ArrayLike<number>) => Float32Array;
}

/**
 * Draws words of a vocabulary that is sorted by frequency about as often as texts have them (Zipf's law):
 * word k with probability ln((k + 2) / (k + 1)) / ln(vocabSize + 1), as TensorFlow's
 * `log_uniform_candidate_sampler` does.
 */
export class LogUniformSampler {
  readonly #draws: number;
  /** ln(k + 2) / ln(vocabSize + 1): how likely a draw gives word k or one before it. */
  readonly #upTo: Float64Array;

  /**
   * @param samples half as many as are drawn: of 2·samples words some are the same (the original's choice)
   * @throws ModelError `BAD_CONFIG` for numbers that are not whole and above 0
   */
  constructor(vocabSize: number, samples: number) {
    for (const [name, value] of Object.entries({ vocabSize, samples })) {
      if (Number.isSafeInteger(value) && value > 0) continue;
      throw new ModelError('BAD_CONFIG', `${name} is ${value}; it must be a whole number above 0.`);
    }
    this.#draws = 2 * samples;
    const all = log(1 / (vocabSize + 1));
    this.#upTo = Float64Array.from({ length: vocabSize }, (_, k) => log(1 / (k + 2)) / all);
  }

  sample(random: Random): DrawnWords {
    const drawn = new Set<number>();
    for (let i = 0; i < this.#draws; i++) drawn.add(this.#wordAt(random.uniform()));
    const ids = Int32Array.from(drawn).sort();
    return { ids, logExpected: (words) => Float32Array.from(words, (id) => this.#logExpected(id)) };
  }

  /** The first word that a draw gives with more than this probability, it or one before. */
  #wordAt(probability: number): number {
    let [low, high] = [0, this.#upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#upTo[middle]! > probability) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** ln(1 − (1 − p)ᵈ), the probability that a word is among d draws. */
  #logExpected(id: number): number {
    const p = this.#upTo[id]! - (this.#upTo[id - 1] ?? 0);
    return Math.log(-Math.expm1(this.#draws * Math.log1p(-p)));
  }
}

/**
 * −log-probability of each row's target among itself and the drawn words, each logit less the logarithm of
 * how often its word is drawn, so that in the mean the gradient is that of the whole softmax (Jean et al.
 * 2015, §3). A drawn word that is a row's target does not count twice. hidden [rows, width], weight
 * [words, width], bias [words], targets int32 [rows] (−100 counts as 0) → [rows].
 *
 * @throws ModelError `ID_OUT_OF_RANGE`
 */
export function sampledCrossEntropy(
  hidden: tf.Tensor,
  weight: Operand,
  bias: Operand,
  targets: tf.Tensor,
  drawn: DrawnWords,
): tf.Tensor {
  return tf.tidy(() => {
    const given = targets.dataSync<'int32'>();
    const biases = tf.reshape(tensorOf(bias), [-1, 1]);
    const words = (ids: Int32Array) => {
      const at = tf.tensor1d(ids, 'int32');
      const corrected = tf.sub(tf.squeeze(embedding(biases, at), [1]), drawn.logExpected(ids));
      return { at, vectors: embedding(weight, at), corrected };
    };
    // A row that is looked away from may foretell any word.
    const right = words(Int32Array.from(given, (id) => (id === NO_LABEL ? 0 : id)));
    const others = words(drawn.ids);
    const products = tf.sum(tf.mul(hidden, right.vectors), 1);
    const rightLogits = tf.expandDims(tf.add(products, right.corrected), 1); // [rows, 1]
    const otherLogits = linear(hidden, others.vectors, others.corrected); // [rows, drawn]
    const isRight = tf.equal(tf.expandDims(right.at, 1), tf.expandDims(others.at, 0));
    const counted = tf.sub(otherLogits, tf.mul(tf.cast(isRight, 'float32'), FAR));
    const labels = Int32Array.from(given, (id) => (id === NO_LABEL ? NO_LABEL : 0));
    const logits = tf.concat([rightLogits, counted], 1);
    return crossEntropy(logits, tf.tensor1d(labels, 'int32'), { reduction: 'none' });
  });
}

const NO_LABEL = -100;
/** So much below the others a logit is nothing. */
const FAR = 1e30;
