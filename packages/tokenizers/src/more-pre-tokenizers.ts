import type { AlignedText } from './aligned-text.js';
import { bertChars, PUNCTUATION } from './bert-chars.js';
import { badFile } from './errors.js';
import {
  charParts,
  type Part,
  Pattern,
  SPLIT_BEHAVIORS,
  type SplitBehavior,
  splitPiece,
  type Translate,
} from './pattern.js';
import type { PreTokenizer } from './pipeline.js';
import { CharClasses, isWhiteSpace, lazy } from './unicode.js';
import { YOUNGER_WORD } from './unicode-tables.js';

const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u; // Rust's \w
const WORD_CHAR = 1;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[WORD, WORD_CHAR]], YOUNGER_WORD),
);

/** Cuts every piece alike, at its parts. */
abstract class Splitter implements PreTokenizer {
  abstract readonly json: object;
  readonly behavior: SplitBehavior;

  constructor(behavior: SplitBehavior = 'Isolated') {
    if (!SPLIT_BEHAVIORS.includes(behavior))
      badFile(`tokenizer.json: a split behavior ${behavior}`);
    this.behavior = behavior;
  }

  split(pieces: AlignedText[]): AlignedText[] {
    return pieces.flatMap((piece) => splitPiece(piece, this.parts(piece.text), this.behavior));
  }

  protected abstract parts(text: string): Part[];
}

/** Words and runs of other characters (`\w+|[^\w\s]+`), without white space. */
export class Whitespace implements PreTokenizer {
  readonly json: object = { type: 'Whitespace' };

  split(pieces: AlignedText[]): AlignedText[] {
    const classes = kinds();
    const kindOf = (code: number) =>
      isWhiteSpace(code) ? 0 : classes.has(code, WORD_CHAR) ? 1 : 2;
    return pieces.flatMap((piece) => {
      const words: AlignedText[] = [];
      let start = 0;
      let at = 0;
      let kind = 0;
      for (const char of piece.text) {
        const next = kindOf(char.codePointAt(0)!);
        if (next !== kind) {
          if (kind !== 0) words.push(piece.slice(start, at));
          start = at;
          kind = next;
        }
        at += char.length;
      }
      if (kind !== 0) words.push(piece.slice(start, at));
      return words;
    });
  }
}

/** Cuts at white space, which it drops. */
export class WhitespaceSplit extends Splitter {
  readonly json: object = { type: 'WhitespaceSplit' };

  constructor() {
    super('Removed');
  }

  protected parts(text: string): Part[] {
    return charParts(text, isWhiteSpace);
  }
}

/** Cuts at punctuation. */
export class Punctuation extends Splitter {
  readonly json: object;

  constructor(json: { behavior?: SplitBehavior } = {}) {
    super(json.behavior);
    this.json = { type: 'Punctuation', behavior: this.behavior };
  }

  protected parts(text: string): Part[] {
    return charParts(text, (code) => bertChars().has(code, PUNCTUATION));
  }
}

/** Puts numbers apart, whole or digit by digit. */
export class Digits extends Splitter {
  readonly json: object;

  constructor(json: { individual_digits?: boolean } = {}) {
    super(json.individual_digits ? 'Isolated' : 'Contiguous');
    this.json = { type: 'Digits', individual_digits: false, ...json };
  }

  protected parts(text: string): Part[] {
    return charParts(text, (code) => /\p{N}/u.test(String.fromCodePoint(code)));
  }
}

export interface SplitJson {
  pattern: unknown;
  behavior: SplitBehavior;
  invert?: boolean;
}

/** Cuts at the matches of a pattern, or with `invert` at what is between them. */
export class Split extends Splitter {
  readonly json: SplitJson;
  readonly #pattern: Pattern;

  constructor(json: SplitJson, _read: unknown, translate: Translate | undefined) {
    super(json.behavior);
    this.json = { type: 'Split', invert: false, ...json } as SplitJson;
    this.#pattern = new Pattern(json.pattern, translate);
  }

  protected parts(text: string): Part[] {
    const parts = this.#pattern.parts(text);
    return this.json.invert
      ? parts.map(([start, end, isMatch]): Part => [start, end, !isMatch])
      : parts;
  }
}

/** One pre-tokenizer after the other. */
export class PreTokenizerSequence implements PreTokenizer {
  readonly json: object;
  readonly #preTokenizers: readonly PreTokenizer[];

  constructor(json: { pretokenizers: unknown[] }, read: (json: unknown) => PreTokenizer) {
    this.#preTokenizers = json.pretokenizers.map(read);
    this.json = { type: 'Sequence', pretokenizers: this.#preTokenizers.map((part) => part.json) };
  }

  split(pieces: AlignedText[]): AlignedText[] {
    return this.#preTokenizers.reduce((parts, next) => next.split(parts), pieces);
  }
}
