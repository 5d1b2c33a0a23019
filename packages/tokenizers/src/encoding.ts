import {
  countOf,
  END,
  PADDING,
  type Segment,
  START,
  type TextOf,
  WIDTH,
  WORD,
} from './segments.js';

/** What each column makes of a token, whose numbers begin at `at` in its segment. */
const COLUMNS: Record<string, (segment: Segment, at: number, textOf: TextOf) => unknown> = {
  ids: ({ cells }, at) => cells[at],
  tokens: ({ cells, texts }, at, textOf) => texts[at / WIDTH] ?? textOf(cells[at]!) ?? '',
  offsets: ({ cells }, at) => [cells[at + START], cells[at + END]],
  wordIds: ({ cells }, at) => orNull(cells[at + WORD]!),
  sequenceIds: ({ sequence }) => orNull(sequence),
  typeIds: ({ type }) => type,
  attentionMask: ({ sequence }) => Number(sequence !== PADDING),
  specialTokensMask: ({ sequence }) => Number(sequence < 0),
};
const orNull = (value: number) => (value < 0 ? null : value);

/**
 * What a text was encoded to; `model.forward(encoding)` takes it as it is, as a batch of one. Its
 * columns, one entry a token in each, are made when they are first asked for.
 */
export class Encoding {
  /** Ids of the tokens. */
  declare readonly ids: number[];
  /** The tokens as the vocabulary spells them; an added token as it was found in the text. */
  declare readonly tokens: string[];
  /** The token's part of the text: `text.slice(start, end)`; `[0, 0]` for tokens that were put in. */
  declare readonly offsets: [start: number, end: number][];
  /** The index of the word the token is of; null for tokens that were put in. */
  declare readonly wordIds: (number | null)[];
  /** 0 for tokens of the text, 1 for those of the pair, null for tokens that were put in. */
  declare readonly sequenceIds: (number | null)[];
  /** Segment of each token: 0 for the first sequence, 1 for the second (for BERT). */
  declare readonly typeIds: number[];
  /** 1 for tokens, 0 for padding. */
  declare readonly attentionMask: number[];
  /** 1 for tokens that were put in, 0 for those of the text. */
  declare readonly specialTokensMask: number[];
  /** With `returnOverflowing`: what truncation cut off, as encodings of the same form. */
  readonly overflowing: Encoding[];
  /** The row of the text and those of what was cut off it, as they travel between threads. */
  readonly rows: readonly (readonly Segment[])[];
  readonly #columns: Record<string, unknown[]> = {};
  readonly #textOf: TextOf;

  constructor(rows: readonly (readonly Segment[])[], textOf: TextOf) {
    this.rows = rows;
    this.#textOf = textOf;
    this.overflowing = rows.slice(1).map((row) => new Encoding([row], textOf));
  }

  static {
    for (const [name, of] of Object.entries(COLUMNS)) {
      Object.defineProperty(Encoding.prototype, name, {
        get(this: Encoding) {
          let column = this.#columns[name];
          if (column === undefined) {
            column = [];
            for (const segment of this.rows[0]!) {
              for (let at = 0; at < segment.cells.length; at += WIDTH) {
                column.push(of(segment, at, this.#textOf));
              }
            }
            this.#columns[name] = column;
          }
          return column;
        },
      });
    }
    // What Node's `console.log` shows.
    Object.assign(Encoding.prototype, {
      [Symbol.for('nodejs.util.inspect.custom')]: Encoding.prototype.toJSON,
    });
  }

  /** Number of tokens, padding included. */
  get length(): number {
    return countOf(this.rows[0]!);
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

  /** All the columns, for `JSON.stringify`. */
  toJSON(): Record<string, unknown> {
    const names = [...Object.keys(COLUMNS), 'overflowing'] as (keyof this)[];
    return Object.fromEntries(names.map((name) => [name, this[name]]));
  }
}

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
