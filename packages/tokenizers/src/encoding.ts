import type { Rows, TextOf } from './rows.js';
import { END, ID, PADDING, SEQUENCE, START, TEXT, TYPE, WIDTH, WORD } from './rows.js';

const COLUMNS = [
  ...(['ids', 'tokens', 'offsets', 'wordIds', 'sequenceIds', 'typeIds'] as const),
  ...(['attentionMask', 'specialTokensMask', 'overflowing'] as const),
];

/**
 * What a text was encoded to; `model.forward(encoding)` takes it as it is, as a batch of one. Its
 * columns, one entry a token in each, are made when they are first asked for.
 */
export class Encoding {
  /** With `returnOverflowing`: what truncation cut off, as encodings of the same form. */
  readonly overflowing: Encoding[];
  /** The tokens as numbers, as they travel between threads. */
  readonly rows: Rows;
  readonly #textOf: TextOf;
  readonly #columns: unknown[][] = [];

  constructor(rows: Rows, textOf: TextOf) {
    this.rows = rows;
    this.#textOf = textOf;
    this.overflowing = rows.overflowing.map((part) => new Encoding(part, textOf));
  }

  /** The column `key`: what `of` makes of each token's cell of the kind `cell`. */
  #column<T>(key: number, cell: number, of: (value: number, place: number) => T): T[] {
    const known = this.#columns[key] as T[] | undefined;
    if (known !== undefined) return known;
    const { cells } = this.rows;
    const column: T[] = new Array(this.length);
    for (let i = 0, at = 0; at < cells.length; i++, at += WIDTH)
      column[i] = of(cells[at + cell]!, at);
    this.#columns[key] = column;
    return column;
  }

  /** Number of tokens, padding included. */
  get length(): number {
    return this.rows.cells.length / WIDTH;
  }

  /** Ids of the tokens. */
  get ids(): number[] {
    return this.#column(0, ID, asIs);
  }

  /** The tokens as the vocabulary spells them; an added token as it was found in the text. */
  get tokens(): string[] {
    const { cells, texts } = this.rows;
    return this.#column(1, ID, (id, at) => texts[cells[at + TEXT]! - 1] ?? this.#textOf(id) ?? '');
  }

  /** The token's part of the text: `text.slice(start, end)`; `[0, 0]` for tokens that were put in. */
  get offsets(): [start: number, end: number][] {
    const { cells } = this.rows;
    return this.#column(2, START, (start, at) => [start, cells[at + END]!]);
  }

  /** The index of the word the token is of; null for tokens that were put in. */
  get wordIds(): (number | null)[] {
    return this.#column(3, WORD, orNull);
  }

  /** 0 for tokens of the text, 1 for those of the pair, null for tokens that were put in. */
  get sequenceIds(): (number | null)[] {
    return this.#column(4, SEQUENCE, orNull);
  }

  /** Segment of each token: 0 for the first sequence, 1 for the second (for BERT). */
  get typeIds(): number[] {
    return this.#column(5, TYPE, asIs);
  }

  /** 1 for tokens, 0 for padding. */
  get attentionMask(): number[] {
    return this.#column(6, SEQUENCE, (sequence) => (sequence === PADDING ? 0 : 1));
  }

  /** 1 for tokens that were put in, 0 for those of the text. */
  get specialTokensMask(): number[] {
    return this.#column(7, SEQUENCE, (sequence) => (sequence < 0 ? 1 : 0));
  }

  /** The ids, under the name that models take them by. */
  get inputIds(): number[] {
    return this.ids;
  }

  /** The type ids, under the name that models take them by. */
  get tokenTypeIds(): number[] {
    return this.typeIds;
  }

  /** The place of the token in its text; undefined for tokens that were put in. */
  tokenToChars(token: number): [start: number, end: number] | undefined {
    return this.sequenceIds[token] == null ? undefined : this.offsets[token];
  }

  /** The index of the token's word; undefined for tokens that were put in. */
  tokenToWord(token: number): number | undefined {
    return this.wordIds[token] ?? undefined;
  }

  /** The index of the token that has the character at `position`, of the text (0) or the pair (1). */
  charToToken(position: number, sequence = 0): number | undefined {
    const token = this.offsets.findIndex(
      ([start, end], i) => this.sequenceIds[i] === sequence && start <= position && position < end,
    );
    return token < 0 ? undefined : token;
  }

  /** The index of the word that has the character at `position`, of the text (0) or the pair (1). */
  charToWord(position: number, sequence = 0): number | undefined {
    const token = this.charToToken(position, sequence);
    return token === undefined ? undefined : this.tokenToWord(token);
  }

  /** The tokens of a word, from `start` to before `end`, of the text (0) or the pair (1). */
  wordToTokens(word: number, sequence = 0): [start: number, end: number] | undefined {
    const isOfWord = (id: number | null, i: number) =>
      id === word && this.sequenceIds[i] === sequence;
    const start = this.wordIds.findIndex(isOfWord);
    return start < 0 ? undefined : [start, this.wordIds.findLastIndex(isOfWord) + 1];
  }

  /** The place of a word in its text, of the text (0) or the pair (1). */
  wordToChars(word: number, sequence = 0): [start: number, end: number] | undefined {
    const tokens = this.wordToTokens(word, sequence);
    return tokens && [this.offsets[tokens[0]]![0], this.offsets[tokens[1] - 1]![1]];
  }

  /** All the columns: what `JSON.stringify` gives, and Node's `console.log` shows. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(COLUMNS.map((name) => [name, this[name]]));
  }

  static {
    Object.defineProperty(Encoding.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: Encoding) {
        return this.toJSON();
      },
    });
  }
}

const asIs = (value: number) => value;
const orNull = (value: number) => (value < 0 ? null : value);

/** Several encodings; `model.forward(batch)` takes it as it is: each column is an array of rows. */
export class BatchEncoding {
  constructor(
    /** The encodings, one a text (with `returnOverflowing`, each has its overflow). */
    readonly encodings: Encoding[],
  ) {}

  /** Number of rows. */
  get length(): number {
    return this.encodings.length;
  }

  get inputIds(): number[][] {
    return this.encodings.map((encoding) => encoding.ids);
  }

  get attentionMask(): number[][] {
    return this.encodings.map((encoding) => encoding.attentionMask);
  }

  get tokenTypeIds(): number[][] {
    return this.encodings.map((encoding) => encoding.typeIds);
  }

  [Symbol.iterator](): IterableIterator<Encoding> {
    return this.encodings[Symbol.iterator]();
  }
}
