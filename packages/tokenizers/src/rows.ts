// The tokens of a text while they are put together, cut off and padded.
import { badOption } from './errors.js';

// Of each token there are seven numbers, one after the other.
export const ID = 0;
/** Where it begins in its text, in UTF-16 units … */
export const START = 1;
/** … and ends. */
export const END = 2;
/** The index of its word, -1 for none. */
export const WORD = 3;
/** The sequence it is of, 0 or 1; or … */
export const SEQUENCE = 4;
/** … this for a token that was put in, and … */
const INSERTED = -1;
/** … this for padding. */
export const PADDING = -2;
export const TYPE = 5;
/** 0 if the id tells its text, or else the text's index in `texts` plus 1. */
export const TEXT = 6;
export const WIDTH = 7;

/** The text of a token by its id. */
export type TextOf = (id: number) => string | undefined;

export interface Rows {
  cells: Int32Array;
  /** Texts of tokens that the id does not tell: the same list for all that is made of a text and its pair. */
  texts: string[];
  /** What truncation cut off, in parts. */
  overflowing: Rows[];
}

/** Which side is padded or cut off. */
export type Side = 'left' | 'right';

/** Number of tokens. */
export function countOf({ cells }: Rows): number {
  return cells.length / WIDTH;
}

/** A token that is put in, with no place in a text, `times` over. */
export function inserted(
  id: number,
  typeId: number,
  text: string,
  texts: string[],
  textOf: TextOf,
  times = 1,
  sequence: number = INSERTED,
): Rows {
  const place = textOf(id) === text ? 0 : texts.push(text);
  const cells = new Int32Array(times * WIDTH);
  for (let at = 0; at < cells.length; at += WIDTH) {
    cells.set([id, 0, 0, -1, sequence, typeId, place], at);
  }
  return { cells, texts, overflowing: [] };
}

/** Gives all tokens, the overflow's too, one type. */
export function setType({ cells, overflowing }: Rows, typeId: number): void {
  for (let at = TYPE; at < cells.length; at += WIDTH) cells[at] = typeId;
  for (const part of overflowing) setType(part, typeId);
}

function slice({ cells, texts }: Rows, start: number, end: number): Rows {
  return { cells: cells.slice(start * WIDTH, end * WIDTH), texts, overflowing: [] };
}

/** The tokens of all parts, one after the other, without their overflow. */
function concat(parts: readonly Rows[]): Rows {
  const cells = new Int32Array(parts.reduce((sum, part) => sum + part.cells.length, 0));
  let at = 0;
  for (const part of parts) {
    cells.set(part.cells, at);
    at += part.cells.length;
  }
  return { cells, texts: parts[0]!.texts, overflowing: [] };
}

/** Joins two: the overflow is every combination of their parts but the first. */
function join(a: Rows, b: Rows): Rows {
  const joined = concat([a, b]);
  for (const part of a.overflowing) {
    for (const other of [b, ...b.overflowing]) joined.overflowing.push(concat([part, other]));
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
  const total = countOf(rows);
  if (length >= total) return rows;
  if (length === 0) return { ...slice(rows, 0, 0), overflowing: [rows] };
  if (stride >= length) {
    badOption(
      `stride ${stride} must be less than the ${length} tokens of text that fit: lower it or raise maxLength`,
    );
  }
  const parts: Rows[] = [];
  for (let done = 0, end = 0; end < total; done += length - stride) {
    end = Math.min(done + length, total);
    parts.push(side === 'right' ? slice(rows, done, end) : slice(rows, total - end, total - done));
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
export function padRows(rows: Rows, length: number, pad: Pad, textOf: TextOf): Rows {
  const overflowing = rows.overflowing.map((part) => padRows(part, length, pad, textOf));
  const missing = length - countOf(rows);
  if (missing <= 0) return { ...rows, overflowing };
  const { id, typeId, token, side } = pad;
  const filler = inserted(id, typeId, token, rows.texts, textOf, missing, PADDING);
  const { cells } = concat(side === 'left' ? [filler, rows] : [rows, filler]);
  return { cells, texts: rows.texts, overflowing };
}
