import type { AlignedText } from './aligned-text.js';
import type { PreTokenizer } from './pipeline.js';
import { CharClasses, lazy, WHITE_SPACE } from './unicode.js';
import { YOUNGER } from './unicode-tables.js';

const SPACE = 1;
const PUNCT = 2;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () =>
    new CharClasses(
      [
        [WHITE_SPACE, SPACE],
        // All of ASCII's; U+166D and U+111C9 were punctuation in the reference's Unicode.
        [/[\p{P}$+<=>^`|~\u166D\u{111C9}]/u, PUNCT],
      ],
      YOUNGER,
    ),
);

/** Category P, and all of ASCII's punctuation. */
export function isPunctuation(code: number): boolean {
  return kinds().has(code, PUNCT);
}

/** Cuts at white space, which it drops, and makes every punctuation character a word of its own. */
export class BertPreTokenizer implements PreTokenizer {
  readonly json: object = { type: 'BertPreTokenizer' };

  split(pieces: AlignedText[]): AlignedText[] {
    const classes = kinds();
    const words: AlignedText[] = [];
    for (const piece of pieces) {
      let start = 0; // of the word that is being read
      let at = 0;
      const wordTo = (end: number) => {
        if (end > start) words.push(piece.slice(start, end));
      };
      for (const char of piece.text) {
        const flags = classes.of(char.codePointAt(0)!) & (SPACE | PUNCT);
        const end = at + char.length;
        if (flags !== 0) {
          wordTo(at);
          if (flags === PUNCT) words.push(piece.slice(at, end));
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
