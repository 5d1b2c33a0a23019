import * as tf from '@tensorflow/tfjs-core';
import {
  type AdaptiveEmbedding,
  type AdaptiveOptions,
  type Cluster,
  clustersOf,
  inOrder,
  placesByCluster,
} from './adaptive-embedding.js';
import { crossEntropy } from './cross-entropy.js';
import { embedding } from './embedding.js';
import { ModelError } from './errors.js';
import { linear } from './linear.js';
import { linearCrossEntropy } from './linear-cross-entropy.js';
import { type Operand, type Parameter, quantizedOf, tensorOf } from './parameter.js';
import { type DrawnWords, sampledCrossEntropy } from './sampled-softmax.js';
import { logSoftmax } from './softmax.js';
import { normal, type Weights, zeros } from './weights.js';

export interface AdaptiveSoftmaxOptions extends AdaptiveOptions {
  /** What words go in by. */
  embedding: AdaptiveEmbedding;
  /** Words come out by the embedding's tables; default true. */
  tieTables?: boolean;
  /** Which clusters come out by the embedding's projections; default none. */
  tieProjections?: readonly boolean[];
}

const NO_LABEL = -100;

/**
 * The adaptive softmax (Grave et al. 2017) over the clusters of an `AdaptiveEmbedding`: a head says which
 * frequent word it is, or which cluster, and each cluster's tail which of its words. Keys:
 * `out_layers.<i>.weight` and `.bias`, `out_projs.<i>` [hiddenSize, width], and where there are clusters
 * `cluster_weight` [clusters, embedSize] and `cluster_bias`; what is tied has the embedding's key. Cluster
 * i's logit is the i-th behind the frequent words'.
 */
export class AdaptiveSoftmax {
  /** By cluster, [words, width]; with divVal 1 one for all. */
  readonly tables: readonly Parameter[];
  readonly biases: readonly Parameter[];
  /** By cluster; read as hidden · projection. */
  readonly projections: readonly (Parameter | undefined)[];
  readonly clusterWeight: Parameter | undefined;
  readonly clusterBias: Parameter | undefined;
  readonly #clusters: readonly Cluster[];
  readonly #oneTable: boolean;

