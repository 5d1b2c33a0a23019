import type { Decoder } from './pipeline.js';

/** Joins WordPiece tokens to words, and words by spaces; `cleanup` mends the spaces before punctuation. */
export class WordPieceDecoder implements Decoder {
  readonly json: { prefix: string; cleanup: boolean };

  constructor(json: { prefix?: string; cleanup?: boolean } = {}) {
    this.json = { type: 'WordPiece', prefix: '##', cleanup: true, ...json } as typeof this.json;
  }

  decode(tokens: string[]): string[] {
    const { prefix, cleanup } = this.json;
    return tokens.map((token, i) => {
      const continues = i > 0 && token.startsWith(prefix);
      const text = i === 0 ? token : continues ? token.slice(prefix.length) : ` ${token}`;
      return cleanup ? cleanUp(text).replaceAll(' do not', " don't") : text;
    });
  }
}

/** Takes out the spaces that tokenizing puts before punctuation and English contractions. */
export function cleanUp(text: string): string {
  return text
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replace(/ (n't|'m|'s|'ve|'re)/g, '$1');
}
