import { END, ID, START, WIDTH, WORD } from './rows.js';
import type { TokenSink } from './token-sink.js';

const MOST_CHUNKS = 1 << 16;
/** Chunks of more UTF-16 units are not kept. */
const LONGEST = 48;

interface Chunk {
  units: number[];
  /** Of each token: id, start, end and word, from the chunk's own start. */
  tokens: number[];
  wordCount: number;
}

/** Appends the tokens of `text[start…end)` to the sink in use. */
export type Cut = (text: string, start: number, end: number) => void;

/**
 * The tokens of chunks of text seen before, found without making a string of the chunk. It is
 * bounded: a full cache is emptied, and fills again with the chunks in use.
 */
export class ChunkCache {
  readonly #chunks = new Map<number, Chunk>();

  /** Does what `cut` does, which is asked only about chunks that are not known. */
  cut(text: string, start: number, end: number, sink: TokenSink, cut: Cut): void {
    if (end - start > LONGEST) {
      cut(text, start, end);
      return;
    }
    let hash = 0;
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) ^ (hash >>> 15);
    }
    hash &= 0x3fffffff; // engines find small integers sooner
    const known = this.#chunks.get(hash);
    if (known !== undefined && isAt(text, start, end, known.units)) {
      const { tokens } = known;
      const word = sink.wordCount;
      for (let i = 0; i < tokens.length; i += 4) {
        sink.push(tokens[i]!, start + tokens[i + 1]!, start + tokens[i + 2]!, word + tokens[i + 3]!);
      }
      sink.wordCount += known.wordCount;
      return;
    }
    const { size, wordCount } = sink;
    cut(text, start, end);
    const tokens: number[] = [];
    const { cells } = sink;
    for (let at = size; at < sink.size; at += WIDTH) {
      tokens.push(cells[at + ID]!, cells[at + START]! - start);
      tokens.push(cells[at + END]! - start, cells[at + WORD]! - wordCount);
    }
    const units = Array.from({ length: end - start }, (_, i) => text.charCodeAt(start + i));
    if (this.#chunks.size === MOST_CHUNKS) this.#chunks.clear();
    this.#chunks.set(hash, { units, tokens, wordCount: sink.wordCount - wordCount });
  }
}

function isAt(text: string, start: number, end: number, units: readonly number[]): boolean {
  if (units.length !== end - start) return false;
  for (let i = 0; i < units.length; i++) {
    if (units[i] !== text.charCodeAt(start + i)) return false;
  }
  return true;
}
