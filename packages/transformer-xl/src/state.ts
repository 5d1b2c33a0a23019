import { type CausalState, type CausalStateOptions, ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { TransfoXLConfig } from './config.js';
import { checkMemories, firstMemories, type Memories } from './memories.js';

export interface TransfoXLStateOptions extends CausalStateOptions {
  /**
   * What is remembered to begin with, which stays the caller's. Default `memLen` tokens of zeros, as in
   * Hugging Face's library, or with `emptyStart` nothing at all.
   */
  mems?: Memories | undefined;
}

/** What a Transformer-XL remembers of the tokens it has seen: as many of them as `memLen` says. */
export class TransfoXLState implements CausalState {
  #batch: number;
  #length = 0;
  #mems: tf.Tensor[] | undefined;
  #leftPadding: number[];
  /** How many of each row's oldest memories are padding, where there was room for it. */
  #absent: number[];
  readonly capacity: number | undefined;

  /** @throws ModelError `BAD_INPUT` for a batch, capacity or padding that is no such number; `WRONG_SHAPE` */
  constructor(config: TransfoXLConfig, options: TransfoXLStateOptions) {
    const { batch, capacity, leftPadding, mems } = options;
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
    this.capacity = capacity;
    const first = mems?.map((mem) => tf.clone(mem)) ?? firstMemories(config, batch, config.memLen);
    this.#mems = first.map((mem) => tf.keep(mem));
  }

  get batch(): number {
    return this.#batch;
  }

  /** Tokens each row has seen, padding included; not what `mems` brought. */
  get length(): number {
    return this.#length;
  }

  /** One tensor [batch, remembered, dModel] a layer, the state's own. @throws ModelError `DISPOSED` */
  get mems(): readonly tf.Tensor[] {
    if (this.#mems) return this.#mems;
    throw new ModelError('DISPOSED', 'The state was used after dispose().');
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

  /** Has seen `length` more tokens, after which it remembers these; takes over copies of them. */
  advance(length: number, mems: Memories | undefined): void {
    const [before, after] = [this.mems[0]!, mems?.[0]].map((mem) => mem?.shape[1] ?? 0) as [
      number,
      number,
    ];
    const forgotten = before + length - after;
    const padding = this.paddingOf(length);
    this.#absent = this.#absent.map((n, row) => Math.max(n + padding[row]! - forgotten, 0));
    this.#length += length;
    if (mems) this.#replace(mems.map((mem) => tf.clone(mem)));
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
    this.#absent = order.map((row) => this.#absent[row]!);
    this.#leftPadding = order.map((row) => this.#leftPadding[row]!);
    this.#batch = order.length;
  }

  #replace(mems: tf.Tensor[]): void {
    tf.dispose(this.mems as tf.Tensor[]);
    this.#mems = mems.map((mem) => tf.keep(mem));
  }

  /** Frees the memory. Using the state afterwards is an error. */
  dispose(): void {
    tf.dispose(this.#mems ?? []);
    this.#mems = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const selected = (mem: tf.Tensor, rows: number[]): tf.Tensor =>
  mem.size === 0
    ? tf.zeros([rows.length, ...mem.shape.slice(1)])
    : tf.gather(mem, tf.tensor1d(rows, 'int32'));
