import { Heap } from './heap.js';
import { PairTable } from './pair-table.js';

/** The words of the training text as rows of symbols, one after the other. */
export interface Words {
  symbols: Int32Array;
  starts: Int32Array;
  lengths: Int32Array;
  counts: Float64Array;
}

/** A pair in the queue: where it was found, and how often at that time. */
export interface Candidate {
  left: number;
  right: number;
  count: number;
  /** Its index in the pair table. */
  pair: number;
  words: number[];
}

/** Keeps the counts of all pairs while symbols are merged: only words that have the pair are visited. */
export class Merger {
  readonly #words: Words;
  readonly #longest: number;
  readonly #pairs = new PairTable();
  readonly #counts: number[] = []; // by pair
  readonly #found: (number[] | undefined)[] = []; // by pair: words in which it was found since queued
  readonly #touched: number[] = []; // pairs with such words
  readonly #queue = new Heap<Candidate>(isBefore);
  readonly #symbolLengths = new Map<number, number>();

  constructor(words: Words, longest: number) {
    this.#words = words;
    this.#longest = longest;
    const { symbols, starts, lengths, counts } = words;
    for (let word = 0; word < starts.length; word++) {
      const end = starts[word]! + lengths[word]!;
      for (let i = starts[word]! + 1; i < end; i++) {
        this.#change(symbols[i - 1]!, symbols[i]!, counts[word]!, word);
      }
    }
    this.#enqueue();
  }

  /** The most frequent pair; of equally frequent ones, that of the lower ids. */
  next(): Candidate | undefined {
    for (let top = this.#queue.pop(); top !== undefined; top = this.#queue.pop()) {
      const count = this.#counts[top.pair]!;
      if (top.count === count) return top;
      top.count = count;
      this.#queue.push(top);
    }
    return undefined;
  }

  /** Puts `token` in place of the pair in the words where it was found. */
  merge({ left, right, words }: Candidate, token: number): void {
    const { symbols, starts, lengths, counts } = this.#words;
    const length = this.#length(left) + this.#length(right);
    this.#symbolLengths.set(token, length);
    for (const word of words) {
      const start = starts[word]!;
      const end = start + lengths[word]!;
      const count = counts[word]!;
      let to = start; // the symbols of the word so far, merged, end here
      for (let from = start; from < end; from++) {
        if (symbols[from] !== left || from + 1 === end || symbols[from + 1] !== right) {
          symbols[to++] = symbols[from]!;
          continue;
        }
        if (to > start) {
          const before = symbols[to - 1]!;
          this.#change(before, left, -count, word);
          if (this.#length(before) + length < this.#longest) {
            this.#change(before, token, count, word);
          }
        }
        from++;
        if (from + 1 < end) {
          const after = symbols[from + 1]!;
          this.#change(right, after, -count, word);
          if (this.#length(after) + length < this.#longest) {
            this.#change(token, after, count, word);
          }
        }
        symbols[to++] = token;
      }
      lengths[word] = to - start;
    }
    this.#enqueue();
  }

  #length(symbol: number): number {
    return this.#symbolLengths.get(symbol) ?? 1;
  }

  #change(left: number, right: number, by: number, word: number): void {
    const pair = this.#pairs.index(left, right);
    this.#counts[pair] = (this.#counts[pair] ?? 0) + by;
    if (by < 0) return;
    const found = this.#found[pair];
    if (found === undefined) {
      this.#found[pair] = [word];
      this.#touched.push(pair);
    } else if (found[found.length - 1] !== word) {
      found.push(word);
    }
  }

  /** Queues the pairs that were found since the last time. */
  #enqueue(): void {
    for (const pair of this.#touched) {
      const words = this.#found[pair]!;
      this.#found[pair] = undefined;
      const count = this.#counts[pair]!;
      if (count <= 0) continue;
      this.#queue.push({
        left: this.#pairs.left(pair),
        right: this.#pairs.right(pair),
        count,
        pair,
        words,
      });
    }
    this.#touched.length = 0;
  }
}

/** The more frequent first; of equally frequent pairs, that of the lower ids. */
function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}
