import { badFile, quote } from './errors.js';
import { Heap } from './heap.js';
import { PairTable } from './pair-table.js';
import type { Emit } from './pipeline.js';
import { resized } from './resized.js';

/** Words of up to this many symbols are merged by looking for the best pair each time, without a heap. */
const SHORT = 40;

const FEW = 256;
const LONG = 1 << 16;

/** Places fit below this in a heap entry, ranks above. */
const PLACES = 2 ** 31;

/** The symbols of a word, and the merges that make tokens of them. */
export class SymbolRow {
  readonly #pairs = new PairTable();
  readonly #ranks: number[] = []; // by pair
  readonly #merged: number[] = []; // by pair: the token it becomes
  readonly #dropout: number | null;
  readonly #random: () => number;
  // While a long word is merged, symbols that became part of the one before them have length 0.
  #ids: Int32Array = new Int32Array(FEW);
  #lengths: Int32Array = new Int32Array(FEW);
  #count = 0;

  /**
   * @param skip how many units of the right token of a merge are left out of the token they make
   * @throws TokenizerError `BAD_FILE` if a merge is of tokens, or makes one, that the vocabulary lacks
   */
  constructor(
    vocab: ReadonlyMap<string, number>,
    merges: readonly (readonly [left: string, right: string])[],
    skip: number,
    dropout: number | null,
    seed: number,
  ) {
    this.#dropout = dropout;
    this.#random = seededRandom(seed);
    for (let rank = 0; rank < merges.length; rank++) {
      const [left, right] = merges[rank]!;
      const a = vocab.get(left);
      const b = vocab.get(right);
      const merged = vocab.get(left + (skip > 0 ? right.slice(skip) : right));
      if (a === undefined || b === undefined || merged === undefined) {
        badFile(
          `merge ${rank + 1}, ${quote(`${left} ${right}`)}: the vocabulary lacks it or its parts`,
        );
      }
      const pair = this.#pairs.index(a, b);
      this.#ranks[pair] = rank;
      this.#merged[pair] = merged;
    }
  }

  /** Starts a word: `add` its symbols, `merge`, and have them emitted. */
  begin(): void {
    this.#count = 0;
    if (this.#ids.length > LONG) {
      this.#ids = new Int32Array(FEW); // the room of a long word is given back
      this.#lengths = new Int32Array(FEW);
    }
  }

  /** Appends a symbol; lengths are in whatever unit the caller counts in. */
  add(id: number, length: number): void {
    if (this.#count === this.#ids.length) {
      this.#ids = resized(this.#ids, 2 * this.#count);
      this.#lengths = resized(this.#lengths, 2 * this.#count);
    }
    this.#ids[this.#count] = id;
    this.#lengths[this.#count++] = length;
  }

  emit(emit: Emit): void {
    let start = 0;
    for (let i = 0; i < this.#count; i++) {
      const end = start + this.#lengths[i]!;
      emit(this.#ids[i]!, start, end);
      start = end;
    }
  }

  /** Merges the symbols of the word, and closes the gaps. */
  merge(): void {
    if (this.#count < 2) return;
    if (this.#count <= SHORT && this.#dropout === null) this.#mergeShort();
    else this.#mergeLong();
  }

  /** Each time the best pair: quadratic, but quick for words of common length. */
  #mergeShort(): void {
    const ids = this.#ids;
    const lengths = this.#lengths;
    const ranks = this.#ranks;
    const pairs = this.#pairs;
    let count = this.#count;
    while (count > 1) {
      let best = -1;
      let bestPair = -1;
      let bestRank = Number.MAX_SAFE_INTEGER;
      for (let i = 0; i + 1 < count; i++) {
        const pair = pairs.lookup(ids[i]!, ids[i + 1]!);
        if (pair >= 0 && ranks[pair]! < bestRank) {
          best = i;
          bestPair = pair;
          bestRank = ranks[pair]!;
        }
      }
      if (best < 0) break;
      ids[best] = this.#merged[bestPair]!;
      lengths[best]! += lengths[best + 1]!;
      count--;
      ids.copyWithin(best + 1, best + 2, count + 1);
      lengths.copyWithin(best + 1, best + 2, count + 1);
    }
    this.#count = count;
  }

  /** With a heap of the pairs by rank and place, for words of any length, and for dropout. */
  #mergeLong(): void {
    const count = this.#count;
    const ids = this.#ids;
    const lengths = this.#lengths;
    const next = new Int32Array(count);
    const previous = new Int32Array(count);
    const heap = new Heap<number>((a, b) => a < b);
    const queue = (at: number) => {
      if (next[at]! >= count) return;
      const pair = this.#pairs.lookup(ids[at]!, ids[next[at]!]!);
      if (pair >= 0) heap.push(this.#ranks[pair]! * PLACES + at);
    };
    for (let i = 0; i < count; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (let i = 0; i + 1 < count; i++) queue(i);
    const dropout = this.#dropout;
    const dropped: number[] = [];
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      if (dropout !== null && this.#random() < dropout) {
        dropped.push(top);
        continue;
      }
      for (const entry of dropped) heap.push(entry);
      dropped.length = 0;
      const at = top % PLACES;
      const right = next[at]!;
      if (lengths[at] === 0 || right >= count) continue;
      const pair = this.#pairs.lookup(ids[at]!, ids[right]!);
      if (pair < 0 || this.#ranks[pair] !== Math.floor(top / PLACES)) continue;
      ids[at] = this.#merged[pair]!;
      lengths[at]! += lengths[right]!;
      lengths[right] = 0;
      next[at] = next[right]!;
      if (next[at]! < count) previous[next[at]!] = at;
      if (previous[at]! >= 0) queue(previous[at]!);
      queue(at);
    }
    let kept = 0;
    for (let i = 0; i < count; i = next[i]!) {
      ids[kept] = ids[i]!;
      lengths[kept++] = lengths[i]!;
    }
    this.#count = kept;
  }
}

/** Numbers from 0 to 1 by mulberry32 (Tommy Ettinger): the same from the same seed everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
