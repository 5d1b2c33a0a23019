import { KeyValueCache, MASKED } from '@multihead/attention';
import { type CausalState, type CausalStateOptions, ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';

/**
 * What a GPT remembers of the tokens it has seen: the keys and values of every layer, which Hugging
 * Face's library calls `past_key_values`. Written in place, row by row of a batch.
 */
export class GPTState implements CausalState {
  /** One a layer. */
  readonly caches: readonly KeyValueCache[];
  /** The most tokens it can see, padding included. */
  readonly capacity: number;
  readonly #heads: number;
  #leftPadding: number[];

  /** @throws ModelError `BAD_INPUT` for a batch, capacity or padding that is no such number */
  constructor(config: GPTConfig, { batch, capacity, leftPadding }: CausalStateOptions) {
    const padding = leftPadding ? Array.from(leftPadding) : Array<number>(batch).fill(0);
    const most = Math.max(...padding, 0);
    const room = capacity ?? config.nPositions + most;
    const isCount = (n: number, least: number) => Number.isSafeInteger(n) && n >= least;
    if (!isCount(batch, 1) || !isCount(room, 1)) {
      throw new ModelError(
        'BAD_INPUT',
        `A state has at least a row and room for a token, not ${batch} rows and ${room} tokens.`,
      );
    }
    if (padding.length !== batch || !padding.every((n) => isCount(n, 0))) {
      throw new ModelError(
        'BAD_INPUT',
        `leftPadding says for each of ${batch} rows how many tokens are padding, not [${padding}].`,
      );
    }
    this.capacity = room;
    this.#heads = config.nHead;
    this.#leftPadding = padding;
    // Without a capacity the caches grow, since the whole context may be more than anyone will need.
    const size = { batch, width: config.nEmbd, ...(capacity !== undefined && { capacity }) };
    this.caches = Array.from({ length: config.nLayer }, () => new KeyValueCache(size));
  }

  get batch(): number {
    return this.caches[0]!.batch;
  }

  get length(): number {
    return this.caches[0]!.length;
  }

  /** How many of each row's first tokens are padding. */
  get leftPadding(): readonly number[] {
    return this.#leftPadding;
  }

  select(rows: ArrayLike<number>): void {
    for (const cache of this.caches) cache.select(rows);
    this.#leftPadding = Array.from(rows, (row) => this.#leftPadding[row]!);
  }

  truncate(length: number): void {
    for (const cache of this.caches) cache.truncate(length);
  }

  /** A layer's keys and values as Hugging Face shows them, each [batch, heads, length, headSize]. */
  keyValues(layer: number): { key: tf.Tensor; value: tf.Tensor } {
    const { keys, values, length, batch } = this.caches[layer]!;
    const perHead = (store: tf.Tensor) =>
      tf.tidy(() => {
        const width = store.shape[2]!;
        const held = tf.slice(store, [0, 0, 0], [batch, length, width]);
        const shape = [batch, length, this.#heads, width / this.#heads];
        return tf.transpose(tf.reshape(held, shape), [0, 2, 1, 3]);
      });
    return { key: perHead(keys), value: perHead(values) };
  }

  /** Hides the padding before each row: [batch, 1, 1, seen], or nothing where there is none. */
  paddingMask(seen: number): tf.Tensor | undefined {
    const { batch } = this;
    if (this.#leftPadding.every((n) => n === 0)) return undefined;
    const values = new Float32Array(batch * seen);
    this.#leftPadding.forEach((n, row) => {
      values.fill(MASKED, row * seen, row * seen + Math.min(n, seen));
    });
    return tf.tensor(values, [batch, 1, 1, seen], 'float32');
  }

  /** Frees the memory. Using the state afterwards is an error. */
  dispose(): void {
    for (const cache of this.caches) cache.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
