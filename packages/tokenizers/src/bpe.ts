import { quote, TokenizerError } from './errors.js';
import { PairTable } from './pair-table.js';
import type { Json, Model } from './pipeline.js';
import { badFile, readList, readVocab } from './tokenizer-json.js';

export interface BpeOptions {
  /** Leave each merge out with this probability (Provilkov et al. 2020); null or 0 for none. */
  dropout?: number | null;
  /** For `dropout`: the same seed gives the same tokens (default 0). */
  seed?: number;
  /** Stands in for characters without a token; without one, they are left out. */
  unkToken?: string | null;
  /** What symbols within a word begin with. */
  continuingSubwordPrefix?: string | null;
  /** What the last symbol of a word ends with. */
  endOfWordSuffix?: string | null;
  /** Make one unknown token of several in a row (default false). */
  fuseUnk?: boolean;
  /** Spell characters without a token by tokens for their bytes, `<0x00>` to `<0xFF>` (default false). */
  byteFallback?: boolean;
  /** A word that is a token is that token, whatever the merges say (default false). */
  ignoreMerges?: boolean;
}

/** The model of a `tokenizer.json`. */
export function readBpe(json: Json): Bpe {
  const merges = readList(json.merges).map((merge): [string, string] => {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    return Array.isArray(pair) && pair.length === 2
      ? (pair as [string, string])
      : badFile(`the merge ${JSON.stringify(merge)} is not a pair`);
  });
  return new Bpe(readVocab(json.vocab), merges, {
    dropout: json.dropout as number | null,
    unkToken: json.unk_token as string | null,
    continuingSubwordPrefix: json.continuing_subword_prefix as string | null,
    endOfWordSuffix: json.end_of_word_suffix as string | null,
    fuseUnk: json.fuse_unk === true,
    byteFallback: json.byte_fallback === true,
    ignoreMerges: json.ignore_merges === true,
  });
}

/** Words of up to this many symbols are merged by looking for the best pair each time, without a heap. */
const SHORT = 40;

/**
 * Byte-pair encoding (Sennrich et al. 2016): of the neighbouring symbols of a word, those whose merge
 * was learned first become one, the leftmost before others, until no pair has a merge.
 */
export class Bpe implements Model {
  readonly options: Required<BpeOptions>;
  readonly #pairs = new PairTable();
  readonly #ranks: number[] = []; // by pair
  readonly #merged: number[] = []; // by pair: the token it becomes
  readonly #random: () => number;
  // The symbols of the word in work; those merged into the one before them have length 0.
  #ids: Int32Array = new Int32Array(256);
  #lengths: Int32Array = new Int32Array(256);
  #count = 0;

