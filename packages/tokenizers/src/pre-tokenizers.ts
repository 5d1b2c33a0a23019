import type { AlignedText } from './aligned-text.js';
import { bertChars, PUNCTUATION, SPACE } from './bert-chars.js';
import type { PreTokenizer } from './pipeline.js';

/** Cuts at white space, which it drops, and makes every punctuation character a word of its own. */
export class BertPreTokenizer implements PreTokenizer {
  readonly json: object = { type: 'BertPreTokenizer' };

  split(pieces: AlignedText[]): AlignedText[] {
    const classes = bertChars();
    const words: AlignedText[] = [];
    for (const piece of pieces) {
      let start = 0; // of the word that is being read
      let at = 0;
      const wordTo = (end: number) => {
        if (end > start) words.push(piece.slice(start, end));
      };
      for (const char of piece.text) {
        const flags = classes.of(char.codePointAt(0)!) & (SPACE | PUNCTUATION);
        const end = at + char.length;
        if (flags !== 0) {
          wordTo(at);
          if (flags === PUNCTUATION) words.push(piece.slice(at, end));
          start = end;
        }
        at = end;
      }
      wordTo(at);
    }
    return words;
  }
}

/** What is between ASCII white space, or one ASCII punctuation character. */
const CHUNK = /[^\t\n\r !-/:-@[-`{-~]+|[!-/:-@[-`{-~]/g;

/** Parts of a text that BERT's normalizer and pre-tokenizer treat each by itself. */
export function bertChunks(text: string): string[] {
  return text.match(CHUNK) ?? [];
}
