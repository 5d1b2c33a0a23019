import { resized } from './resized.js';

const FEW = 256;
const MANY = 1 << 16;

/** Where tokens are collected: parallel arrays that grow. */
export class TokenSink {
  ids: Int32Array = new Int32Array(FEW);
  starts: Int32Array = new Int32Array(FEW);
  ends: Int32Array = new Int32Array(FEW);
  words: Int32Array = new Int32Array(FEW);
  length = 0;
  /** Whether `append` may leave out all but the ids. */
  idsOnly = false;
  /** The number of words so far: the index of the next one. */
  wordCount = 0;
  /** By index: the text of tokens that the id does not tell, such as an added token as it was found. */
  texts: Map<number, string> = new Map();

  push(id: number, start: number, end: number, word: number): void {
    const at = this.length;
    if (at === this.ids.length) this.#resize(at * 2);
    this.ids[at] = id;
    this.starts[at] = start;
    this.ends[at] = end;
    this.words[at] = word;
    this.length = at + 1;
  }

  /**
   * Appends tokens from `list`, where `count` ids are followed by their starts, ends and words,
   * relative to `place` and to the next word, of which there are `wordCount`.
   */
  append(list: Int32Array, from: number, count: number, wordCount: number, place: number): void {
    const at = this.length;
    if (at + count > this.ids.length) this.#resize(at * 2 + count);
    const { ids } = this;
    for (let i = 0; i < count; i++) ids[at + i] = list[from + i]!;
    if (!this.idsOnly) {
      const { starts, ends, words } = this;
      const word = this.wordCount;
      for (let i = 0; i < count; i++) {
        starts[at + i] = place + list[from + count + i]!;
        ends[at + i] = place + list[from + 2 * count + i]!;
        words[at + i] = word + list[from + 3 * count + i]!;
      }
    }
    this.wordCount += wordCount;
    this.length = at + count;
  }

  /** Empties it; after a long text it also gives the room back. */
  clear(idsOnly: boolean): void {
    this.idsOnly = idsOnly;
    this.length = this.wordCount = 0;
    if (this.texts.size > 0) this.texts = new Map();
    if (this.ids.length > MANY) this.#resize(FEW);
  }

  #resize(size: number): void {
    this.ids = resized(this.ids, size);
    this.starts = resized(this.starts, size);
    this.ends = resized(this.ends, size);
    this.words = resized(this.words, size);
  }
}