  /**
   * @param vocab ids by token
   * @param merges pairs in the order in which they were learned
   * @throws TokenizerError `BAD_FILE` if a merge is of tokens, or makes one, that the vocabulary lacks
   */
  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    readonly merges: readonly (readonly [left: string, right: string])[],
    options: BpeOptions = {},
  ) {
    this.options = {
      dropout: options.dropout || null,
      seed: options.seed ?? 0,
      unkToken: options.unkToken ?? null,
      continuingSubwordPrefix: options.continuingSubwordPrefix ?? null,
      endOfWordSuffix: options.endOfWordSuffix ?? null,
      fuseUnk: options.fuseUnk ?? false,
      byteFallback: options.byteFallback ?? false,
      ignoreMerges: options.ignoreMerges ?? false,
    };
    const { dropout } = this.options;
    if (dropout !== null && !(dropout > 0 && dropout <= 1)) {
      throw new TokenizerError('BAD_OPTION', `dropout must be between 0 and 1, not ${dropout}`);
    }
    this.#random = seededRandom(this.options.seed);
    const skip = this.options.continuingSubwordPrefix?.length ?? 0;
    for (let rank = 0; rank < merges.length; rank++) {
      const [left, right] = merges[rank]!;
      const a = vocab.get(left);
      const b = vocab.get(right);
      const merged = vocab.get(left + (skip > 0 ? right.slice(skip) : right));
      if (a === undefined || b === undefined || merged === undefined) {
        throw new TokenizerError(
          'BAD_FILE',
          `merge ${rank + 1}, ${quote(`${left} ${right}`)}: the vocabulary lacks it or what it is made of`,
        );
      }
      const pair = this.#pairs.index(a, b);
      this.#ranks[pair] = rank;
      this.#merged[pair] = merged;
    }
  }

  /** Whether the same word always gives the same tokens. */
  get isDeterministic(): boolean {
    return this.options.dropout === null;
  }

  tokenize(word: string, emit: (id: number, start: number, end: number) => void): void {
    if (word === '') return;
    if (this.options.ignoreMerges) {
      const id = this.vocab.get(word);
      if (id !== undefined) {
        emit(id, 0, word.length);
        return;
      }
    }
    this.begin(word.length);
    const isSpelled = this.#spell(word);
    this.merge();
    if (isSpelled) this.emit(emit);
    else this.#emitBytes(word, emit);
  }

  /** Starts a word of up to `most` symbols: `add` them, `merge`, and have them emitted. */
  begin(most: number): void {
    this.#count = 0;
    if (this.#ids.length < most) {
      this.#ids = new Int32Array(most);
      this.#lengths = new Int32Array(most);
    } else if (this.#ids.length > 1 << 16 && most < 256) {
      this.#ids = new Int32Array(256);
      this.#lengths = new Int32Array(256);
    }
  }

  /** Appends a symbol; lengths are in whatever unit the caller counts in. */
  add(id: number, length: number): void {
    if (this.#count === this.#ids.length) {
      const ids = new Int32Array(2 * this.#count);
      const lengths = new Int32Array(2 * this.#count);
      ids.set(this.#ids);
      lengths.set(this.#lengths);
      this.#ids = ids;
      this.#lengths = lengths;
    }
    this.#ids[this.#count] = id;
    this.#lengths[this.#count++] = length;
  }

  emit(emit: (id: number, start: number, end: number) => void): void {
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
    if (this.#count <= SHORT && this.options.dropout === null) this.#mergeShort();
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
    const heap = new NumberHeap();
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
    const { dropout } = this.options;
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

  /**
   * The characters of the word as symbols, of UTF-16 lengths; false if the lengths are in bytes,
   * because some character has no symbol of its own.
   */
  #spell(word: string): boolean {
    const { continuingSubwordPrefix, endOfWordSuffix } = this.options;
    for (let at = 0; at < word.length; ) {
      const end = at + (word.codePointAt(at)! > 0xffff ? 2 : 1);
      let symbol = word.slice(at, end);
      if (at > 0 && continuingSubwordPrefix !== null) symbol = continuingSubwordPrefix + symbol;
      if (end === word.length && endOfWordSuffix !== null) symbol += endOfWordSuffix;
      const id = this.vocab.get(symbol);
      if (id === undefined) {
        this.begin(word.length * 3);
        this.#spellUnknown(word);
        return false;
      }
      this.add(id, end - at);
      at = end;
    }
    return true;
  }

  /** The same for a word with characters that have no token: lengths count UTF-8 bytes. */
  #spellUnknown(word: string): void {
    const { continuingSubwordPrefix, endOfWordSuffix, unkToken, fuseUnk, byteFallback } =
      this.options;
    let unknown = 0; // the bytes of the unknown token that is yet to be added
    const addUnknown = () => {
      if (unknown > 0) this.add(this.#unknownId(word), unknown);
      unknown = 0;
    };
    for (let at = 0; at < word.length; ) {
      const end = at + (word.codePointAt(at)! > 0xffff ? 2 : 1);
      const length = utf8Length(word.slice(at, end));
      let symbol = word.slice(at, end);
      if (at > 0 && continuingSubwordPrefix !== null) symbol = continuingSubwordPrefix + symbol;
      if (end === word.length && endOfWordSuffix !== null) symbol += endOfWordSuffix;
      at = end;
      const id = this.vocab.get(symbol);
      if (id !== undefined) {
        addUnknown();
        this.add(id, length);
        continue;
      }
      const bytes = byteFallback ? this.#byteTokens(symbol) : undefined;
      if (bytes !== undefined) {
        for (const byte of bytes) this.add(byte, 1);
      } else if (unkToken !== null) {
        if (!fuseUnk) addUnknown();
        unknown += length;
      }
    }
    addUnknown();
  }

  #byteTokens(symbol: string): number[] | undefined {
    const tokens: number[] = [];
    for (const byte of new TextEncoder().encode(symbol)) {
      const id = this.vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
      if (id === undefined) return undefined;
      tokens.push(id);
    }
    return tokens;
  }

  #unknownId(word: string): number {
    const { unkToken } = this.options;
    const id = this.vocab.get(unkToken!);
    if (id === undefined) {
      throw new TokenizerError(
        'UNKNOWN_TOKEN',
        `${quote(word)} has characters without a token, and the vocabulary lacks the unknown token ${quote(unkToken!)}`,
      );
    }
    return id;
  }

  /** Emits symbols whose lengths are in bytes: each is given the characters its bytes are in. */
  #emitBytes(word: string, emit: (id: number, start: number, end: number) => void): void {
    const starts: number[] = []; // by byte: where its character begins …
    const ends: number[] = []; // … and ends
    for (let at = 0; at < word.length; ) {
      const end = at + (word.codePointAt(at)! > 0xffff ? 2 : 1);
      for (let byte = utf8Length(word.slice(at, end)); byte > 0; byte--) {
        starts.push(at);
        ends.push(end);
      }
      at = end;
    }
    this.emit((id, start, end) => {
      emit(id, starts[start] ?? word.length, ends[end - 1] ?? word.length);
    });
  }

  toJSON(): object {
    const { options } = this;
    return {
      type: 'BPE',
      dropout: options.dropout,
      unk_token: options.unkToken,
      continuing_subword_prefix: options.continuingSubwordPrefix,
      end_of_word_suffix: options.endOfWordSuffix,
      fuse_unk: options.fuseUnk,
      byte_fallback: options.byteFallback,
      ignore_merges: options.ignoreMerges,
      vocab: Object.fromEntries([...this.vocab].sort((a, b) => a[1] - b[1])),
      merges: this.merges,
    };
  }
}

/** Places fit below this in a heap entry, ranks above. */
const PLACES = 2 ** 31;

/** A binary heap of numbers, the least first. */
class NumberHeap {
  #items: Float64Array = new Float64Array(64);
  #size = 0;

  push(item: number): void {
    if (this.#size === this.#items.length) {
      const larger = new Float64Array(this.#size * 2);
      larger.set(this.#items);
      this.#items = larger;
    }
    const items = this.#items;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! <= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const items = this.#items;
    const top = items[0]!;
    const size = --this.#size;
    const last = items[size]!;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

function utf8Length(char: string): number {
  const code = char.codePointAt(0)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
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
