import { unitsAt } from './aligned-text.js';
import { badFile, badOption, unknownId } from './errors.js';
import type { Emit, Model } from './pipeline.js';
import { SymbolRow } from './symbol-row.js';

export type Merge = readonly [left: string, right: string];

export interface BpeJson {
  /** Leave each merge out with this probability (Provilkov et al. 2020); null or 0 for none. */
  dropout: number | null;
  /** Stands in for characters without a token; without one, they are left out. */
  unk_token: string | null;
  /** What symbols within a word begin with. */
  continuing_subword_prefix: string | null;
  /** What the last symbol of a word ends with. */
  end_of_word_suffix: string | null;
  /** Make one unknown token of several in a row (default false). */
  fuse_unk: boolean;
  /** Spell characters without a token by tokens for their bytes, `<0x00>` to `<0xFF>` (default false). */
  byte_fallback: boolean;
  /** A word that is a token is that token, whatever the merges say (default false). */
  ignore_merges: boolean;
}

/**
 * Byte-pair encoding (Sennrich et al. 2016): of the neighbouring symbols of a word, those whose merge
 * was learned first become one, the leftmost before others, until no pair has a merge.
 */
export class Bpe implements Model {
  readonly json: BpeJson;
  /** Pairs in the order in which they were learned. */
  readonly merges: readonly Merge[];
  /** The symbols of the word in work. */
  readonly row: SymbolRow;

  /**
   * @param vocab ids by token
   * @param given the merges, and what else `tokenizer.json` says of the model; and for dropout a
   * `seed`, of which the same gives the same tokens
   * @throws TokenizerError `BAD_FILE` if a merge is of tokens, or makes one, that the vocabulary lacks
   */
  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    given: Partial<BpeJson> & { merges: readonly (string | Merge)[]; seed?: number },
  ) {
    const { merges, seed = 0, ...json } = given;
    this.json = {
      ...{ type: 'BPE', dropout: null, unk_token: null },
      ...{ continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
      ...json,
    };
    this.merges = merges.map((merge) => {
      const pair = typeof merge === 'string' ? merge.split(' ') : merge;
      if (pair.length !== 2) badFile(`tokenizer.json: the merge ${merge} is not a pair`);
      return pair as unknown as Merge;
    });
    const { dropout } = this.json;
    if (dropout && !(dropout > 0 && dropout <= 1)) {
      badOption(`dropout must be between 0 and 1, not ${dropout}`);
    }
    const skip = this.json.continuing_subword_prefix?.length ?? 0;
    this.row = new SymbolRow(vocab, this.merges, skip, dropout || null, seed);
  }

  get isRandom(): boolean {
    return !!this.json.dropout;
  }

  tokenize(word: string, emit: Emit): void {
    if (word === '') return;
    if (this.json.ignore_merges) {
      const id = this.vocab.get(word);
      if (id !== undefined) {
        emit(id, 0, word.length);
        return;
      }
    }
    this.row.begin();
    const isSpelled = this.#spell(word);
    this.row.merge();
    if (isSpelled) this.row.emit(emit);
    else this.#emitBytes(word, emit);
  }

  /** The symbols of the word's characters, with where each begins and ends. */
  *#symbols(word: string): Generator<[symbol: string, start: number, end: number]> {
    const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix } = this.json;
    for (let at = 0; at < word.length; ) {
      const end = at + unitsAt(word, at);
      const before = at > 0 ? (prefix ?? '') : '';
      const after = end === word.length ? (suffix ?? '') : '';
      yield [before + word.slice(at, end) + after, at, end];
      at = end;
    }
  }

  /**
   * The word as symbols, of UTF-16 lengths; false if the lengths are in bytes, because some character
   * has no symbol of its own.
   */
  #spell(word: string): boolean {
    for (const [symbol, start, end] of this.#symbols(word)) {
      const id = this.vocab.get(symbol);
      if (id === undefined) {
        this.row.begin();
        this.#spellUnknown(word);
        return false;
      }
      this.row.add(id, end - start);
    }
    return true;
  }

  /** The same for a word with characters that have no token: lengths count UTF-8 bytes. */
  #spellUnknown(word: string): void {
    const { unk_token, fuse_unk, byte_fallback } = this.json;
    let unknown = 0; // the bytes of the unknown token that is yet to be added
    const addUnknown = () => {
      if (unknown > 0) this.row.add(unknownId(this.vocab, unk_token!, word), unknown);
      unknown = 0;
    };
    for (const [symbol, start, end] of this.#symbols(word)) {
      const length = utf8Length(word.slice(start, end));
      const id = this.vocab.get(symbol);
      if (id !== undefined) {
        addUnknown();
        this.row.add(id, length);
        continue;
      }
      const bytes = byte_fallback ? this.#byteTokens(symbol) : undefined;
      if (bytes !== undefined) {
        for (const byte of bytes) this.row.add(byte, 1);
      } else if (unk_token !== null) {
        if (!fuse_unk) addUnknown();
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

  /** Emits symbols whose lengths are in bytes: each is given the characters its bytes are in. */
  #emitBytes(word: string, emit: Emit): void {
    const starts: number[] = []; // by byte: where its character begins …
    const ends: number[] = []; // … and ends
    for (let at = 0; at < word.length; ) {
      const end = at + unitsAt(word, at);
      for (let byte = utf8Length(word.slice(at, end)); byte > 0; byte--) {
        starts.push(at);
        ends.push(end);
      }
      at = end;
    }
    this.row.emit((id, start, end) => {
      emit(id, starts[start] ?? word.length, ends[end - 1] ?? word.length);
    });
  }
}

function utf8Length(char: string): number {
  const code = char.codePointAt(0)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
