// The tokens of a text while it is being cut.
import { END, type Segment, START, WIDTH, WORD } from './segments.js';

const FEW = 256 * WIDTH;
const MANY = FEW << 8;

/** A list of tokens that is used again and again. */
export class Tokens {
  /** As those of a segment, as far as `size`. */
  cells: Int32Array = new Int32Array(FEW);
  size = 0;
  /** The number of words so far: the index of the next one. */
  words = 0;
  texts: string[] = [];
  #idsOnly = false;

  /** Starts anew. With `idsOnly`, the cells are to be the ids alone. */
  clear(idsOnly = false): void {
    if (this.cells.length > MANY) this.cells = new Int32Array(FEW); // a long text's room is given back
    this.size = this.words = 0;
    this.texts = [];
    this.#idsOnly = idsOnly;
  }

  push(id: number, start: number, end: number, word: number): void {
    this.append(Int32Array.of(id, start, end, word - this.words), 0, WIDTH, 0, 0);
  }

  /** Appends `count` numbers from `list[from…]`, of so many words, which begin at `place`. */
  append(list: Int32Array, from: number, count: number, words: number, place: number): void {
    let { cells, size } = this;
    while (size + count > cells.length) {
      this.cells = new Int32Array(2 * cells.length);
      this.cells.set(cells);
      cells = this.cells;
    }
    const word = this.words;
    for (let i = from; i < from + count; i += WIDTH) {
      cells[size++] = list[i]!;
      if (this.#idsOnly) continue;
      cells[size++] = place + list[i + START]!;
      cells[size++] = place + list[i + END]!;
      cells[size++] = word + list[i + WORD]!;
    }
    this.size = size;
    this.words = word + words;
  }

  segment(sequence: number): Segment {
    const { cells, size, texts } = this;
    return { cells: cells.slice(0, size), texts, sequence, type: sequence };
  }
}
