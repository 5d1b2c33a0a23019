import { resized } from './resized.js';
import { type Rows, WIDTH } from './rows.js';

const FEW = 256 * WIDTH;
const MANY = FEW << 8;

/** Where the tokens of a sequence are collected, as rows. */
export class TokenSink {
  cells: Int32Array = new Int32Array(FEW);
  /** How many of the cells are taken. */
  size = 0;
  /** The number of words so far: the index of the next one. */
  wordCount = 0;
  #sequence = 0;
  #texts: string[] = [];

  /** Starts the tokens of a text (0) or its pair (1); `texts` is the list of the rows to be. */
  begin(sequence: number, texts: string[]): void {
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

  /** The tokens so far. */
  rows(): Rows {
    return { cells: this.cells.slice(0, this.size), texts: this.#texts, overflowing: [] };
  }
}
