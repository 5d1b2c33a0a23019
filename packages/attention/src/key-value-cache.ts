import { hasKernel, isRecording, ModelError, runKernel } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

export interface KeyValueCacheOptions {
  /** Rows of the batch. */
  batch: number;
  /** Floats of a key: heads · headSize. */
  width: number;
  /** Floats of a value: heads · valueSize; default `width`. */
  valueWidth?: number;
  /** For how many positions there is room; without it the room begins at 64 and doubles. */
  capacity?: number;
  /** Let the room double where `capacity` is exceeded, in place of an error; default false. */
  canGrow?: boolean;
}

/**
 * The keys and values of the positions a model has read, so that it need not compute them again: what
 * Hugging Face calls `past_key_values`, one for each layer. `scaledDotProductAttention` appends to it and
 * attends to all it holds.
 *
 * Where the backend has our kernels, it is written in place and read where it lies; elsewhere tensors
 * cannot be written to, and each step copies what there is. It holds no gradient.
 *
 * With `forget` it is a window that moves along a text without end.
 */
export class KeyValueCache {
  readonly #canGrow: boolean;
  readonly #widths: [key: number, value: number];
  /** Keys and values, [batch, room, width]; the room may be larger than the length, never smaller. */
  #stores: [keys: tf.Tensor, values: tf.Tensor] | undefined;
  #batch: number;
  #capacity: number;
  /** What `capacity` was given as: what a cache that has grown and forgotten goes back to. */
  readonly #usual: number;
  #start = 0;
  #length = 0;

