import type { TokenSink } from './pipeline.js';

const EMPTY = 0;
const MOST_WORDS = 1 << 15;
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
  #slots: Int32Array = new Int32Array(4096); // the entry's place in #values + 1
  #mask = 4095;
  #count = 0;
  // Each entry: hash, place and length of its units, tokens, words, then ids, starts, ends, words.
  #values: Int32Array = new Int32Array(1 << 14);
  #valueCount = 0;
  #units: Uint16Array = new Uint16Array(1 << 14);
  #unitCount = 0;

  /** Appends the tokens of `text[start…end)` if it is known. */
  emit(text: string, start: number, end: number, hash: number, out: TokenSink): boolean {
    const values = this.#values;
    const units = this.#units;
    const length = end - start;
    for (let slot = this.#place(hash); ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return false;
      if (values[entry] !== hash || values[entry + 2] !== length) continue;
      const from = values[entry + 1]!;
      let same = 0;
      while (same < length && units[from + same] === text.charCodeAt(start + same)) same++;
      if (same < length) continue;
      const count = values[entry + 3]!;
      const word = out.wordCount;
      out.wordCount = word + values[entry + 4]!;
      out.reserve(count);
      const { ids, starts, ends, words } = out;
      let at = out.length;
      out.length = at + count;
      for (let i = entry + 5; count > 0 && at < out.length; i += 4) {
        ids[at] = values[i]!;
        starts[at] = start + values[i + 1]!;
        ends[at] = start + values[i + 2]!;
        words[at++] = word + values[i + 3]!;
      }
      return true;
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
    const size = 5 + 4 * count;
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
      const larger = new Uint16Array(this.#units.length * 2);
      larger.set(this.#units);
      this.#units = larger;
    }
    while (this.#valueCount + size > this.#values.length) {
      const larger = new Int32Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    const values = this.#values;
    const entry = this.#valueCount;
    values.set([hash, this.#unitCount, length, count, out.wordCount - word], entry);
    let at = entry + 5;
    for (let i = from; i < out.length; i++, at += 4) {
      values[at] = out.ids[i]!;
      values[at + 1] = out.starts[i]! - start;
      values[at + 2] = out.ends[i]! - start;
      values[at + 3] = out.words[i]! - word;
    }
    this.#valueCount = at;
    for (let i = start; i < end; i++) this.#units[this.#unitCount++] = text.charCodeAt(i);
    this.#insert(hash, entry);
    this.#count++;
  }

  clear(): void {
    this.#slots.fill(EMPTY);
    this.#count = 0;
    this.#valueCount = 0;
    this.#unitCount = 0;
  }

  #place(hash: number): number {
    return (hash ^ (hash >>> 16)) & this.#mask;
  }

  #insert(hash: number, entry: number): void {
    let slot = this.#place(hash);
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = entry + 1;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#slots.length - 1;
    for (const place of old) if (place !== EMPTY) this.#insert(this.#values[place - 1]!, place - 1);
  }
}
