import { Random } from '@multihead/nn';
import { expectWhole, TrainingError } from './errors.js';
import { tokenIds } from './token-ids.js';

export interface StreamsOptions {
  /** Texts side by side, each a part of the whole: rows of a batch. */
  batchSize: number;
  /** Tokens foretold in a segment (the original's `tgt_len`). */
  segmentLength: number;
  /** How many of the tokens before stand in front of each segment again; default 0. */
  extLen?: number;
  /**
   * Segments of lengths drawn around `segmentLength`, or in one of twenty around its half, with a
   * deviation of 5, at least 5 long (Merity et al. 2018, §5); others in each epoch. Default false.
   */
  variableLength?: boolean;
  /** Of the drawn lengths, which follow from it and the epoch alone. Default 0. */
  seed?: number;
}

/** A step along all streams at once. */
export interface Segment {
  /** [batchSize][extLen + length], fewer where the text begins */
  inputIds: Int32Array[];
  /** What follows each of the last positions: [batchSize][length] */
  targets: Int32Array[];
  /** Whether the streams begin here, with nothing to remember. */
  isFirst: boolean;
}

/** Of drawn lengths, as the original has it. */
const SHORTEST = 5;
const DEVIATION = 5;

/**
 * A text as parallel streams: `batchSize` parts of one length, through which a model with a memory goes
 * side by side, segment after segment (Dai et al. 2019, §3.2; the original's `LMOrderedIterator`). What
 * does not fill a part is left out. A dataset of segments, to be taken in order.
 */
export class ParallelStreams {
  readonly batchSize: number;
  readonly segmentLength: number;
  readonly extLen: number;
  readonly #streams: Int32Array[];
  /** Seed of drawn lengths; undefined where none are drawn. */
  readonly #drawnBy: number | undefined;
  /** Of one epoch, where its segments begin, and where the last ends. */
  #bounds: { epoch: number; at: number[] };

  /** @throws TrainingError `BAD_OPTION` for lengths that are none, ids that are none, or a text too short to foretell a token */
  constructor(ids: ArrayLike<number>, options: StreamsOptions) {
    const { batchSize, segmentLength, extLen = 0, variableLength = false, seed = 0 } = options;
    expectWhole('ParallelStreams: batchSize', batchSize, 1);
    expectWhole('ParallelStreams: segmentLength', segmentLength, 1);
    expectWhole('ParallelStreams: extLen', extLen, 0);
    const each = Math.floor(ids.length / batchSize);
    if (each < 2) {
      throw new TrainingError(
        'BAD_OPTION',
        `A text of ${ids.length} tokens leaves nothing to foretell in ${batchSize} streams; take fewer.`,
      );
    }
    const all = tokenIds('ParallelStreams: ids', ids);
    this.#streams = Array.from({ length: batchSize }, (_, row) =>
      all.subarray(row * each, (row + 1) * each),
    );
    this.batchSize = batchSize;
    this.segmentLength = segmentLength;
    this.extLen = extLen;
    this.#drawnBy = variableLength ? seed : undefined;
    this.#bounds = { epoch: 0, at: this.#cut(0) };
  }

  /** Segments, of epoch 0. */
  get length(): number {
    return this.lengthOf(0);
  }

  /** How many segments an epoch has. */
  lengthOf(epoch: number): number {
    return this.#boundsOf(epoch).length - 1;
  }

  at(index: number, epoch = 0): Segment | undefined {
    const bounds = this.#boundsOf(epoch);
    const [start, end] = [bounds[index], bounds[index + 1]];
    if (start === undefined || end === undefined) return undefined;
    const from = Math.max(0, start - this.extLen);
    return {
      inputIds: this.#streams.map((stream) => stream.slice(from, end)),
      targets: this.#streams.map((stream) => stream.slice(start + 1, end + 1)),
      isFirst: index === 0,
    };
  }

  #boundsOf(epoch: number): number[] {
    if (this.#drawnBy !== undefined && epoch !== this.#bounds.epoch) {
      this.#bounds = { epoch, at: this.#cut(epoch) };
    }
    return this.#bounds.at;
  }

  #cut(epoch: number): number[] {
    const { segmentLength } = this;
    const random =
      this.#drawnBy === undefined ? undefined : new Random(this.#drawnBy, 'segments', epoch);
    const end = this.#streams[0]!.length - 1; // the last token is foretold, and foretells nothing
    const bounds = [0];
    for (let at = 0; at < end; ) {
      at += random ? drawnLength(segmentLength, random) : segmentLength;
      bounds.push(Math.min(at, end));
    }
    return bounds;
  }

  *[Symbol.iterator](): Generator<Segment> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }
}

function drawnLength(segmentLength: number, random: Random): number {
  const mean = random.uniform() < 0.95 ? segmentLength : segmentLength / 2;
  const drawn = Math.trunc(mean + DEVIATION * random.normal());
  return Math.min(segmentLength + 3 * DEVIATION, Math.max(SHORTEST, drawn));
}