  /** @throws ModelError `BAD_CONFIG` for cutoffs or a divVal that make no clusters */
  constructor(weights: Weights, options: AdaptiveSoftmaxOptions) {
    const { vocabSize, embedSize, hiddenSize, divVal = 1 } = options;
    const { embedding, tieTables = true, tieProjections = [] } = options;
    const { initializer = normal(0.02), projectionInitializer = normal(0.01) } = options;
    this.#clusters = clustersOf(options);
    this.#oneTable = divVal === 1;
    const tables = this.#oneTable
      ? [{ start: 0, end: vocabSize, width: embedSize }]
      : this.#clusters;
    this.tables = tables.map(({ start, end, width }, i) => {
      if (tieTables) return embedding.tables[i]!.weight;
      const scope = weights.at('out_layers', i);
      return scope.parameter('weight', [end - start, width], initializer, { quantizedBy: 'rows' });
    });
    this.biases = tables.map(({ start, end }, i) =>
      weights.at('out_layers', i).parameter('bias', [end - start], zeros),
    );
    this.projections = this.#clusters.map(({ width }, i) => {
      if (this.#oneTable && embedSize === hiddenSize) return undefined;
      const size = [hiddenSize, this.#oneTable ? embedSize : width];
      if (tieProjections[i]) return embedding.projections[this.#oneTable ? 0 : i];
      return weights.at('out_projs').parameter(`${i}`, size, projectionInitializer);
    });
    const clusters = this.#clusters.length - 1;
    if (clusters > 0) {
      this.clusterWeight = weights.parameter('cluster_weight', [clusters, embedSize], initializer);
      this.clusterBias = weights.parameter('cluster_bias', [clusters], zeros);
    }
  }

  /** Of every word: hidden [rows, hiddenSize] → log-probabilities [rows, vocabSize]. */
  logProbabilities(hidden: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const [head, ...tails] = this.#allLogits(hidden) as [tf.Tensor, ...tf.Tensor[]];
      if (tails.length === 0) return logSoftmax(head);
      const rows = hidden.shape[0]!;
      const logHead = logSoftmax(head);
      const words = this.#clusters[0]!.end;
      const parts = tails.map((logits, i) =>
        tf.add(logSoftmax(logits), tf.slice(logHead, [0, words + i], [rows, 1])),
      );
      return tf.concat([tf.slice(logHead, [0, 0], [rows, words]), ...parts], 1);
    });
  }

  /**
   * −log-probability of each row's target, in nats and in the rows' order: hidden [rows, hiddenSize],
   * targets int32 [rows] (−100 counts as 0) → [rows].
   *
   * @throws ModelError `ID_OUT_OF_RANGE`, `WRONG_SHAPE`
   */
  losses(hidden: tf.Tensor, targets: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const { labels, tails } = this.#parts(targets);
      const one = { reduction: 'none' as const };
      const losses = crossEntropy(this.#headLogits(hidden), labels, one);
      if (tails.length === 0) return losses;
      const others = new Set(Array.from({ length: targets.size }, (_, i) => i));
      const parts = tails.map(({ cluster, places, labels }) => {
        for (const place of places) others.delete(place);
        const logits = this.#logits(cluster, rowsAt(hidden, places));
        return tf.reshape(crossEntropy(logits, labels, one), [-1, 1]);
      });
      const places = tails.map((tail) => tail.places);
      if (others.size > 0) {
        parts.push(tf.zeros([others.size, 1]));
        places.push([...others]);
      }
      return tf.add(losses, tf.reshape(inOrder(parts, places), [targets.size]));
    });
  }

  /**
   * The mean of `losses` over the rows that count (NaN where none does), without the losses themselves:
   * where there is a kernel, no logits are held.
   */
  loss(hidden: tf.Tensor, targets: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const { labels, tails } = this.#parts(targets);
      const counted = labels.dataSync<'int32'>().filter((label) => label !== NO_LABEL).length;
      if (this.#clusters.length > 1 && quantizedOf(this.tables[0]!)) {
        return tf.div(tf.sum(this.losses(hidden, targets)), counted);
      }
      const sum = { reduction: 'sum' as const };
      const { weight, bias } = this.#head();
      let total = linearCrossEntropy(this.#project(0, hidden), weight, bias, labels, sum);
      for (const { cluster, places, labels } of tails) {
        const { weight, bias } = this.#table(cluster);
        const rows = this.#project(cluster, rowsAt(hidden, places));
        total = tf.add(total, linearCrossEntropy(rows, weight, bias, labels, sum));
      }
      return tf.div(total, counted);
    });
  }

  /**
   * `losses` as training estimates them where all words would be too many: among each target and some words
   * that were drawn; see `sampledCrossEntropy`.
   *
   * @throws ModelError `BAD_CONFIG` where there are clusters, which are another way to the same end
   */
  sampledLosses(hidden: tf.Tensor, targets: tf.Tensor, drawn: DrawnWords): tf.Tensor {
    if (this.#clusters.length > 1) {
      throw new ModelError(
        'BAD_CONFIG',
        'Words are drawn from one cluster: leave out the cutoffs.',
      );
    }
    return tf.tidy(() => {
      const { weight, bias } = this.#table(0);
      return sampledCrossEntropy(this.#project(0, hidden), weight, bias, targets, drawn);
    });
  }

  /** What the head is asked for in every row, and each tail in the rows that are its own. */
  #parts(targets: tf.Tensor) {
    const values = Int32Array.from(targets.dataSync<'int32'>());
    const [, ...places] = placesByCluster(values, this.#clusters);
    const [shortlist, ...rest] = this.#clusters as [Cluster, ...Cluster[]];
    const tails = rest.flatMap(({ start }, i) => {
      const at = places[i]!;
      if (at.length === 0) return [];
      const local = Int32Array.from(at, (place) => values[place]! - start);
      for (const place of at) values[place] = shortlist.end + i;
      return [{ cluster: i + 1, places: at, labels: tf.tensor1d(local, 'int32') }];
    });
    return { labels: tf.tensor1d(values, 'int32'), tails };
  }

  /** The head's logits, and those of each tail. */
  #allLogits(hidden: tf.Tensor): tf.Tensor[] {
    const [first, ...others] = this.projections;
    const alike = this.#oneTable && others.every((one) => one === first);
    if (!alike || others.length === 0) {
      const [, ...tails] = this.#clusters.keys();
      return [this.#headLogits(hidden), ...tails.map((i) => this.#logits(i, hidden))];
    }
    const rows = hidden.shape[0]!;
    const vectors = this.#project(0, hidden);
    const all = linear(vectors, this.tables[0]!, this.biases[0]!); // one product for all clusters
    const [words, ...tails] = this.#clusters.map(({ start, end }) =>
      tf.slice(all, [0, start], [rows, end - start]),
    ) as [tf.Tensor, ...tf.Tensor[]];
    return [tf.concat([words, this.#clusterLogits(vectors)], 1), ...tails];
  }

  /** [rows, hiddenSize] → [rows, frequent words + clusters] */
  #headLogits(hidden: tf.Tensor): tf.Tensor {
    const vectors = this.#project(0, hidden);
    const words = this.#wordLogits(0, vectors);
    return this.#clusters.length === 1
      ? words
      : tf.concat([words, this.#clusterLogits(vectors)], 1);
  }

  #clusterLogits(vectors: tf.Tensor): tf.Tensor {
    return linear(vectors, this.clusterWeight!, this.clusterBias!);
  }

  /** [rows, hiddenSize] → [rows, the cluster's words] */
  #logits(cluster: number, hidden: tf.Tensor): tf.Tensor {
    return this.#wordLogits(cluster, this.#project(cluster, hidden));
  }

  /** [rows, width] → [rows, the cluster's words]. A table in int8 stays whole: its logits are cut. */
  #wordLogits(cluster: number, vectors: tf.Tensor): tf.Tensor {
    if (!this.#oneTable || !quantizedOf(this.tables[0]!)) {
      const { weight, bias } = this.#table(cluster);
      return linear(vectors, weight, bias);
    }
    const { start, end } = this.#clusters[cluster]!;
    const all = linear(vectors, this.tables[0]!, this.biases[0]!);
    return tf.slice(all, [0, start], [vectors.shape[0]!, end - start]);
  }

  #project(cluster: number, hidden: tf.Tensor): tf.Tensor {
    const projection = this.projections[cluster];
    return projection === undefined
      ? hidden
      : linear(hidden, projection, undefined, { transposed: true });
  }

  /** The words of a cluster. */
  #table(cluster: number): { weight: Operand; bias: Operand } {
    if (!this.#oneTable || this.#clusters.length === 1) {
      return { weight: this.tables[cluster]!, bias: this.biases[cluster]! };
    }
    const { start, end, width } = this.#clusters[cluster]!;
    const [weight, bias] = [this.tables[0]!, this.biases[0]!].map(tensorOf) as [
      tf.Tensor,
      tf.Tensor,
    ];
    return {
      weight: tf.slice(weight, [start, 0], [end - start, width]),
      bias: tf.slice(bias, [start], [end - start]),
    };
  }

  /** The head as one matrix, where its words are floats or all the words there are. */
  #head(): { weight: Operand; bias: Operand } {
    const { weight, bias } = this.#table(0);
    if (this.#clusters.length === 1) return { weight, bias };
    return {
      weight: tf.concat([tensorOf(weight), tensorOf(this.clusterWeight!)], 0),
      bias: tf.concat([tensorOf(bias), tensorOf(this.clusterBias!)], 0),
    };
  }
}

const rowsAt = (x: tf.Tensor, places: readonly number[]): tf.Tensor =>
  embedding(x, tf.tensor1d(Int32Array.from(places), 'int32'));