  /** @throws ModelError `BAD_CONFIG` for sizes that are not whole numbers from 1 */
  constructor(options: KeyValueCacheOptions) {
    const { batch, width, valueWidth = width, capacity = 64 } = options;
    const { canGrow = options.capacity === undefined } = options;
    for (const [name, size] of Object.entries({ batch, width, valueWidth, capacity })) {
      if (Number.isSafeInteger(size) && size > 0) continue;
      throw new ModelError('BAD_CONFIG', `KeyValueCache: ${name} is ${size}, not from 1.`);
    }
    this.#batch = batch;
    this.#widths = [width, valueWidth];
    this.#capacity = capacity;
    this.#usual = capacity;
    this.#canGrow = canGrow;
    const room = hasKernel('MhCacheWrite') ? capacity : 0;
    this.#stores = [
      tf.keep(tf.zeros([batch, room, width])),
      tf.keep(tf.zeros([batch, room, valueWidth])),
    ];
  }

  /** Rows of the batch. */
  get batch(): number {
    return this.#batch;
  }

  /** How many positions it holds. */
  get length(): number {
    return this.#length;
  }

  /** Where in `keys` and `values` the first of them is: 0 unless some were forgotten. */
  get start(): number {
    return this.#start;
  }

  /** How many it can hold before it grows, or before `append` is an error. */
  get capacity(): number {
    return this.#capacity;
  }

  /** [batch, room, width]: `length` positions from `start` on count. The cache's own; do not dispose. */
  get keys(): tf.Tensor {
    return this.#alive()[0];
  }

  /** [batch, room, valueWidth], as `keys`. */
  get values(): tf.Tensor {
    return this.#alive()[1];
  }

  /**
   * Adds the next positions: key [batch, new, width] and value [batch, new, valueWidth].
   *
   * @throws ModelError `WRONG_SHAPE`; `CONTEXT_EXCEEDED` beyond a capacity that may not grow; `BAD_INPUT` where
   *   gradients are recorded. The cache is as before then.
   */
  append(key: tf.Tensor, value: tf.Tensor): void {
    this.#checkNew(key.shape, value.shape);
    this.#add([
      { x: key, column: 0 },
      { x: value, column: 0 },
    ]);
  }

  /** The same of query, key and value side by side, [batch, new, 3·width], from where they lie. */
  appendSideBySide(qkv: tf.Tensor): void {
    const [batch, added, all] = qkv.shape as [number, number, number];
    const width = all / 3;
    this.#checkNew([batch, added, width], [batch, added, width]);
    this.#add([
      { x: qkv, column: width },
      { x: qkv, column: 2 * width },
    ]);
  }

  #checkNew(key: readonly number[], value: readonly number[]): void {
    this.#alive();
    const wanted = this.#widths.map((width) => `${this.#batch},${key[1] ?? 0},${width}`);
    if (`${key}` === wanted[0] && `${value}` === wanted[1]) return;
    throw new ModelError(
      'WRONG_SHAPE',
      `The cache takes key [${wanted[0]}] and value [${wanted[1]}], not [${key}] and [${value}].`,
    );
  }

  /** Of each tensor [batch, new, …] the keys' or values' columns from `column` on. */
  #add(news: { x: tf.Tensor; column: number }[]): void {
    if (isRecording()) {
      throw new ModelError(
        'BAD_INPUT',
        'A key-value cache holds no gradient. Differentiate a whole sequence, without a cache.',
      );
    }
    const added = news[0]!.x.shape[1]!;
    const length = this.#length + added;
    if (hasKernel('MhCacheWrite')) {
      this.#makeRoom(added);
      const position = this.#start + this.#length;
      for (const [i, cache] of this.#alive().entries()) {
        const { x, column } = news[i]!;
        runKernel('MhCacheWrite', { cache, x }, { position, column });
      }
    } else {
      this.#capacity = this.#capacityFor(length);
      this.#become((store, i) => {
        const { x, column } = news[i]!;
        const part = tf.slice(x, [0, 0, column], [this.#batch, added, this.#widths[i]]);
        return tf.concat([this.#held(store), part], 1);
      });
    }
    this.#length = length;
  }

  /**
   * Forgets the first positions, so that a window moves along: with room to spare beyond it, what is kept
   * is seldom moved. A cache that had grown gives the room back.
   *
   * @throws ModelError `BAD_INPUT` for a number that is none, or more than the cache holds
   */
  forget(count: number): void {
    this.#expectCount(count, `forget ${count}`);
    if (count === 0) return;
    this.#length -= count;
    this.#start = this.#length === 0 ? 0 : this.#start + count;
    const tooLarge = this.#capacity > this.#usual && this.#length <= this.#usual;
    if (tooLarge) this.#capacity = this.#usual;
    if (!hasKernel('MhCacheWrite')) this.#moved((store) => this.#held(store));
    else if (tooLarge) this.#moved((store) => this.#copied(store));
  }

  /**
   * Forgets all but the first positions.
   *
   * @throws ModelError `BAD_INPUT` for a length that is none, or more than the cache holds
   */
  truncate(length: number): void {
    this.#expectCount(length, `be cut to ${length}`);
    this.#length = length;
  }

  /**
   * Makes row i what row `rows[i]` was: the batch reordered, rows repeated or dropped, as beams and
   * finished sequences ask for. The new batch has as many rows as are named.
   *
   * @throws ModelError `BAD_INPUT` for rows there are not, or none
   */
  select(rows: ArrayLike<number>): void {
    this.#alive();
    const chosen = Array.from(rows);
    const isRow = (row: number) => Number.isInteger(row) && row >= 0 && row < this.#batch;
    if (chosen.length === 0 || !chosen.every(isRow)) {
      throw new ModelError(
        'BAD_INPUT',
        `[${chosen}] are not rows of a cache whose batch is ${this.#batch}.`,
      );
    }
    if (!hasKernel('MhCacheReorder')) {
      this.#become((store) => chosenRows(this.#held(store), chosen));
    } else if (chosen.length === this.#batch) {
      for (const cache of this.#alive()) {
        const attrs = { rows: chosen, start: this.#start, length: this.#length };
        runKernel('MhCacheReorder', { cache }, attrs);
      }
    } else {
      this.#moved((store) => this.#copied(store, chosen));
    }
    this.#batch = chosen.length;
  }

  /** Frees the memory. Using the cache afterwards is an error. */
  dispose(): void {
    tf.dispose(this.#stores);
    this.#stores = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #alive(): [keys: tf.Tensor, values: tf.Tensor] {
    if (this.#stores) return this.#stores;
    throw new ModelError('DISPOSED', 'This key-value cache was used after dispose().');
  }

  #expectCount(count: number, what: string): void {
    if (Number.isInteger(count) && count >= 0 && count <= this.#length) return;
    throw new ModelError('BAD_INPUT', `A cache of ${this.#length} positions cannot ${what}.`);
  }

  #capacityFor(length: number): number {
    if (length > this.#capacity && !this.#canGrow) {
      throw new ModelError(
        'CONTEXT_EXCEEDED',
        `The cache has room for ${this.#capacity} positions and would hold ${length}. ` +
          'Make it with a larger capacity or with canGrow: true, or truncate it.',
      );
    }
    let capacity = this.#capacity;
    while (capacity < length) capacity *= 2;
    return capacity;
  }

  /** Behind what it holds, for so many positions. */
  #makeRoom(added: number): void {
    this.#capacity = this.#capacityFor(this.#length + added);
    const end = this.#start + this.#length + added;
    if (end > this.keys.shape[1]!) this.#moved((store) => this.#copied(store));
  }

  /** The held positions in memory of its own with all the room, row i from row `rows[i]`. */
  #copied(cache: tf.Tensor, rows = Array.from({ length: this.#batch }, (_, i) => i)): tf.Tensor {
    const attrs = { rows, start: this.#start, length: this.#length, room: this.#capacity };
    return runKernel('MhCacheCopy', { cache }, attrs)[0]!;
  }

  /** The held positions. */
  #held(store: tf.Tensor): tf.Tensor {
    const [batch, room, width] = store.shape as [number, number, number];
    if (room === this.#length) return store;
    return tf.slice(store, [0, this.#start, 0], [batch, this.#length, width]);
  }

  /** Puts new tensors in the place of keys and values, in which the held positions come first. */
  #moved(make: (store: tf.Tensor) => tf.Tensor): void {
    this.#become(make);
    this.#start = 0;
  }

  /** Puts new tensors in the place of keys and values. They outlive any tidy. */
  #become(make: (store: tf.Tensor, i: 0 | 1) => tf.Tensor): void {
    const stores = this.#alive();
    const made = tf.tidy(() => [make(stores[0], 0), make(stores[1], 1)] as const);
    tf.dispose(stores);
    this.#stores = [tf.keep(made[0]), tf.keep(made[1])];
  }
}

function chosenRows(store: tf.Tensor, rows: number[]): tf.Tensor {
  const [, length, width] = store.shape as [number, number, number];
  // tfjs's wasm gather answers an empty tensor with one of another rank.
  if (length === 0) return tf.zeros([rows.length, 0, width]);
  return tf.gather(store, tf.tensor1d(rows, 'int32'));
}
