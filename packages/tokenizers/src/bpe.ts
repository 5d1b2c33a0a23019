import { badFile, badOption, unknownId } from './errors.js';
import { Merges, type Piece } from './merges.js';
import type { Emit, Model } from './pipeline.js';

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
  readonly #merges: Merges;

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
    this.#merges = new Merges(vocab, this.merges, skip, dropout || 0, seed);
  }

  get isRandom(): boolean {
    return !!this.json.dropout;
  }

  tokenize(word: string, emit: Emit): void {
    const whole = this.json.ignore_merges ? this.vocab.get(word) : undefined;
    if (whole !== undefined) {
      emit(whole, 0, word.length);
      return;
    }
    // Symbols are as long as their characters' UTF-8: where in the word each byte's character …
    const starts: number[] = []; // … begins
    const ends: number[] = []; // … and ends
    let at = 0;
    for (const char of word) {
      for (let byte = utf8Length(char); byte > 0; byte--) {
        starts.push(at);
        ends.push(at + char.length);
      }
      at += char.length;
    }
    let byte = 0;
    for (const { id, length } of this.#merges.apply(this.#spell(word))) {
      const first = byte;
      byte += length;
      emit(id, starts[first] ?? word.length, ends[byte - 1] ?? word.length);
    }
  }

  /** The word's characters as symbols. */
  #spell(word: string): Piece[] {
    const { unk_token, fuse_unk, byte_fallback } = this.json;
    const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix } = this.json;
    const symbols: Piece[] = [];
    let unknown = 0; // the bytes of the unknown token that is yet to be added
    const addUnknown = () => {
      if (unknown > 0) {
        symbols.push({ id: unknownId(this.vocab, unk_token!, word), length: unknown });
      }
      unknown = 0;
    };
    let end = 0;
    for (const char of word) {
      const before = end > 0 ? (prefix ?? '') : '';
      end += char.length;
      const symbol = before + char + (end === word.length ? (suffix ?? '') : '');
      const id = this.vocab.get(symbol);
      const bytes = id === undefined && byte_fallback ? this.#byteTokens(symbol) : undefined;
      if (id !== undefined) {
        addUnknown();
        symbols.push({ id, length: utf8Length(char) });
      } else if (bytes !== undefined) {
        symbols.push(...bytes);
      } else if (unk_token !== null) {
        if (!fuse_unk) addUnknown();
        unknown += utf8Length(char);
      }
    }
    addUnknown();
    return symbols;
  }

  /** The tokens that spell the symbol's bytes, if the vocabulary has them all. */
  #byteTokens(symbol: string): Piece[] | undefined {
    const bytes = Array.from(new TextEncoder().encode(symbol), (byte) => ({
      id: this.vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)!,
      length: 1,
    }));
    return bytes.some(({ id }) => id === undefined) ? undefined : bytes;
  }
}

function utf8Length(char: string): number {
  const code = char.codePointAt(0)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
