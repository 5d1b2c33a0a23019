import { TokenizerError } from './errors.js';

/** The columns of an encoding while it is put together: one entry a token in each. */
export interface Rows {
  ids: number[];
  /** Where the token begins in its text, in UTF-16 units … */
  starts: number[];
  /** … and ends. */
  ends: number[];
  wordIds: (number | null)[];
  sequenceIds: (number | null)[];
  typeIds: number[];
  specialTokensMask: number[];
  attentionMask: number[];
  /** The tokens' text, where the id does not tell it. */
  texts: (string | undefined)[];
  /** What truncation cut off, in parts. */
  overflowing: Rows[];
}

/** Which side is padded or cut off. */
export type Side = 'left' | 'right';

/** What a text was encoded to; `model.forward(encoding)` takes it as it is, as a batch of one. */
export class Encoding {
  /** Ids of the tokens. */
  readonly ids: number[];
  /** The index of the word the token is of; null for tokens that were put in. */
  readonly wordIds: (number | null)[];
  /** 0 for tokens of the text, 1 for those of the pair, null for tokens that were put in. */
  readonly sequenceIds: (number | null)[];
  /** Segment of each token: 0 for the first sequence, 1 for the second (for BERT). */
  readonly typeIds: number[];
  /** 1 for tokens, 0 for padding. */
  readonly attentionMask: number[];
  /** 1 for tokens that were put in, 0 for those of the text. */
  readonly specialTokensMask: number[];
  /** With `returnOverflowing`: what truncation cut off, as encodings of the same form. */
  readonly overflowing: Encoding[];
  #tokens: string[] | undefined;
  #offsets: [start: number, end: number][] | undefined;
  readonly #starts: number[];
  readonly #ends: number[];
  readonly #texts: (string | undefined)[];
  readonly #idToToken: (id: number) => string | undefined;

  constructor(rows: Rows, idToToken: (id: number) => string | undefined) {
    this.ids = rows.ids;
    this.#starts = rows.starts;
    this.#ends = rows.ends;
    this.wordIds = rows.wordIds;
    this.sequenceIds = rows.sequenceIds;
    this.typeIds = rows.typeIds;
    this.attentionMask = rows.attentionMask;
    this.specialTokensMask = rows.specialTokensMask;
    this.overflowing = rows.overflowing.map((part) => new Encoding(part, idToToken));
    this.#texts = rows.texts;
    this.#idToToken = idToToken;
  }

  /** Number of tokens, padding included. */
  get length(): number {
    return this.ids.length;
  }

  /** The token's part of the text: `text.slice(start, end)`; `[0, 0]` for tokens that were put in. */
  get offsets(): [start: number, end: number][] {
    this.#offsets ??= this.#starts.map((start, i) => [start, this.#ends[i]!]);
    return this.#offsets;
  }

  /** The tokens as the vocabulary spells them; an added token as it was found in the text. */
  get tokens(): string[] {
    this.#tokens ??= this.ids.map((id, i) => this.#texts[i] ?? this.#idToToken(id) ?? '');
    return this.#tokens;
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

/** Rows of tokens that are put in: they have no place in a text. */
export function insertedRows(ids: number[], typeId: number, texts: string[]): Rows {
  return {
    ids,
    starts: ids.map(() => 0),
    ends: ids.map(() => 0),
    wordIds: ids.map(() => null),
    sequenceIds: ids.map(() => null),
    typeIds: ids.map(() => typeId),
    specialTokensMask: ids.map(() => 1),
    attentionMask: ids.map(() => 1),
    texts,
    overflowing: [],
  };
}

function slice(rows: Rows, start: number, end: number): Rows {
  return {
    ids: rows.ids.slice(start, end),
    starts: rows.starts.slice(start, end),
    ends: rows.ends.slice(start, end),
    wordIds: rows.wordIds.slice(start, end),
    sequenceIds: rows.sequenceIds.slice(start, end),
    typeIds: rows.typeIds.slice(start, end),
    specialTokensMask: rows.specialTokensMask.slice(start, end),
    attentionMask: rows.attentionMask.slice(start, end),
    texts: rows.texts.slice(start, end),
    overflowing: [],
  };
}

/** The columns of all parts, one after the other, without their overflow. */
function concat(parts: readonly Rows[]): Rows {
  const column = <T>(of: (rows: Rows) => T[]): T[] => {
    const [first, ...rest] = parts.map(of);
    return (first ?? []).concat(...rest);
  };
  return {
    ids: column((rows) => rows.ids),
    starts: column((rows) => rows.starts),
    ends: column((rows) => rows.ends),
    wordIds: column((rows) => rows.wordIds),
    sequenceIds: column((rows) => rows.sequenceIds),
    typeIds: column((rows) => rows.typeIds),
    specialTokensMask: column((rows) => rows.specialTokensMask),
    attentionMask: column((rows) => rows.attentionMask),
    texts: column((rows) => rows.texts),
    overflowing: [],
  };
}

/** Joins two: the overflow is every combination of their parts but the first. */
function join(a: Rows, b: Rows): Rows {
  const joined = concat([a, b]);
  for (const part of a.overflowing) {
    joined.overflowing.push(concat([part, b]));
    for (const other of b.overflowing) joined.overflowing.push(concat([part, other]));
  }
  for (const other of b.overflowing) joined.overflowing.push(concat([a, other]));
  return joined;
}

/** All the rows as one. */
export function joinRows(parts: Rows[]): Rows {
  return parts.some((part) => part.overflowing.length > 0) ? parts.reduce(join) : concat(parts);
}

/** Cuts the rows to `length`; the rest follows in parts of that length, each `stride` tokens back. */
export function truncateRows(rows: Rows, length: number, stride: number, side: Side): Rows {
  const total = rows.ids.length;
  if (length >= total) return rows;
  if (length === 0) return { ...slice(rows, 0, 0), overflowing: [rows] };
  if (stride >= length) {
    throw new TokenizerError(
      'BAD_OPTION',
      `stride ${stride} must be less than the ${length} tokens of text that fit: lower it or raise maxLength`,
    );
  }
  const parts: Rows[] = [];
  for (let done = 0, end = false; !end; done += length - stride) {
    const [from, to] =
      side === 'right'
        ? [done, Math.min(done + length, total)]
        : [Math.max(total - done - length, 0), total - done];
    end = side === 'right' ? to === total : from === 0;
    parts.push(slice(rows, from, to));
  }
  const [first, ...overflowing] = parts;
  return { ...first!, overflowing };
}

/** How rows are made up to a length. */
export interface Pad {
  id: number;
  typeId: number;
  token: string;
  side: Side;
}

/** The rows, and their overflow, made up to `length`. */
export function padRows(rows: Rows, length: number, pad: Pad): Rows {
  const overflowing = rows.overflowing.map((part) => padRows(part, length, pad));
  const missing = length - rows.ids.length;
  if (missing <= 0) return { ...rows, overflowing };
  const filler = insertedRows(
    new Array(missing).fill(pad.id),
    pad.typeId,
    new Array(missing).fill(pad.token),
  );
  filler.attentionMask.fill(0);
  const bare = { ...rows, overflowing: [] };
  return { ...(pad.side === 'left' ? join(filler, bare) : join(bare, filler)), overflowing };
}
