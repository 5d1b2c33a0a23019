import { badFile, quote } from './errors.js';
import { Heap } from './heap.js';

/** Places fit below this in a heap entry, ranks above. */
const PLACES = 2 ** 31;

/** A token of a word, and its length in the unit that the caller counts in. */
export interface Piece {
  id: number;
  length: number;
}

/** A symbol in a word that is being merged, with its neighbours; one that was merged has no length. */
interface Link extends Piece {
  place: number;
  left: Link | undefined;
  right: Link | undefined;
}

const pairOf = (left: number, right: number) => left * 2 ** 26 + right;

/** The merges of byte-pair encoding, by the pairs they are of. */
export class Merges {
  readonly #ranks = new Map<number, number>(); // by pair
  readonly #merged: number[] = []; // by rank: the token it becomes
  readonly #dropout: number;
  readonly #random: () => number;

  /**
   * @param skip how many units of the right token of a merge are left out of the token they make
   * @throws TokenizerError `BAD_FILE` if a merge is of tokens, or makes one, that the vocabulary lacks
   */
  constructor(
    vocab: ReadonlyMap<string, number>,
    merges: readonly (readonly [left: string, right: string])[],
    skip: number,
    dropout: number,
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
      this.#ranks.set(pairOf(a, b), rank);
      this.#merged.push(merged);
    }
  }

  /** The symbols of a word, merged as long as there is a merge: the first learned, then the leftmost, first. */
  apply(symbols: readonly Piece[]): Piece[] {
    const links = symbols.map(
      ({ id, length }, place): Link => ({ id, length, place, left: undefined, right: undefined }),
    );
    const queue = new Heap<number>((a, b) => a < b);
    const rankOf = ({ id, right }: Link) => right && this.#ranks.get(pairOf(id, right.id));
    const enqueue = (link: Link) => {
      const rank = rankOf(link);
      if (rank !== undefined) queue.push(rank * PLACES + link.place);
    };
    links.forEach((link, place) => {
      link.left = links[place - 1];
      link.right = links[place + 1];
      enqueue(link);
    });
    const dropped: number[] = [];
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      if (this.#dropout > 0 && this.#random() < this.#dropout) {
        dropped.push(top);
        continue;
      }
      while (dropped.length > 0) queue.push(dropped.pop()!);
      const link = links[top % PLACES]!;
      const rank = Math.floor(top / PLACES);
      if (link.length === 0 || rankOf(link) !== rank) continue; // it has changed since
      const right = link.right!;
      link.id = this.#merged[rank]!;
      link.length += right.length;
      link.right = right.right;
      right.length = 0;
      if (link.right) link.right.left = link;
      if (link.left) enqueue(link.left);
      enqueue(link);
    }
    return links.filter(({ length }) => length > 0);
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
