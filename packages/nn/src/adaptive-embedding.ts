import * as tf from '@tensorflow/tfjs-core';
import { Embedding, embedding } from './embedding.js';
import { ModelError } from './errors.js';
import { linear } from './linear.js';
import type { Parameter } from './parameter.js';
import { type Initializer, normal, type Weights } from './weights.js';

export interface AdaptiveOptions {
  vocabSize: number;
  /** Width of the most frequent words' vectors. */
  embedSize: number;
  /** Width of what goes into the model, and comes out of it. */
  hiddenSize: number;
  /**
   * Where the vocabulary, sorted by frequency, is cut into clusters: [20, 50] gives words 0 to 19, 20 to
   * 49, and the rest. None: one cluster.
   */
  cutoffs?: readonly number[];
  /** Cluster i's vectors are embedSize / divVal^i wide; 1 (default): one table for all. */
  divVal?: number;
  /** Of tables; default N(0, 0.02²). */
  initializer?: Initializer;
  /** Of projections; default N(0, 0.01²). */
  projectionInitializer?: Initializer;
}

/** Part of a vocabulary: the words from `start` up to but not `end`, and how wide their vectors are. */
export interface Cluster {
  start: number;
  end: number;
  width: number;
}

/**
 * The clusters of a vocabulary.
 *
 * @throws ModelError `BAD_CONFIG` for cutoffs that do not rise within the vocabulary, or a cluster whose
 *   vectors would have no width
 */
export function clustersOf(options: AdaptiveOptions): Cluster[] {
  const { vocabSize, embedSize, cutoffs = [], divVal = 1 } = options;
  const ends = [...cutoffs, vocabSize];
  if (!ends.every((end, i) => Number.isSafeInteger(end) && end > (ends[i - 1] ?? 0))) {
    throw new ModelError(
      'BAD_CONFIG',
      `cutoffs must be whole numbers that rise from above 0 to below the vocabulary's ${vocabSize}, not [${cutoffs}].`,
    );
  }
  return ends.map((end, i) => {
    const width = Math.floor(embedSize / divVal ** i);
    if (Number.isSafeInteger(divVal) && divVal >= 1 && width >= 1) {
      return { start: ends[i - 1] ?? 0, end, width };
    }
    throw new ModelError(
      'BAD_CONFIG',
      `With vectors of ${embedSize} and divVal ${divVal}, cluster ${i} of ${ends.length} would have vectors of ${width}.`,
    );
  });
}

/**
 * Word vectors that are narrower the rarer the words (Baevski & Auli 2019, §3), each cluster with a
 * projection to the model's width, and multiplied by √hiddenSize (Vaswani et al. 2017, §3.4). Keys:
 * `emb_layers.<i>.weight` [words, width] and `emb_projs.<i>` [hiddenSize, width]; with `divVal` 1 one
 * table, and a projection where `embedSize` is not `hiddenSize`.
 */
export class AdaptiveEmbedding {
  readonly tables: readonly Embedding[];
  readonly projections: readonly (Parameter | undefined)[];
  readonly #clusters: readonly Cluster[];
  readonly #hiddenSize: number;

  /** @throws ModelError `BAD_CONFIG`, see `clustersOf` */
  constructor(weights: Weights, options: AdaptiveOptions) {
    const { vocabSize, embedSize, hiddenSize, divVal = 1, initializer } = options;
    const { projectionInitializer = normal(0.01) } = options;
    const clusters = clustersOf(options);
    this.#clusters = divVal === 1 ? [{ start: 0, end: vocabSize, width: embedSize }] : clusters;
    this.#hiddenSize = hiddenSize;
    this.tables = this.#clusters.map(
      ({ start, end, width }, i) =>
        new Embedding(weights.at('emb_layers', i), {
          numEmbeddings: end - start,
          embeddingDim: width,
          ...(initializer && { initializer }),
        }),
    );
    this.projections = this.#clusters.map(({ width }, i) =>
      divVal === 1 && width === hiddenSize
        ? undefined
        : weights.at('emb_projs').parameter(`${i}`, [hiddenSize, width], projectionInitializer),
    );
  }

  /** ids int32 [...] → [..., hiddenSize] @throws ModelError `ID_OUT_OF_RANGE` */
  forward(ids: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const flat = tf.reshape(ids, [ids.size]);
      const rows = this.#clusters.length === 1 ? this.#project(0, flat) : this.#byCluster(flat);
      return tf.reshape(tf.mul(rows, Math.sqrt(this.#hiddenSize)), [
        ...ids.shape,
        this.#hiddenSize,
      ]);
    });
  }

  /** Words of one cluster, counted from its start: [words] → [words, hiddenSize]. */
  #project(cluster: number, ids: tf.Tensor): tf.Tensor {
    const vectors = this.tables[cluster]!.forward(ids);
    const projection = this.projections[cluster];
    return projection === undefined ? vectors : linear(vectors, projection);
  }

  /** [words] → [words, hiddenSize]: cluster after cluster, and then in the order of the text. */
  #byCluster(ids: tf.Tensor): tf.Tensor {
    const values = ids.dataSync<'int32'>();
    const places = placesByCluster(values, this.#clusters);
    const outside = values.length - places.reduce((sum, { length }) => sum + length, 0);
    if (outside > 0) {
      throw new ModelError(
        'ID_OUT_OF_RANGE',
        `${outside} ids are not from 0 to ${this.#clusters.at(-1)!.end - 1}. Were they made for another model?`,
      );
    }
    const parts = places.flatMap((at, i) => {
      if (at.length === 0) return [];
      const local = Int32Array.from(at, (place) => values[place]! - this.#clusters[i]!.start);
      return [this.#project(i, tf.tensor1d(local, 'int32'))];
    });
    return inOrder(parts, places);
  }
}

/** Where the words of each cluster stand; a word of none stands nowhere. */
export function placesByCluster(ids: ArrayLike<number>, clusters: readonly Cluster[]): number[][] {
  const places = clusters.map((): number[] => []);
  for (let i = 0; i < ids.length; i++) {
    const cluster = clusters.findIndex(({ start, end }) => ids[i]! >= start && ids[i]! < end);
    if (cluster >= 0) places[cluster]!.push(i);
  }
  return places;
}

/** Rows that were computed cluster by cluster, each put at its place. */
export function inOrder(parts: tf.Tensor[], places: readonly number[][]): tf.Tensor {
  const all = places.flat();
  const from = new Int32Array(all.length);
  all.forEach((place, i) => {
    from[place] = i;
  });
  const rows = parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
  return embedding(rows, tf.tensor1d(from, 'int32'));
}
