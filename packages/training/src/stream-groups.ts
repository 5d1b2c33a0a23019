import type { Dataset } from './batches.js';
import { expectWhole, TrainingError } from './errors.js';
import type { ParallelStreams, Segment } from './parallel-streams.js';

/** A segment of some of the streams. */
export interface GroupedSegment extends Segment {
  /** Which of them; absent where it is of no one step. */
  group?: number;
}

/**
 * Parallel streams in groups of as many each: a dataset in which the groups of a step follow each other
 * (the original's `batch_chunk`).
 */
export class StreamGroups implements Dataset<GroupedSegment> {
  readonly #streams: ParallelStreams;
  readonly #groups: number;

  /** @throws TrainingError `BAD_OPTION` for streams that do not make so many groups */
  constructor(streams: ParallelStreams, groups: number) {
    expectWhole('gradientAccumulationSteps', groups, 1);
    if (streams.batchSize % groups !== 0) {
      throw new TrainingError(
        'BAD_OPTION',
        `gradientAccumulationSteps is ${groups}; ${streams.batchSize} streams cannot be cut into so many groups of one size.`,
      );
    }
    this.#streams = streams;
    this.#groups = groups;
  }

  get length(): number {
    return this.lengthOf(0);
  }

  lengthOf(epoch: number): number {
    return this.#groups * this.#streams.lengthOf(epoch);
  }

  at(index: number, epoch: number): GroupedSegment | undefined {
    const segment = this.#streams.at(Math.floor(index / this.#groups), epoch);
    if (segment === undefined) return undefined;
    const group = index % this.#groups;
    const rows = this.#streams.batchSize / this.#groups;
    const ours = (all: Int32Array[]) => all.slice(group * rows, (group + 1) * rows);
    const { inputIds, targets, isFirst } = segment;
    return { inputIds: ours(inputIds), targets: ours(targets), isFirst, group };
  }
}
