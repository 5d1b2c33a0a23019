// Rows of tokens as few lists of numbers, so that they go from thread to thread without being copied.
import type { Segment } from './segments.js';

/** Lists of numbers, one after the other. */
export interface Lists {
  numbers: Int32Array;
  /** How many numbers each list has. */
  lengths: Int32Array;
}

/** Of each text its row and what was cut off it: the lists are the cells of all segments. */
export interface PackedRows extends Lists {
  /** How many rows each text has, and how many segments each row. */
  rowCounts: Int32Array;
  segmentCounts: Int32Array;
  /** Of each segment its sequence and type. */
  kinds: Int32Array;
  /** By segment, the texts of tokens that the id does not tell. */
  texts: [segment: number, texts: readonly string[]][];
}

export function packLists(lists: readonly ArrayLike<number>[]): Lists {
  const numbers = new Int32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    numbers.set(list, at);
    at += list.length;
  }
  return { numbers, lengths: Int32Array.from(lists, (list) => list.length) };
}

/** The lists, as views. */
export function unpackLists({ numbers, lengths }: Lists): Int32Array[] {
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return numbers.subarray(at - length, at);
  });
}

export function packRows(texts: readonly (readonly (readonly Segment[])[])[]): PackedRows {
  const rows = texts.flat();
  const segments = rows.flat();
  return {
    ...packLists(segments.map(({ cells }) => cells)),
    rowCounts: Int32Array.from(texts, ({ length }) => length),
    segmentCounts: Int32Array.from(rows, ({ length }) => length),
    kinds: Int32Array.from(segments.flatMap(({ sequence, type }) => [sequence, type])),
    texts: segments.flatMap(({ texts: own }, i): PackedRows['texts'] =>
      own.length > 0 ? [[i, own]] : [],
    ),
  };
}

export function unpackRows(packed: PackedRows): Segment[][][] {
  const { rowCounts, segmentCounts, kinds } = packed;
  const texts = new Map(packed.texts);
  const segments = unpackLists(packed).map(
    (cells, i): Segment => ({
      ...{ cells, texts: texts.get(i) ?? [] },
      ...{ sequence: kinds[2 * i]!, type: kinds[2 * i + 1]! },
    }),
  );
  return grouped(grouped(segments, segmentCounts), rowCounts);
}

/** The items in groups of so many. */
function grouped<T>(items: readonly T[], counts: Int32Array): T[][] {
  let at = 0;
  return Array.from(counts, (count) => {
    at += count;
    return items.slice(at - count, at);
  });
}
