import { resized } from './resized.js';
import { END, ID, START, WIDTH, WORD } from './rows.js';
import type { TokenSink } from './token-sink.js';

const SLOTS = 1 << 17;
const MOST_VALUES = 1 << 22;
/** Chunks of more UTF-16 units are not kept. */
const LONGEST = 48;

/** Appends the tokens of `text[start…end)` to the sink in use. */
type Cut = (text: string, start: number, end: number) => void;

/**
 * The tokens of chunks of text seen before, found without making a string of the chunk. It is
 * bounded: a full cache is emptied, and fills again with the chunks in use.
 */
export class ChunkCache {
  readonly #slots = new Int32Array(SLOTS); // where in #values a chunk is, 0 for a free slot
  // Of each chunk: hash, length, number of words, where its tokens end; then its units; then of each
  // token id, start, end and word, from the chunk's own start.
  #values: Int32Array = new Int32Array(1 << 14);
  #size = 1;
  #count = 0;

  /** Does what `cut` does, which is asked only about chunks that are not known. */
  cut(text: string, start: number, end: number, sink: TokenSink, cut: Cut): void {
    const length = end - start;
    if (length > LONGEST) {
      cut(text, start, end);
      return;
    }
    let hash = 0;
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) ^ (hash >>> 15);
    }
    const slots = this.#slots;
    const values = this.#values;
    let slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    for (let at = slots[slot]!; at > 0; at = slots[slot]!) {
      if (values[at] === hash && values[at + 1] === length) {
        const units = at + 4;
        let i = 0;
        while (i < length && values[units + i] === text.charCodeAt(start + i)) i++;
        if (i === length) {
          sink.append(values, units + length, values[at + 3]!, start, values[at + 2]!);
          return;
        }
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
    const { size, wordCount } = sink;
    cut(text, start, end);
    this.#keep(slot, hash, text.slice(start, end), sink, size, wordCount, start);
  }

  /** Keeps in a free slot what was appended to the sink since it had this size and so many words. */
  #keep(
    slot: number,
    hash: number,
    chunk: string,
    { cells, size, wordCount }: TokenSink,
    from: number,
    word: number,
    start: number,
  ): void {
    const most = 4 + LONGEST + size - from;
    if (2 * this.#count === SLOTS || this.#size + most > MOST_VALUES) {
      this.#slots.fill(0);
      this.#size = 1;
      this.#count = 0;
    }
    while (this.#size + most > this.#values.length) {
      this.#values = resized(this.#values, 2 * this.#values.length);
    }
    const values = this.#values;
    let at = this.#size + 4;
    for (let i = 0; i < chunk.length; i++) values[at++] = chunk.charCodeAt(i);
    for (let cell = from; cell < size; cell += WIDTH) {
      values[at++] = cells[cell + ID]!;
      values[at++] = cells[cell + START]! - start;
      values[at++] = cells[cell + END]! - start;
      values[at++] = cells[cell + WORD]! - word;
    }
    values.set([hash, chunk.length, wordCount - word, at], this.#size);
    this.#slots[slot] = this.#size;
    this.#size = at;
    this.#count++;
  }
}
