import type { AlignedText } from './aligned-text.js';
import type { PreTokenizer } from './pipeline.js';
import { type Classes, classes, lazy } from './unicode.js';
import { PUNCTUATION, WHITE_SPACE } from './unicode-tables.js';

const SPACE = 1;
const PUNCT = 2;
const table: () => Classes = /* @__PURE__ */ lazy(() =>
  classes([WHITE_SPACE, SPACE], [PUNCTUATION, PUNCT]),
);

/** Cuts at white space, which it drops, and makes every punctuation character a word of its own. */
export class BertPreTokenizer implements PreTokenizer {
  split(pieces: AlignedText[]): AlignedText[] {
    const flags = table();
    const words: AlignedText[] = [];
    for (const piece of pieces) {
      let start = 0; // of the word that is being read
      let at = 0;
      const wordTo = (end: number) => {
        if (end > start) words.push(piece.slice(start, end));
      };
      for (const char of piece.text) {
        const flag = flags[char.codePointAt(0)!]!;
        const end = at + char.length;
        if (flag !== 0) {
          wordTo(at);
          if (flag === PUNCT) words.push(piece.slice(at, end));
          start = end;
        }
        at = end;
      }
      wordTo(at);
    }
    return words;
  }

  toJSON(): object {
    return { type: 'BertPreTokenizer' };
  }
}

/** What is between ASCII white space, or one ASCII punctuation character. */
const CHUNK = /[^\t\n\r !-/:-@[-`{-~]+|[!-/:-@[-`{-~]/g;

/** Parts of a text that BERT's normalizer and pre-tokenizer treat each by itself. */
export function bertChunks(text: string): string[] {
  return text.match(CHUNK) ?? [];
}
