import { type CausalModel, type CausalState, modelOutput, Random } from '@multihead/nn';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

export interface ToyOptions {
  vocabSize?: number;
  contextLength?: number;
  seed?: number;
  eos?: number[];
  bos?: number;
  pad?: number;
  /** In place of the random ones: of the token that follows these. */
  logits?: (seen: number[]) => number[];
}

/**
 * A causal model whose logits follow from the last two tokens it saw that are no padding, or from a
 * function. Its state is a tensor, so that one that is not given back shows.
 */
export class ToyModel implements CausalModel<ToyState> {
  readonly config = { toJson: () => ({}) };
  readonly parameters = new Map();
  readonly vocabSize: number;
  readonly contextLength: number | undefined;
  readonly specialTokens;
  /** Tokens read so far, over all steps and rows. */
  reads = 0;
  readonly #options: ToyOptions;

  constructor(options: ToyOptions = {}) {
    const { vocabSize = 12, contextLength, eos = [], bos, pad } = options;
    this.#options = options;
    this.vocabSize = vocabSize;
    this.contextLength = contextLength;
    this.specialTokens = { bos, eos, pad };
  }

  /** Of the token that follows. */
  logits(seen: number[]): number[] {
    const { logits, seed = 0 } = this.#options;
    if (logits) return logits(seen);
    const random = new Random(seed, seen.at(-2) ?? -1, seen.at(-1)!);
    return Array.from({ length: this.vocabSize }, () => Math.fround(2 * random.normal()));
  }

  createState({
    batch,
    capacity,
    leftPadding,
  }: Parameters<CausalModel['createState']>[0]): ToyState {
    const padding = leftPadding ? Array.from(leftPadding) : Array<number>(batch).fill(0);
    return new ToyState(padding, capacity ?? Number.POSITIVE_INFINITY);
  }

  step(ids: number[][], state: ToyState, options: { outputHiddenStates?: boolean } = {}) {
    if (ids.length !== state.batch) throw new Error('another batch than the state has');
    state.append(ids);
    this.reads += ids.length * ids[0]!.length;
    for (const seen of state.rows) {
      if (seen.length > (this.contextLength ?? Number.POSITIVE_INFINITY)) {
        throw new Error('more than the context');
      }
    }
    return modelOutput(() => {
      const logits = tf.tensor2d(state.rows.map((seen) => this.logits(seen)));
      if (!options.outputHiddenStates) return { logits };
      const hidden = ids.map((row) => row.map((id) => [Math.cos(id), Math.sin(id), 0.1 * id]));
      return { logits, hiddenStates: [tf.tensor3d(hidden)] };
    });
  }

  dispose(): void {}
}

class ToyState implements CausalState {
  #held = tf.keep(tf.zeros([1]));
  #ids: number[][];
  #padding: number[];
  readonly capacity: number;

  constructor(padding: number[], capacity: number) {
    this.#padding = padding;
    this.#ids = padding.map(() => []);
    this.capacity = capacity;
  }

  get batch(): number {
    return this.#ids.length;
  }

  get length(): number {
    return this.#ids[0]!.length;
  }

  /** What each row has seen, padding left out. */
  get rows(): number[][] {
    return this.#ids.map((ids, row) => ids.slice(this.#padding[row]));
  }

  append(ids: number[][]): void {
    if (this.length + ids[0]!.length > this.capacity) throw new Error('more than the capacity');
    ids.forEach((row, i) => void this.#ids[i]!.push(...row));
  }

  select(rows: ArrayLike<number>): void {
    const order = Array.from(rows);
    this.#ids = order.map((row) => [...this.#ids[row]!]);
    this.#padding = order.map((row) => this.#padding[row]!);
  }

  dispose(): void {
    if (!this.#held.isDisposed) this.#held.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
