import { resized } from './resized.js';
import { END, ID, type Rows, SEQUENCE, START, TEXT, TYPE, WIDTH, WORD } from './rows.js';

const FEW = 256 * WIDTH;
const MANY = FEW << 8;

/** Where the tokens of a sequence are collected, as rows. */
export class TokenSink {
  cells: Int32Array = new Int32Array(FEW);
  /** How many of the cells are taken. */
  size = 0;
  /** The number of words so far: the index of the next one. */
  wordCount = 0;
  #idsOnly = false;
  #sequence = 0;
  #texts: string[] = [];

  /**
   * Starts the tokens of a text (0) or its pair (1); `texts` is the list of the rows to be. With
   * `idsOnly` what is appended may lack all but the id.
   */
  begin(sequence: number, texts: string[], idsOnly = false): void {
    this.#idsOnly = idsOnly;
    this.#sequence = sequence;
    this.#texts = texts;
    this.size = this.wordCount = 0;
    if (this.cells.length > MANY) this.cells = new Int32Array(FEW); // a long text's room is given back
  }

  /** Appends a token; `text` is given if the id does not tell it. */
  push(id: number, start: number, end: number, word: number, text?: string): void {
    let at = this.size;
    if (at === this.cells.length) this.cells = resized(this.cells, 2 * at);
    const { cells } = this;
    cells[at++] = id;
    cells[at++] = start;
    cells[at++] = end;
    cells[at++] = word;
    cells[at++] = this.#sequence;
    cells[at++] = this.#sequence; // its type, unless the post-processor gives another
    cells[at++] = text === undefined ? 0 : this.#texts.push(text);
    this.size = at;
  }

  /**
   * Appends tokens from `list[from…to)`, where each has id, start, end and word, relative to `place`
   * and to the next word, of which there are `words`.
   */
  append(list: Int32Array, from: number, to: number, place: number, words: number): void {
    const word = this.wordCount;
    const sequence = this.#sequence;
    let at = this.size;
    while (at + (to - from) * 2 > this.cells.length) {
      this.cells = resized(this.cells, 2 * this.cells.length);
    }
    const { cells } = this;
    if (this.#idsOnly) {
      for (let i = from; i < to; i += 4, at += WIDTH) cells[at + ID] = list[i]!;
    } else
      for (let i = from; i < to; i += 4, at += WIDTH) {
        cells[at + ID] = list[i]!;
        cells[at + START] = place + list[i + 1]!;
        cells[at + END] = place + list[i + 2]!;
        cells[at + WORD] = word + list[i + 3]!;
        cells[at + SEQUENCE] = sequence;
        cells[at + TYPE] = sequence;
        cells[at + TEXT] = 0;
      }
    this.size = at;
    this.wordCount = word + words;
  }

  /** The tokens so far. */
  rows(): Rows {
    return { cells: this.cells.slice(0, this.size), texts: this.#texts, overflowing: [] };
  }
}
