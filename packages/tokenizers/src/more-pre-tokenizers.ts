import type { AlignedText } from './aligned-text.js';
import { charParts, type Part, Pattern, type SplitBehavior, splitPiece } from './pattern.js';
import type { PreTokenizer } from './pipeline.js';
import { isPunctuation } from './pre-tokenizers.js';
import { CharClasses, isWhiteSpace, lazy } from './unicode.js';
import { YOUNGER_WORD } from './unicode-tables.js';

const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u; // Rust's \w
const WORD_CHAR = 1;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[WORD, WORD_CHAR]], YOUNGER_WORD),
);

/** Cuts every piece alike. */
abstract class Splitter implements PreTokenizer {
  split(pieces: AlignedText[]): AlignedText[] {
    return pieces.flatMap((piece) => splitPiece(piece, this.parts(piece.text), this.behavior));
  }
  abstract readonly behavior: SplitBehavior;
  protected abstract parts(text: string): Part[];
  abstract toJSON(): object;
}

/** Words and runs of other characters (`\w+|[^\w\s]+`), without white space. */
export class Whitespace implements PreTokenizer {
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

  toJSON(): object {
    return { type: 'Whitespace' };
  }
}

/** Cuts at white space, which it drops. */
export class WhitespaceSplit extends Splitter {
  readonly behavior = 'Removed';

  protected parts(text: string): Part[] {
    return charParts(text, isWhiteSpace);
  }

  toJSON(): object {
    return { type: 'WhitespaceSplit' };
  }
}

/** Cuts at punctuation. */
export class Punctuation extends Splitter {
  constructor(readonly behavior: SplitBehavior = 'Isolated') {
    super();
  }

  protected parts(text: string): Part[] {
    return charParts(text, isPunctuation);
  }

  toJSON(): object {
    return { type: 'Punctuation', behavior: this.behavior };
  }
}

/** Puts numbers apart, whole or digit by digit. */
export class Digits extends Splitter {
  readonly behavior: SplitBehavior;

  constructor(readonly individualDigits: boolean = false) {
    super();
    this.behavior = individualDigits ? 'Isolated' : 'Contiguous';
  }

  protected parts(text: string): Part[] {
    return charParts(text, (code) => /\p{N}/u.test(String.fromCodePoint(code)));
  }

  toJSON(): object {
    return { type: 'Digits', individual_digits: this.individualDigits };
  }
}

/** Cuts at the matches of a pattern, or with `invert` at what is between them. */
export class Split extends Splitter {
  constructor(
    readonly pattern: Pattern,
    readonly behavior: SplitBehavior,
    readonly invert: boolean = false,
  ) {
    super();
  }

  protected parts(text: string): Part[] {
    const parts = this.pattern.parts(text);
    return this.invert ? parts.map(([start, end, isMatch]): Part => [start, end, !isMatch]) : parts;
  }

  toJSON(): object {
    const { pattern, behavior, invert } = this;
    return { type: 'Split', pattern: pattern.json, behavior, invert };
  }
}

/** When Metaspace puts its character before a text. */
export type PrependScheme = 'always' | 'first' | 'never';

/** Puts a visible character in the place of spaces, and cuts before it (SentencePiece's `▁`). */
export class Metaspace implements PreTokenizer {
  constructor(
    readonly replacement: string = '▁',
    readonly prependScheme: PrependScheme = 'always',
    readonly cut: boolean = true,
  ) {}

  split(pieces: AlignedText[]): AlignedText[] {
    const { replacement, prependScheme } = this;
    const space = new Pattern({ String: ' ' });
    const mark = new Pattern({ String: replacement });
    return pieces.flatMap((piece) => {
      let text = piece.replace(space.matches(piece.text), replacement);
      const prepends =
        prependScheme === 'always' || (prependScheme === 'first' && piece.origin === 0);
      if (prepends && !text.text.startsWith(replacement)) text = text.prepend(replacement);
      return this.cut ? splitPiece(text, mark.parts(text.text), 'MergedWithNext') : [text];
    });
  }

  toJSON(): object {
    return {
      type: 'Metaspace',
      replacement: this.replacement,
      prepend_scheme: this.prependScheme,
      split: this.cut,
    };
  }
}

/** One pre-tokenizer after the other. */
export class PreTokenizerSequence implements PreTokenizer {
  constructor(readonly preTokenizers: readonly PreTokenizer[]) {}

  split(pieces: AlignedText[]): AlignedText[] {
    return this.preTokenizers.reduce((parts, next) => next.split(parts), pieces);
  }

  toJSON(): object {
    return { type: 'Sequence', pretokenizers: this.preTokenizers };
  }
}
