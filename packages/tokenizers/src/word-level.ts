import { quote, TokenizerError } from './errors.js';
import type { Model } from './pipeline.js';

/** A word is a token, or unknown. */
export class WordLevel implements Model {
  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    readonly unkToken: string = '<unk>',
  ) {}

  tokenize(word: string, emit: (id: number, start: number, end: number) => void): void {
    const id = this.vocab.get(word) ?? this.vocab.get(this.unkToken);
    if (id === undefined) {
      throw new TokenizerError(
        'UNKNOWN_TOKEN',
        `${quote(word)} is not in the vocabulary, and neither is the unknown token ${quote(this.unkToken)}`,
      );
    }
    emit(id, 0, word.length);
  }

  toJSON(): object {
    return { type: 'WordLevel', vocab: Object.fromEntries(this.vocab), unk_token: this.unkToken };
  }
}
