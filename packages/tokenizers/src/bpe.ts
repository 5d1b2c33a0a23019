import { badFile, quote, unknownId, unsupported } from './errors.js';
import { Heap } from './heap.js';
import type { Emit, Model } from './pipeline.js';

export type Merge = readonly [left: string, right: string];

/** What `tokenizer.json` says of it; null for nothing. */
export interface BpeJson {
  /** Stands in for characters without a token; without one, they are left out. */
  unk_token: string | null;
  /** What the last symbol of a word ends with. */
  end_of_word_suffix: string | null;
}

/** A token of a word, and how many bytes of UTF-8 its text has. */
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

/** What GPT's files say of it. */
const PLAIN = ['type', 'unk_token', 'end_of_word_suffix'];

/** Places fit below this in an entry of the queue, ranks above. */
const PLACES = 2 ** 31;
const pairOf = (left: number, right: number) => left * 2 ** 26 + right;

/**
 * Byte-pair encoding (Sennrich et al. 2016): of the neighbouring symbols of a word, those whose merge
 * was learned first become one, the leftmost before others, until no pair has a merge. This is what
 * GPT's files have; `FullBpe` has all that a `tokenizer.json` may say.
 */
export class Bpe implements Model {
  readonly json: BpeJson;
  /** Pairs in the order in which they were learned. */
  readonly merges: readonly Merge[];
  readonly #ranks = new Map<number, number>(); // by pair
  readonly #merged: number[] = []; // by rank: the token it becomes

  /**
   * @param vocab ids by token
   * @param given the merges, and what else `tokenizer.json` says of the model
   * @param skip how many units of the right token of a merge are left out of the token they make
   * @throws TokenizerError `BAD_FILE` if a merge is of tokens, or makes one, that the vocabulary lacks
   */
  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    given: Partial<BpeJson> & { merges: readonly (string | Merge)[] },
    skip = 0,
  ) {
    const { merges, ...json } = given;
    this.json = { type: 'BPE', unk_token: null, end_of_word_suffix: null, ...json } as BpeJson;
    const isMore = ([name, value]: [string, unknown]) => value && !PLAIN.includes(name);
    const more = new.target === Bpe && Object.entries(json).find(isMore);
    if (more) unsupported(`BPE with ${more[0]}: loadTokenizer reads it`);
    this.merges = merges.map((merge, rank) => {
      const pair = typeof merge === 'string' ? merge.split(' ') : merge;
      const [left = '', right = ''] = pair;
      const a = vocab.get(left);
      const b = vocab.get(right);
      const merged = vocab.get(left + right.slice(skip));
      if (pair.length !== 2 || a === undefined || b === undefined || merged === undefined) {
        badFile(`merge ${rank + 1}, ${quote(pair.join(' '))}: not two tokens that make a third`);
      }
      this.#ranks.set(pairOf(a, b), rank);
      this.#merged.push(merged);
      return [left, right];
    });
  }

  tokenize(word: string, emit: Emit): void {
    // The character of each byte: where in the word it begins and ends.
    const places: [start: number, end: number][] = [];
    let at = 0;
    for (const char of word) {
      const end = at + char.length;
      for (let bytes = utf8Length(char); bytes > 0; bytes--) places.push([at, end]);
      at = end;
    }
    let byte = 0;
    for (const { id, length } of this.#merge(this.spell(word))) {
      const start = places[byte]?.[0] ?? at;
      byte += length;
      emit(id, start, places[byte - 1]?.[1] ?? at);
    }
  }

  /** The word's characters as symbols. */
  protected spell(word: string): Piece[] {
    const { unk_token, end_of_word_suffix } = this.json;
    const symbols: Piece[] = [];
    let end = 0;
    for (const char of word) {
      end += char.length;
      const symbol = end < word.length ? char : char + (end_of_word_suffix ?? '');
      const id = this.vocab.get(symbol);
      if (id === undefined && unk_token === null) continue;
      symbols.push({ id: id ?? unknownId(this.vocab, unk_token!, word), length: utf8Length(char) });
    }
    return symbols;
  }

  /** Whether a merge that could be made is left out this time. */
  protected leavesOut?(): boolean;

  /** The symbols, merged as long as there is a merge: the first learned, then the leftmost, first. */
  #merge(symbols: readonly Piece[]): Piece[] {
    const links = symbols.map((symbol, place) => ({ ...symbol, place }) as Link);
    const queue = new Heap<number>((a, b) => a < b);
    const rankOf = ({ id, right }: Link) => right && this.#ranks.get(pairOf(id, right.id));
    const enqueue = (link: Link | undefined) => {
      const rank = link && rankOf(link);
      if (rank !== undefined) queue.push(rank * PLACES + link!.place);
    };
    links.forEach((link, place) => {
      link.left = links[place - 1];
      link.right = links[place + 1];
      enqueue(link);
    });
    const leftOut: number[] = [];
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      if (this.leavesOut?.()) {
        leftOut.push(top);
        continue;
      }
      while (leftOut.length > 0) queue.push(leftOut.pop()!);
      const link = links[top % PLACES]!;
      const rank = Math.floor(top / PLACES);
      if (link.length === 0 || rankOf(link) !== rank) continue; // it has changed since
      const right = link.right!;
      link.id = this.#merged[rank]!;
      link.length += right.length;
      link.right = right.right;
      right.length = 0;
      if (link.right) link.right.left = link;
      enqueue(link.left);
      enqueue(link);
    }
    return links.filter(({ length }) => length > 0);
  }
}

export function utf8Length(char: string): number {
  const code = char.codePointAt(0)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
