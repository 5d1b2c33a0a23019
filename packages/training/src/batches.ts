import { Random } from '@multihead/nn';
import { TrainingError } from './errors.js';

/** Examples by index: an array, or something that fetches them. */
export interface Dataset<Example> {
  readonly length: number;
  /** For data of which each epoch makes others, as drawn segments are, the epoch counts too. */
  at(index: number, epoch: number): Example | undefined | Promise<Example | undefined>;
  /** How many examples an epoch has, where that differs from one to the next; `length` is epoch 0's. */
  lengthOf?(epoch: number): number;
}

/**
 * Makes a batch of examples. `randoms` has a generator for each example, drawn from the run's seed, the
 * epoch and the example's index: a collator that takes its randomness from there alone gives the same
 * batch in a run that was resumed. Plain arrays are best; tensors in the batch are freed after the step.
 */
export type Collate<Example, Batch> = (
  examples: readonly Example[],
  randoms: readonly Random[],
) => Batch | Promise<Batch>;

/** Where in the data an example of a run is. */
export interface Place {
  epoch: number;
  /** In the dataset. */
  index: number;
}

/**
 * The order in which a run goes through its data: epoch after epoch, each shuffled anew (unless
 * `shuffle` is off), as one endless row. Place k is a pure function of the seed and k, so a resumed run
 * goes on where it was, and every batch is full: one that begins in an epoch may end in the next.
 */
export class DataOrder {
  /** Where each epoch begins, as far as anybody asked. */
  readonly #starts: number[] = [0];
  #epoch = -1;
  #order = new Uint32Array(0);

  /** @throws TrainingError `BAD_OPTION` for an empty dataset */
  constructor(
    readonly dataset: Pick<Dataset<unknown>, 'length' | 'lengthOf'>,
    readonly seed: number,
    readonly shuffle = true,
  ) {
    const { length } = dataset;
    if (Number.isSafeInteger(length) && length > 0 && length < 2 ** 32) return;
    throw new TrainingError(
      'BAD_OPTION',
      `The dataset's length is ${length}; training needs examples.`,
    );
  }

  /** Places `start` up to, not including, `end`. */
  places(start: number, end: number): Place[] {
    return Array.from({ length: end - start }, (_, i) => {
      const { epoch, at } = this.#find(start + i);
      return { epoch, index: this.shuffle ? this.#permutation(epoch)[at]! : at };
    });
  }

  /** Passes over the data before place k. */
  epochsUpTo(k: number): number {
    const { epoch, at } = this.#find(k);
    return epoch + at / this.#lengthOf(epoch);
  }

  #find(k: number): { epoch: number; at: number } {
    const { dataset } = this;
    if (dataset.lengthOf === undefined) {
      return { epoch: Math.floor(k / dataset.length), at: k % dataset.length };
    }
    const starts = this.#starts;
    while (starts.at(-1)! <= k) starts.push(starts.at(-1)! + this.#lengthOf(starts.length - 1));
    const epoch = starts.findLastIndex((start) => start <= k);
    return { epoch, at: k - starts[epoch]! };
  }

  #lengthOf(epoch: number): number {
    return this.dataset.lengthOf?.(epoch) ?? this.dataset.length;
  }

  #permutation(epoch: number): Uint32Array {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = new Random(this.seed, 'order', epoch).shuffle(
        Uint32Array.from({ length: this.#lengthOf(epoch) }, (_, i) => i),
      );
    }
    return this.#order;
  }
}

/** Fetches the examples at these places and collates them. */
export async function collateAt<Example, Batch>(
  dataset: Dataset<Example>,
  collate: Collate<Example, Batch>,
  seed: number,
  places: readonly Place[],
): Promise<Batch> {
  const examples = await Promise.all(places.map(({ index, epoch }) => dataset.at(index, epoch)));
  examples.forEach((example, i) => {
    if (example !== undefined) return;
    throw new TrainingError('BAD_BATCH', `The dataset has no example ${places[i]!.index}.`);
  });
  const randoms = places.map(({ epoch, index }) => new Random(seed, 'collate', epoch, index));
  return collate(examples as Example[], randoms);
}
