import { resized } from './resized.js';
import type { TokenSink } from './token-sink.js';

const EMPTY = 0;
const MOST_WORDS = 1 << 16;
const MOST_UNITS = 1 << 20;
const MOST_VALUES = 1 << 21;

/** Words longer than this many UTF-16 units are not kept. */
export const LONGEST_CACHED = 48;

/** The hash of a word, one unit at a time: start from 0. */
export function hashUnit(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193) ^ (hash >>> 15);
}

/**
 * The tokens of words seen before, found without making a string of the word. It is bounded: a full
 * cache is emptied, and fills again with the words in use.
 */
export class WordCache {
  // Of each slot: the hash, and the entry's place in #values + 1.
  #slots: Int32Array = new Int32Array(2 * 4096);
  #mask = 4095;
  #count = 0;
  // Each entry: place and length of its units, tokens, words; then ids; then starts, ends, words.
  #values: Int32Array = new Int32Array(1 << 14);
  #valueCount = 0;
  #units: Uint16Array = new Uint16Array(1 << 14);
  #unitCount = 0;

  /** Appends the tokens of `text[start…end)` if it is known. */
  emit(text: string, start: number, end: number, hash: number, out: TokenSink): boolean {
    const slots = this.#slots;
    const mask = this.#mask;
    const values = this.#values;
    const units = this.#units;
    const length = end - start;
    for (let slot = place(hash, mask); ; slot = (slot + 1) & mask) {
      const entry = slots[2 * slot + 1]! - 1;
      if (entry < 0) return false;
      if (slots[2 * slot] !== hash || values[entry + 1] !== length) continue;
      const from = values[entry]! - start;
      let at = start;
      while (at < end && units[from + at] === text.charCodeAt(at)) at++;
      if (at === end) {
        out.append(values, entry + 4, values[entry + 2]!, values[entry + 3]!, start);
        return true;
      }
    }
  }

  /** Remembers what was appended to `out` since it had `from` tokens and `word` words. */
  add(
    text: string,
    start: number,
    end: number,
    hash: number,
    out: TokenSink,
    from: number,
    word: number,
  ): void {
    const length = end - start;
    const count = out.length - from;
    const size = 4 + 4 * count;
    if (length > LONGEST_CACHED) return;
    if (
      this.#count >= MOST_WORDS ||
      this.#unitCount + length > MOST_UNITS ||
      this.#valueCount + size > MOST_VALUES
    ) {
      this.clear();
    }
    if (this.#count * 2 >= this.#mask) this.#growSlots();
    if (this.#unitCount + length > this.#units.length) {
      this.#units = resized(this.#units, this.#units.length * 2);
    }
    if (this.#valueCount + size > this.#values.length) {
      this.#values = resized(this.#values, this.#values.length * 2);
    }
    const values = this.#values;
    const entry = this.#valueCount;
    values.set([this.#unitCount, length, count, out.wordCount - word], entry);
    const ids = entry + 4;
    const starts = ids + count;
    const ends = starts + count;
    const words = ends + count;
    for (let i = 0; i < count; i++) {
      values[ids + i] = out.ids[from + i]!;
      values[starts + i] = out.starts[from + i]! - start;
      values[ends + i] = out.ends[from + i]! - start;
      values[words + i] = out.words[from + i]! - word;
    }
    this.#valueCount += size;
    for (let i = start; i < end; i++) this.#units[this.#unitCount++] = text.charCodeAt(i);
    insert(this.#slots, this.#mask, hash, entry + 1);
    this.#count++;
  }

  clear(): void {
    this.#slots.fill(EMPTY);
    this.#count = 0;
    this.#valueCount = 0;
    this.#unitCount = 0;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== EMPTY) insert(this.#slots, this.#mask, old[i]!, old[i + 1]!);
    }
  }
}

function place(hash: number, mask: number): number {
  return (hash ^ (hash >>> 16)) & mask;
}

function insert(slots: Int32Array, mask: number, hash: number, entry: number): void {
  let slot = place(hash, mask);
  while (slots[2 * slot + 1] !== EMPTY) slot = (slot + 1) & mask;
  slots[2 * slot] = hash;
  slots[2 * slot + 1] = entry;
}
