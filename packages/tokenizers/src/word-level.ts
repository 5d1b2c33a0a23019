import { unknownId } from './errors.js';
import type { Emit, Model } from './pipeline.js';

/** A word is a token, or unknown. */
export class WordLevel implements Model {
  readonly json: { unk_token: string };

  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    json: { unk_token?: string } = {},
  ) {
    this.json = { type: 'WordLevel', unk_token: '<unk>', ...json } as typeof this.json;
  }

  tokenize(word: string, emit: Emit): void {
    emit(this.vocab.get(word) ?? unknownId(this.vocab, this.json.unk_token, word), 0, word.length);
  }
}
