import { embedding, type Parameter } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Sinusoids of whole numbers (Vaswani et al. 2017, §3.5; here all sines stand before all cosines): row d is
 * sin(d·f), cos(d·f) for the frequencies f = 10000^(−2i/size). Each is computed once.
 */
export class Sinusoids {
  #table: Float32Array = new Float32Array(0);
  readonly #frequencies: Float32Array;

  constructor(readonly size: number) {
    // In float32 throughout, as the reference has it: far away, an angle's rounding shows.
    this.#frequencies = Float32Array.from({ length: size / 2 }, (_, i) => {
      return 1 / Math.fround(10000 ** Math.fround((2 * i) / size));
    });
  }

  /** Of these distances: [distances, size]. */
  at(distances: readonly number[]): tf.Tensor {
    const { size } = this;
    const most = distances.reduce((far, distance) => Math.max(far, distance), 0) + 1;
    if (this.#table.length < most * size) this.#table = this.#computed(most);
    const rows = new Float32Array(distances.length * size);
    distances.forEach((d, i) => {
      rows.set(this.#table.subarray(d * size, (d + 1) * size), i * size);
    });
    return tf.tensor(rows, [distances.length, size], 'float32');
  }

  #computed(count: number): Float32Array {
    const half = this.size / 2;
    const table = new Float32Array(count * this.size);
    for (let d = 0; d < count; d++) {
      for (let i = 0; i < half; i++) {
        const angle = Math.fround(d * this.#frequencies[i]!);
        table[d * this.size + i] = Math.sin(angle);
        table[d * this.size + half + i] = Math.cos(angle);
      }
    }
    return table;
  }
}

/** Tokens that stand in a row: the last of them `behind` steps before the segment's end. */
export interface Placed {
  x: tf.Tensor; // [batch, length, dModel]
  layer: number;
  behind: number;
  /** Distances beyond this count as this; 0 or less: none is too far. */
  clampLen: number;
}

/** Positions, counted from the segment's end, that are added to what goes into layers. */
export interface AbsolutePositions {
  add(tokens: Placed): tf.Tensor;
}

/** Sinusoids, before the first layer (Vaswani et al. 2017, §3.5). */
export class SinusoidalPositions implements AbsolutePositions {
  readonly #sinusoids: Sinusoids;

  constructor(size: number) {
    this.#sinusoids = new Sinusoids(size);
  }

  add({ x, layer, behind, clampLen }: Placed): tf.Tensor {
    if (layer > 0) return x;
    const most = clampLen > 0 ? clampLen : Number.POSITIVE_INFINITY;
    const distances = before(behind, x.shape[1]!).map((distance) => Math.min(distance, most));
    return tf.add(x, this.#sinusoids.at(distances));
  }
}

/** A learnt vector for each position, before every layer (Al-Rfou et al. 2018). */
export class LearntPositions implements AbsolutePositions {
  /** vectors [layers, positions, heads, headSize], the farthest first */
  constructor(readonly vectors: Parameter) {}

  add({ x, layer, behind }: Placed): tf.Tensor {
    const [layers, most, heads, headSize] = this.vectors.shape as [number, number, number, number];
    const table = tf.reshape(this.vectors.value, [layers * most, heads * headSize]);
    return tf.add(x, embedding(table, learntRows(before(behind, x.shape[1]!), layer, most)));
  }
}

/** How far before the segment's end each of so many tokens is. */
const before = (behind: number, length: number): number[] =>
  Array.from({ length }, (_, i) => behind + length - 1 - i);

/**
 * Where a table of all layers [layers · positions, …], the farthest first in each, has these distances;
 * what is farther than was learnt counts as the farthest.
 */
export function learntRows(distances: number[], layer: number, positions: number): tf.Tensor {
  const rows = distances.map((distance) => Math.max(positions - 1 - distance, 0));
  return tf.tensor1d(
    rows.map((row) => layer * positions + row),
    'int32',
  );
}
