import { Bpe, type BpeJson, type Merge, type Piece, utf8Length } from './bpe.js';
import { badOption, unknownId } from './errors.js';
import type { Emit } from './pipeline.js';

export interface FullBpeJson extends BpeJson {
  /** Leave each merge out with this probability (Provilkov et al. 2020); null or 0 for none. */
  dropout: number | null;
  /** What symbols within a word begin with. */
  continuing_subword_prefix: string | null;
  /** Make one unknown token of several in a row (default false). */
  fuse_unk: boolean;
  /** Spell characters without a token by tokens for their bytes, `<0x00>` to `<0xFF>` (default false). */
  byte_fallback: boolean;
  /** A word that is a token is that token, whatever the merges say (default false). */
  ignore_merges: boolean;
}

/** Byte-pair encoding with all that a `tokenizer.json` may say of it, and with dropout. */
export class FullBpe extends Bpe {
  declare readonly json: FullBpeJson;
  readonly #random: () => number;

  /**
   * @param given as `Bpe` takes it; and for dropout a `seed`, of which the same gives the same tokens
   * @throws TokenizerError as `Bpe` does, `BAD_OPTION` for a dropout that is no probability
   */
  constructor(
    vocab: ReadonlyMap<string, number>,
    given: Partial<FullBpeJson> & { merges: readonly (string | Merge)[]; seed?: number },
  ) {
    const { seed = 0, ...json } = given;
    const defaults = {
      ...{ dropout: null, continuing_subword_prefix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
    };
    super(vocab, { ...defaults, ...json }, json.continuing_subword_prefix?.length);
    const { dropout } = this.json;
    if (dropout && !(dropout > 0 && dropout <= 1)) {
      badOption(`dropout must be between 0 and 1, not ${dropout}`);
    }
    this.#random = seededRandom(seed);
  }

  get isRandom(): boolean {
    return !!this.json.dropout;
  }

  protected override leavesOut(): boolean {
    const { dropout } = this.json;
    return !!dropout && this.#random() < dropout;
  }

  override tokenize(word: string, emit: Emit): void {
    const whole = this.json.ignore_merges ? this.vocab.get(word) : undefined;
    if (whole === undefined) super.tokenize(word, emit);
    else emit(whole, 0, word.length);
  }

  /** The word's characters as symbols. */
  protected override spell(word: string): Piece[] {
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
