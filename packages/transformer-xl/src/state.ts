import { KeyValueCache } from '@multihead/attention';
import { type CausalState, type CausalStateOptions, ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { Distances } from './attention.js';
import type { TransfoXLConfig } from './config.js';
import { checkMemories, firstMemories, type Memories } from './memories.js';

export interface TransfoXLStateOptions extends CausalStateOptions {
  /**
   * What is remembered to begin with, which stays the caller's. Default `memLen` tokens of zeros, as in
   * Hugging Face's library, or with `emptyStart` nothing at all.
   */
  mems?: Memories | undefined;
}

/**
 * What a Transformer-XL remembers of the tokens it has seen: as many of them as `memLen` says. With
 * relative attention it has their keys and values, and what each distance adds to scores, so that a step
 * computes what is new. Absolute positions change all keys with each step: there it has hidden states.
 */
export class TransfoXLState implements CausalState {
  #batch: number;
  #length = 0;
  #mems: tf.Tensor[] | undefined;
  #distances: { count: number; layers: Distances[] } | undefined;
  #leftPadding: number[];
  /** How many of each row's oldest memories are padding, where there was room for it. */
  #absent: number[];
  readonly #memLen: number;
  readonly capacity: number | undefined;
  /** Keys and values, one a layer, with relative attention. */
  readonly caches: readonly KeyValueCache[];

  /** @throws ModelError `BAD_INPUT` for a batch, capacity or padding that is no such number; `WRONG_SHAPE` */
  constructor(config: TransfoXLConfig, options: TransfoXLStateOptions) {
    const { batch, capacity, leftPadding, mems } = options;
    const { attnType, nLayer, nHead, dHead, memLen } = config;
    const padding = leftPadding ? Array.from(leftPadding) : Array<number>(batch).fill(0);
    const isCount = (n: number, least: number) => Number.isSafeInteger(n) && n >= least;
    if (!isCount(batch, 1) || (capacity !== undefined && !isCount(capacity, 1))) {
      throw new ModelError(
        'BAD_INPUT',
        `A state has at least a row and room for a token, not ${batch} rows and ${capacity} tokens.`,
      );
    }
    if (padding.length !== batch || !padding.every((n) => isCount(n, 0))) {
      throw new ModelError(
        'BAD_INPUT',
        `leftPadding says for each of ${batch} rows how many tokens are padding, not [${padding}].`,
      );
    }
    if (mems) checkMemories(mems, batch, config);
    this.#batch = batch;
    this.#leftPadding = padding;
    this.#absent = padding.map(() => 0);
    this.#memLen = memLen;
    this.capacity = capacity;
    const first = mems?.map((mem) => tf.clone(mem)) ?? firstMemories(config, batch, memLen);
    this.#mems = first.map((mem) => tf.keep(mem));
    const most = Math.min(memLen, first[0]!.shape[1]! + (capacity ?? memLen));
    const width = nHead * dHead;
    // With room for some more tokens, what is kept is seldom moved.
    const size = { batch, width, capacity: most + Math.ceil(most / 8) + 1, canGrow: true };
    const cached = attnType < 2 && memLen > 0 ? nLayer : 0;
    this.caches = Array.from({ length: cached }, () => new KeyValueCache(size));
  }

  get batch(): number {
    return this.#batch;
  }

  /** Tokens each row has seen, padding included; not what `mems` brought. */
  get length(): number {
    return this.#length;
  }

  /**
   * Hidden states, one tensor [batch, tokens, dModel] a layer, of tokens after those in `caches`: with
   * relative attention only what the state began with, before its first step.
   *
   * @throws ModelError `DISPOSED`
   */
  get mems(): readonly tf.Tensor[] {
    if (this.#mems) return this.#mems;
    throw new ModelError('DISPOSED', 'The state was used after dispose().');
  }

  /** How many tokens are remembered. */
  get remembered(): number {
    return (this.caches[0]?.length ?? 0) + this.mems[0]!.shape[1]!;
  }

  /** How many of each row's oldest memories are not there. */
  get absent(): readonly number[] {
    return this.#absent;
  }

  /** How many of the next `length` tokens are padding, in each row. */
  paddingOf(length: number): number[] {
    return this.#leftPadding.map((n) => Math.min(Math.max(n - this.#length, 0), length));
  }

  /** @throws ModelError `WRONG_SHAPE` for another batch, `CONTEXT_EXCEEDED` where there is no room */
  expectRoom(batch: number, length: number): void {
    if (batch !== this.#batch) {
      throw new ModelError(
        'WRONG_SHAPE',
        `The tokens are ${batch} rows, and the state has ${this.#batch}.`,
      );
    }
    if (this.capacity !== undefined && this.#length + length > this.capacity) {
      throw new ModelError(
        'CONTEXT_EXCEEDED',
        `The state has room for ${this.capacity} tokens and has seen ${this.#length}; ${length} more do not fit. Make it with a larger capacity, or without one.`,
      );
    }
  }

  /**
   * What distances add to scores, layer by layer, where the state has keys: what `make` gave for so many
   * of them, or more, but not for twice as many, as a long prompt's.
   */
  distances(keys: number, make: (count: number) => Distances[]): readonly Distances[] | undefined {
    if (this.caches.length === 0) return undefined;
    const count = Math.max(keys, this.#memLen + 1); // enough for every step of one token
    const known = this.#distances;
    if (known && known.count >= count && known.count < 2 * count) return known.layers;
    const layers = make(count);
    this.#freeDistances();
    for (const tensor of tensorsOf(layers)) tf.keep(tensor);
    this.#distances = { count, layers };
    return layers;
  }

  /**
   * Has seen `length` more tokens, whose keys and values are in the caches, or after which it remembers
   * `mems`; takes over copies of them.
   */
  advance(length: number, mems: Memories | undefined): void {
    const padding = this.paddingOf(length);
    const seen = this.caches[0]?.length ?? this.remembered + length;
    for (const cache of this.caches) cache.forget(Math.max(cache.length - this.#memLen, 0));
    if (mems) this.#replace(mems.map((mem) => tf.clone(mem)));
    else if (this.mems[0]!.size > 0) this.#replace(this.mems.map(emptied));
    const forgotten = seen - this.remembered;
    this.#absent = this.#absent.map((n, row) => Math.max(n + padding[row]! - forgotten, 0));
    this.#length += length;
  }

  select(rows: ArrayLike<number>): void {
    const order = Array.from(rows);
    const isRow = (row: number) => Number.isInteger(row) && row >= 0 && row < this.#batch;
    if (order.length === 0 || !order.every(isRow)) {
      throw new ModelError(
        'BAD_INPUT',
        `select takes rows from 0 to ${this.#batch - 1}, at least one, not [${order}].`,
      );
    }
    this.#replace(tf.tidy(() => this.mems.map((mem) => selected(mem, order))));
    for (const cache of this.caches) cache.select(order);
    this.#absent = order.map((row) => this.#absent[row]!);
    this.#leftPadding = order.map((row) => this.#leftPadding[row]!);
    this.#batch = order.length;
  }

  #replace(mems: tf.Tensor[]): void {
    tf.dispose(this.mems as tf.Tensor[]);
    this.#mems = mems.map((mem) => tf.keep(mem));
  }

  #freeDistances(): void {
    tf.dispose(tensorsOf(this.#distances?.layers ?? []));
    this.#distances = undefined;
  }

  /** Frees the memory. Using the state afterwards is an error. */
  dispose(): void {
    tf.dispose(this.#mems ?? []);
    this.#mems = undefined;
    for (const cache of this.caches) cache.dispose();
    this.#freeDistances();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const tensorsOf = (layers: readonly Distances[]): tf.Tensor[] =>
  layers.flatMap(({ positions, distanceBias }) =>
    distanceBias ? [positions, distanceBias] : [positions],
  );

const emptied = ({ shape: [batch, , width] }: tf.Tensor): tf.Tensor =>
  tf.zeros([batch!, 0, width!]);

const selected = (mem: tf.Tensor, rows: number[]): tf.Tensor =>
  mem.size === 0
    ? tf.zeros([rows.length, ...mem.shape.slice(1)])
    : tf.gather(mem, tf.tensor1d(rows, 'int32'));
