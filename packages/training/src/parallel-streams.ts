import { Random } from '@multihead/nn';
import { expectWhole, TrainingError } from './errors.js';

export interface StreamsOptions {
  /** Texts side by side, each a part of the whole: rows of a batch. */
  batchSize: number;
  /** Tokens foretold in a segment (the original's `tgt_len`). */
  segmentLength: number;
  /** How many of the tokens before stand in front of each segment again; default 0. */
  extLen?: number;
  /**
   * Segments of lengths drawn around `segmentLength`, or in one of twenty around its half, with a
   * deviation of 5, at least 5 long (Merity et al. 2018, §5); the same in every epoch. Default false.
   */
  variableLength?: boolean;
  /** Of the drawn lengths. Default 0. */
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
  /** Where segments begin, and where the last ends. */
  readonly #bounds: number[] = [0];

  /** @throws TrainingError `BAD_OPTION` for lengths that are none, or a text too short to foretell a token */
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
    const all = Int32Array.from(ids);
    this.#streams = Array.from({ length: batchSize }, (_, row) =>
      all.subarray(row * each, (row + 1) * each),
    );
    const random = new Random(seed, 'segments');
    const end = each - 1; // the last token is foretold, and foretells nothing
    for (let at = 0; at < end; ) {
      at += variableLength ? drawnLength(segmentLength, random) : segmentLength;
      this.#bounds.push(Math.min(at, end));
    }
    this.batchSize = batchSize;
    this.segmentLength = segmentLength;
    this.extLen = extLen;
  }

  /** Segments. */
  get length(): number {
    return this.#bounds.length - 1;
  }

  at(index: number): Segment | undefined {
    const [start, end] = [this.#bounds[index], this.#bounds[index + 1]];
    if (start === undefined || end === undefined) return undefined;
    const from = Math.max(0, start - this.extLen);
    return {
      inputIds: this.#streams.map((stream) => stream.slice(from, end)),
      targets: this.#streams.map((stream) => stream.slice(start + 1, end + 1)),
      isFirst: index === 0,
    };
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
