import type { Random } from '@multihead/nn';
import { drawSeveral } from './choose.js';
import { largest } from './numbers.js';
import type { Settings } from './settings.js';
import type { FinishReason } from './stopping.js';

/** A text in the making, less its ids. */
export interface Beam<Trace> {
  /** Sum of the scores of its tokens. */
  score: number;
  /** Its last token. */
  token: number;
  /** Which of the beams before it goes on. */
  parent: number;
  trace: Trace | undefined;
}

export interface Finished<Trace> {
  ids: number[];
  /** score / length^lengthPenalty */
  score: number;
  reason: FinishReason;
  trace: Trace | undefined;
}

const { fround } = Math; // sums are in float32, as the reference has them
const HARDLY = -1e9;

/**
 * The beams of one prompt (or of one group of them), as transformers 5 moves them on. `Trace` is
 * whatever is to be kept of each token.
 */
export class BeamGroup<Trace> {
  running: Beam<Trace>[];
  /** The tokens that went on, or were the last there is room for, at the last step. */
  chosen: number[] = [];
  /** Best first. */
  finished: Finished<Trace>[] = [];
  /** Whether nothing better can come, or is waited for. */
  isDone = false;
  readonly #size: number;
  readonly #settings: Settings;
  readonly #promptLength: number;

  constructor(settings: Settings, promptLength: number) {
    this.#settings = settings;
    this.#promptLength = promptLength;
    this.#size = settings.numBeams / settings.numBeamGroups;
    // All beams begin as the same text, so that only one of them counts.
    this.running = Array.from({ length: this.#size }, (_, i) => ({
      score: i === 0 ? 0 : HARDLY,
      token: -1,
      parent: 0,
      trace: undefined,
    }));
  }

  /**
   * Takes a step.
   *
   * @param scores of what may follow each running beam
   * @param rows the ids of each running beam
   * @param end whether a text ends with its last token, and why
   * @param traceOf what to keep of a token that follows a beam
   */
  advance(
    scores: readonly Float32Array[],
    rows: readonly (readonly number[])[],
    end: (ids: readonly number[]) => FinishReason | undefined,
    traceOf: (beam: number, token: number) => Trace | undefined,
    random?: Random,
  ): void {
    const length = rows[0]!.length + 1;
    const candidates = this.#candidates(scores, random).map((beam) => {
      const ids = [...rows[beam.parent]!, beam.token];
      return { beam, ids, reason: end(ids) };
    });
    for (const { beam } of candidates) beam.trace = traceOf(beam.parent, beam.token);
    const ended = candidates.slice(0, this.#size).flatMap(({ beam, ids, reason }) => {
      if (reason === undefined) return [];
      const score = fround(beam.score / (length - this.#promptLength) ** this.#lengthPenalty);
      return [{ ids, score, reason, trace: beam.trace }];
    });
    this.chosen = candidates
      .filter(({ reason }) => reason !== 'eos')
      .slice(0, this.#size)
      .map(({ beam }) => beam.token);
    this.finished = [...this.finished, ...ended]
      .sort((a, b) => b.score - a.score)
      .slice(0, this.#size);
    this.running = candidates
      .filter(({ reason }) => reason === undefined)
      .map(({ beam }) => beam)
      .sort((a, b) => b.score - a.score)
      .slice(0, this.#size);
    // The reference's search with groups hopes for as much as the best candidate has, ended or not.
    const { numBeamGroups } = this.#settings;
    const best = numBeamGroups > 1 ? candidates[0]?.beam : this.running[0];
    this.isDone = this.running.length === 0 || (this.#isFull && !this.#mayImprove(best!, length));
  }

  get #isFull(): boolean {
    return this.finished.length === this.#size;
  }

  get #lengthPenalty(): number {
    return this.#settings.lengthPenalty ?? 1;
  }

  /**
   * The best continuations of all beams: as many as leave `size` that go on, though all others end.
   * Drawn ones come in the order they were drawn in.
   */
  #candidates(scores: readonly Float32Array[], random?: Random): Beam<Trace>[] {
    const vocabSize = scores[0]!.length;
    const sums = new Float32Array(scores.length * vocabSize);
    scores.forEach((row, beam) => {
      const { score } = this.running[beam]!;
      for (let i = 0; i < vocabSize; i++) sums[beam * vocabSize + i] = row[i]! + score;
    });
    const count = Math.max(2, 1 + this.#settings.eos.length) * this.#size;
    const chosen = random ? drawSeveral(sums, count, random) : largest(sums, count);
    return chosen
      .filter((i) => sums[i]! > Number.NEGATIVE_INFINITY)
      .map((i) => ({
        score: sums[i]!,
        token: i % vocabSize,
        parent: Math.floor(i / vocabSize),
        trace: undefined,
      }));
  }

  /** Whether a running beam might yet beat the worst finished text. */
  #mayImprove({ score }: Beam<Trace>, length: number): boolean {
    const { earlyStopping = false, maxLength } = this.#settings;
    if (earlyStopping === true) return false;
    const penalty = this.#lengthPenalty;
    const reached = earlyStopping === 'never' && penalty > 0 ? maxLength : length;
    const hoped = fround(score / (reached - this.#promptLength) ** penalty);
    return hoped > this.finished.at(-1)!.score;
  }
}
