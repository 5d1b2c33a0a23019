import { quote, TokenizerError } from './errors.js';
import type { Json, Model } from './pipeline.js';
import { SymbolRow } from './symbol-row.js';
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

/**
 * Byte-pair encoding (Sennrich et al. 2016): of the neighbouring symbols of a word, those whose merge
 * was learned first become one, the leftmost before others, until no pair has a merge.
 */
export class Bpe implements Model {
  readonly options: Required<BpeOptions>;
  /** The symbols of the word in work. */
  readonly row: SymbolRow;

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
    const skip = this.options.continuingSubwordPrefix?.length ?? 0;
    this.row = new SymbolRow(vocab, merges, skip, dropout, this.options.seed);
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
    this.row.begin(word.length);
    const isSpelled = this.#spell(word);
    this.row.merge();
    if (isSpelled) this.row.emit(emit);
    else this.#emitBytes(word, emit);
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
        this.row.begin(word.length * 3);
        this.#spellUnknown(word);
        return false;
      }
      this.row.add(id, end - at);
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
      if (unknown > 0) this.row.add(this.#unknownId(word), unknown);
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
        this.row.add(id, length);
        continue;
      }
      const bytes = byteFallback ? this.#byteTokens(symbol) : undefined;
      if (bytes !== undefined) {
        for (const byte of bytes) this.row.add(byte, 1);
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
    this.row.emit((id, start, end) => {
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

function utf8Length(char: string): number {
  const code = char.codePointAt(0)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
