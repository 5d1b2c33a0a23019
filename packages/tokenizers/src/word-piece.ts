import { unknownId } from './errors.js';
import type { Emit, Model } from './pipeline.js';

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
  readonly #longest: number; // token, in UTF-16 units

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
    let longest = 0;
    for (const { length } of vocab.keys()) if (length > longest) longest = length;
    this.#longest = longest;
  }

  tokenize(word: string, emit: Emit): void {
    const { vocab, json } = this;
    const most = json.max_input_chars_per_word;
    const pieces: Parameters<Emit>[] = [];
    const isShort = word.length <= most || [...word].length <= most;
    let start = 0;
    while (isShort && start < word.length) {
      const prefix = start > 0 ? json.continuing_subword_prefix : '';
      let id: number | undefined;
      let end = Math.min(word.length, start + this.#longest) + 1;
      while (id === undefined && --end > start) id = vocab.get(prefix + word.slice(start, end));
      if (id === undefined) break;
      pieces.push([id, start, end]);
      start = end;
    }
    if (start === 0 || start < word.length) {
      emit(unknownId(vocab, json.unk_token, word), 0, word.length);
    } else {
      for (const piece of pieces) emit(...piece);
    }
  }
}
