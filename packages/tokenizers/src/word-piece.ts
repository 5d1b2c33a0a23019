import { unknownId } from './errors.js';
import type { Emit, Model } from './pipeline.js';
import { Trie } from './trie.js';

export interface WordPieceJson {
  /** Stands in for words that no tokens make up (default `[UNK]`). */
  unk_token: string;
  /** What tokens that continue a word begin with (default `##`). */
  continuing_subword_prefix: string;
  /** A word of more code points is unknown (default 100). */
  max_input_chars_per_word: number;
}

/**
 * WordPiece: a word is cut greedily into the longest tokens of the vocabulary, from its start on; if
 * that fails anywhere, the whole word is unknown (Wu et al. 2016, as in BERT's code).
 */
export class WordPiece implements Model {
  readonly json: WordPieceJson;
  #tries: { first: Trie; rest: Trie } | undefined;
  // The tokens of one word, kept until it is known that the whole word can be cut.
  readonly #ids: number[] = [];
  readonly #ends: number[] = [];

  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    json: Partial<WordPieceJson> = {},
  ) {
    const defaults = {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    };
    this.json = { ...defaults, ...json };
  }

  tokenize(word: string, emit: Emit): void {
    const count = this.#cut(word);
    if (count === 0) emit(unknownId(this.vocab, this.json.unk_token, word), 0, word.length);
    let start = 0;
    for (let i = 0; i < count; i++) {
      const end = this.#ends[i]!;
      emit(this.#ids[i]!, start, end);
      start = end;
    }
  }

  /** The number of tokens that make up the word, now in `#ids` and `#ends`; 0 if it cannot be cut. */
  #cut(word: string): number {
    if (longerThan(word, this.json.max_input_chars_per_word)) return 0;
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

  #build(): { first: Trie; rest: Trie } {
    const first = new Trie();
    const rest = new Trie();
    const prefix = this.json.continuing_subword_prefix;
    for (const [token, id] of this.vocab) {
      if (token === '') continue;
      first.add(token, id);
      if (token.startsWith(prefix) && token.length > prefix.length) {
        rest.add(token.slice(prefix.length), id);
      }
    }
    return { first, rest };
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
