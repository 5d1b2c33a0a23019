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
 */
export class KeyValueCache {
  readonly #canGrow: boolean;
  readonly #widths: [key: number, value: number];
  /** Keys and values, [batch, room, width]; the room may be larger than the length, never smaller. */
  #stores: [keys: tf.Tensor, values: tf.Tensor] | undefined;
  #batch: number;
  #capacity: number;
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

  /** How many it can hold before it grows, or before `append` is an error. */
  get capacity(): number {
    return this.#capacity;
  }

  /** [batch, room, width]: the first `length` positions count. The cache's own; do not dispose. */
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
    const [position, length] = [this.#length, this.#length + added];
    this.#makeRoom(length);
    if (hasKernel('MhCacheWrite')) {
      if (this.keys.shape[1]! < length) this.#become((store) => this.#copied(store));
      for (const [i, cache] of this.#alive().entries()) {
        const { x, column } = news[i]!;
        runKernel('MhCacheWrite', { cache, x }, { position, column });
      }
    } else {
      this.#become((store, i) => {
        const { x, column } = news[i]!;
        const part = tf.slice(x, [0, 0, column], [this.#batch, added, this.#widths[i]]);
        return tf.concat([held(store, position), part], 1);
      });
    }
    this.#length = length;
  }

  /**
   * Forgets all but the first positions.
   *
   * @throws ModelError `BAD_INPUT` for a length that is none, or more than the cache holds
   */
  truncate(length: number): void {
    if (!(Number.isInteger(length) && length >= 0 && length <= this.#length)) {
      throw new ModelError(
        'BAD_INPUT',
        `A cache of ${this.#length} positions cannot be cut to ${length}.`,
      );
    }
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
    const length = this.#length;
    if (!hasKernel('MhCacheReorder')) {
      this.#become((store) => chosenRows(held(store, length), chosen));
    } else if (chosen.length === this.#batch) {
      for (const cache of this.#alive()) {
        runKernel('MhCacheReorder', { cache }, { rows: chosen, length });
      }
    } else {
      this.#become((store) => this.#copied(store, chosen));
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

  #makeRoom(length: number): void {
    if (length > this.#capacity && !this.#canGrow) {
      throw new ModelError(
        'CONTEXT_EXCEEDED',
        `The cache has room for ${this.#capacity} positions and would hold ${length}. ` +
          'Make it with a larger capacity or with canGrow: true, or truncate it.',
      );
    }
    while (this.#capacity < length) this.#capacity *= 2;
  }

  /** The held positions in memory of its own with all the room, row i from row `rows[i]`. */
  #copied(cache: tf.Tensor, rows = Array.from({ length: this.#batch }, (_, i) => i)): tf.Tensor {
    const attrs = { rows, length: this.#length, room: this.#capacity };
    return runKernel('MhCacheCopy', { cache }, attrs)[0]!;
  }

  /** Puts new tensors in the place of keys and values. They outlive any tidy. */
  #become(make: (store: tf.Tensor, i: 0 | 1) => tf.Tensor): void {
    const stores = this.#alive();
    const made = tf.tidy(() => [make(stores[0], 0), make(stores[1], 1)] as const);
    tf.dispose(stores);
    this.#stores = [tf.keep(made[0]), tf.keep(made[1])];
  }
}

/** The first positions of keys or values. */
function held(store: tf.Tensor, length: number): tf.Tensor {
  const [batch, , width] = store.shape as [number, number, number];
  return tf.slice(store, [0, 0, 0], [batch, length, width]);
}

function chosenRows(store: tf.Tensor, rows: number[]): tf.Tensor {
  const [, length, width] = store.shape as [number, number, number];
  // tfjs's wasm gather answers an empty tensor with one of another rank.
  if (length === 0) return tf.zeros([rows.length, 0, width]);
  return tf.gather(store, tf.tensor1d(rows, 'int32'));
}
