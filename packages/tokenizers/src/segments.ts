// The tokens of a text while they are put together, cut off and padded.

// Of each token there are four numbers, one after the other: its id, …
/** … where it begins in its text, in UTF-16 units, … */
export const START = 1;
/** … where it ends, … */
export const END = 2;
/** … and the index of its word, -1 for none. */
export const WORD = 3;
export const WIDTH = 4;

/** The sequence of a token that was put in, and … */
const INSERTED = -1;
/** … that of padding. */
export const PADDING = -2;

/** The text of a token by its id. */
export type TextOf = (id: number) => string | undefined;

/** Tokens in a row that are of one sequence; the row of an encoding is a few of them. */
export interface Segment {
  readonly cells: number[] | Int32Array;
  /** Texts that the id does not tell, by the index of the token: few of them are there. */
  readonly texts: readonly string[];
  /** 0 for the text, 1 for the pair, or less for what was put in. */
  readonly sequence: number;
  readonly type: number;
}

/** Which side is padded or cut off. */
export type Side = 'left' | 'right';

/** Number of tokens. */
export function countOf(row: readonly Segment[]): number {
  return row.reduce((sum, { cells }) => sum + cells.length, 0) / WIDTH;
}

/** A token that is put in, with no place in a text, `times` over. */
export function inserted(
  id: number,
  type: number,
  text: string,
  textOf: TextOf,
  times = 1,
  sequence: number = INSERTED,
): Segment {
  const cells = new Int32Array(times * WIDTH);
  for (let at = 0; at < cells.length; at += WIDTH) {
    cells[at] = id;
    cells[at + WORD] = -1;
  }
  const texts = textOf(id) === text ? [] : new Array<string>(times).fill(text);
  return { cells, texts, sequence, type };
}

/** Tokens `start` to before `end`. */
export function slice(segment: Segment, start: number, end: number): Segment {
  return {
    ...segment,
    cells: segment.cells.slice(start * WIDTH, end * WIDTH),
    texts: segment.texts.slice(start, end),
  };
}
