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
  #tokens: Trie | undefined;

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
    const pieces = this.#cut(word);
    if (pieces === undefined) {
      emit(unknownId(this.vocab, this.json.unk_token, word), 0, word.length);
      return;
    }
    let start = 0;
    for (const [id, end] of pieces) {
      emit(id, start, end);
      start = end;
    }
  }

  /** The tokens that make up the word, each with its end; undefined if it cannot be cut. */
  #cut(word: string): [id: number, end: number][] | undefined {
    const { continuing_subword_prefix, max_input_chars_per_word: most } = this.json;
    if (word === '' || (word.length > most && [...word].length > most)) return undefined;
    this.#tokens ??= trieOf(this.vocab);
    const tokens = this.#tokens;
    const rest = tokens.after(continuing_subword_prefix);
    const pieces: [id: number, end: number][] = [];
    for (let at = 0; at < word.length; at = tokens.matchEnd) {
      const id = tokens.longest(word, at, at === 0 ? 0 : rest);
      if (id < 0) return undefined;
      pieces.push([id, tokens.matchEnd]);
    }
    return pieces;
  }
}

function trieOf(vocab: ReadonlyMap<string, number>): Trie {
  const trie = new Trie();
  for (const [token, id] of vocab) trie.add(token, id);
  return trie;
}
