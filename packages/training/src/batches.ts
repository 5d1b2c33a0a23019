import { Random } from '@multihead/nn';
import { TrainingError } from './errors.js';

/** Examples by index: an array, or something that fetches them. */
export interface Dataset<Example> {
  readonly length: number;
  at(index: number): Example | undefined | Promise<Example | undefined>;
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
 * `shuffle` is off), as one endless row. Place k is a pure function of the seed and k, so a resumed run goes on where it was, and every
 * batch is full: one that begins in an epoch may end in the next.
 */
export class DataOrder {
  #epoch = -1;
  #order = new Uint32Array(0);

  /** @throws TrainingError `BAD_OPTION` for an empty dataset */
  constructor(
    readonly length: number,
    readonly seed: number,
    readonly shuffle = true,
  ) {
    if (Number.isSafeInteger(length) && length > 0 && length < 2 ** 32) return;
    throw new TrainingError(
      'BAD_OPTION',
      `The dataset's length is ${length}; training needs examples.`,
    );
  }

  /** Places `start` up to, not including, `end`. */
  places(start: number, end: number): Place[] {
    return Array.from({ length: end - start }, (_, i) => {
      const epoch = Math.floor((start + i) / this.length);
      const at = (start + i) % this.length;
      return { epoch, index: this.shuffle ? this.#permutation(epoch)[at]! : at };
    });
  }

  #permutation(epoch: number): Uint32Array {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = new Random(this.seed, 'order', epoch).shuffle(
        Uint32Array.from({ length: this.length }, (_, i) => i),
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
  const examples = await Promise.all(places.map(({ index }) => dataset.at(index)));
  examples.forEach((example, i) => {
    if (example !== undefined) return;
    throw new TrainingError('BAD_BATCH', `The dataset has no example ${places[i]!.index}.`);
  });
  const randoms = places.map(({ epoch, index }) => new Random(seed, 'collate', epoch, index));
  return collate(examples as Example[], randoms);
}
