import type { Decoder } from './pipeline.js';

/** Joins WordPiece tokens to words, and words by spaces; `cleanup` mends the spaces before punctuation. */
export class WordPieceDecoder implements Decoder {
  constructor(
    readonly prefix: string = '##',
    readonly cleanup: boolean = true,
  ) {}

  decode(tokens: string[]): string[] {
    return tokens.map((token, i) => {
      const continues = i > 0 && token.startsWith(this.prefix);
      const text = i === 0 ? token : continues ? token.slice(this.prefix.length) : ` ${token}`;
      return this.cleanup ? cleanUp(text).replaceAll(' do not', " don't") : text;
    });
  }

  toJSON(): object {
    return { type: 'WordPiece', prefix: this.prefix, cleanup: this.cleanup };
  }
}

const CLEAN_UPS: [from: string, to: string][] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Takes out the spaces that tokenizing puts before punctuation and English contractions. */
export function cleanUp(text: string): string {
  let clean = text;
  for (const [from, to] of CLEAN_UPS) clean = clean.replaceAll(from, to);
  return clean;
}
