import type { Tokens } from './tokens.js';

const MOST = 1 << 16;
const SLOTS = 2 * MOST;
/** How many numbers there is room for in the record of a chunk; longer ones are not kept. */
const ROOM = 48;

/** Appends the tokens of the chunk `text[start…end)` of a text that begins at `origin`. */
type AppendChunk = (text: string, start: number, end: number, origin: number, to: Tokens) => void;

/**
 * Appends the tokens of chunks of text as `cut` gives them, which is asked only about chunks that are
 * not known: they are found without making a string of them. It is bounded: a full memory is
 * forgotten, and fills again with the chunks in use.
 */
export function rememberingChunks(cut: (chunk: string) => Tokens): AppendChunk {
  const slots = new Int32Array(SLOTS); // the number of a record, 0 for none
  // Of each chunk its length, the number of its words and that of its cells; then its UTF-16 units,
  // then the cells.
  const records = new Int32Array(MOST * ROOM);
  let count = 0;
  return (text, start, end, origin, to) => {
    const length = end - start;
    let hash = 0;
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) ^ (hash >>> 15);
    }
    let slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
      const at = slots[slot]! * ROOM;
      if (records[at] !== length) continue;
      const units = at + 3;
      let i = 0;
      while (i < length && records[units + i] === text.charCodeAt(start + i)) i++;
      if (i === length) {
        to.append(records, units + length, records[at + 2]!, records[at + 1]!, origin + start);
        return;
      }
    }
    const { cells, size, words } = cut(text.slice(start, end));
    to.append(cells, 0, size, words, origin + start);
    if (3 + length + size > ROOM) return;
    if (++count === MOST) {
      slots.fill(0);
      count = 1;
    }
    slots[slot] = count;
    const units = Array.from({ length }, (_, i) => text.charCodeAt(start + i));
    records.set([length, words, size, ...units, ...cells.subarray(0, size)], count * ROOM);
  };
}
