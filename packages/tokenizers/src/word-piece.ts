import { quote, TokenizerError } from './errors.js';
import type { Model } from './pipeline.js';
import { Trie } from './trie.js';

export interface WordPieceOptions {
  /** Stands in for words that no tokens make up (default `[UNK]`). */
  unkToken?: string;
  /** What tokens that continue a word begin with (default `##`). */
  continuingSubwordPrefix?: string;
  /** A word of more code points is unknown (default 100). */
  maxInputCharsPerWord?: number;
}

/**
 * WordPiece: a word is cut greedily into the longest tokens of the vocabulary, from its start on; if
 * that fails anywhere, the whole word is unknown (Wu et al. 2016, as in BERT's code).
 */
export class WordPiece implements Model {
  readonly unkToken: string;
  readonly continuingSubwordPrefix: string;
  readonly maxInputCharsPerWord: number;
  #tries: { first: Trie; rest: Trie } | undefined;
  // The tokens of one word, kept until it is known that the whole word can be cut.
  readonly #ids: number[] = [];
  readonly #ends: number[] = [];

  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    options: WordPieceOptions = {},
  ) {
    this.unkToken = options.unkToken ?? '[UNK]';
    this.continuingSubwordPrefix = options.continuingSubwordPrefix ?? '##';
    this.maxInputCharsPerWord = options.maxInputCharsPerWord ?? 100;
  }

  tokenize(word: string, emit: (id: number, start: number, end: number) => void): void {
    const count = this.#cut(word);
    if (count === 0) emit(this.#unknownId(word), 0, word.length);
    let start = 0;
    for (let i = 0; i < count; i++) {
      const end = this.#ends[i]!;
      emit(this.#ids[i]!, start, end);
      start = end;
    }
  }

  /** The number of tokens that make up the word, now in `#ids` and `#ends`; 0 if it cannot be cut. */
  #cut(word: string): number {
    if (longerThan(word, this.maxInputCharsPerWord)) return 0;
    this.#tries ??= this.#build();
    const { first, rest } = this.#tries;
    let trie = first;
    let count = 0;
    for (let at = 0; at < word.length; trie = rest) {
      const id = trie.longest(word, at);
      if (id < 0) return 0;
      at = trie.matchEnd;
      this.#ids[count] = id;
      this.#ends[count++] = at;
    }
    return count;
  }

  #unknownId(word: string): number {
    const id = this.vocab.get(this.unkToken);
    if (id === undefined) {
      throw new TokenizerError(
        'UNKNOWN_TOKEN',
        `${quote(word)} is not in the vocabulary, and neither is the unknown token ${quote(this.unkToken)}`,
      );
    }
    return id;
  }

  #build(): { first: Trie; rest: Trie } {
    const first = new Trie();
    const rest = new Trie();
    const prefix = this.continuingSubwordPrefix;
    for (const [token, id] of this.vocab) {
      if (token === '') continue;
      first.add(token, id);
      if (token.startsWith(prefix) && token.length > prefix.length) {
        rest.add(token.slice(prefix.length), id);
      }
    }
    return { first, rest };
  }

  toJSON(): object {
    return {
      type: 'WordPiece',
      unk_token: this.unkToken,
      continuing_subword_prefix: this.continuingSubwordPrefix,
      max_input_chars_per_word: this.maxInputCharsPerWord,
      vocab: Object.fromEntries(this.vocab),
    };
  }
}

/** Whether the word has more than `limit` code points. */
function longerThan(word: string, limit: number): boolean {
  if (word.length <= limit) return false;
  let count = 0;
  for (let at = 0; at < word.length; count++) {
    if (count === limit) return true;
    at += word.codePointAt(at)! > 0xffff ? 2 : 1;
  }
  return false;
}
