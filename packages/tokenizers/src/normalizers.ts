import type { AlignedText } from './aligned-text.js';
import { type NormalizationForm, normalizationChanges } from './normalize-unicode.js';
import type { Pattern } from './pattern.js';
import type { Normalizer } from './pipeline.js';
import { CharClasses, isWhiteSpace, lazy } from './unicode.js';
import { YOUNGER_MARKS } from './unicode-tables.js';

/** One of Unicode's normalization forms. */
export class UnicodeForm implements Normalizer {
  constructor(readonly form: NormalizationForm) {}

  normalize(text: AlignedText): AlignedText {
    return text.rewrite(normalizationChanges(text.text, this.form));
  }

  toJSON(): object {
    return { type: this.form };
  }
}

/** Lower case, character by character. */
export class Lowercase implements Normalizer {
  normalize(text: AlignedText): AlignedText {
    return text.mapChars((char) => char.toLowerCase());
  }

  toJSON(): object {
    return { type: 'Lowercase' };
  }
}

// U+1CF2 and U+1CF3 were marks in the reference's Unicode.
const marks: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[/[\p{M}\u1CF2\u1CF3]/u, 1]], YOUNGER_MARKS),
);

/** Removes combining marks; accented letters have them only after NFD or NFKD. */
export class StripAccents implements Normalizer {
  normalize(text: AlignedText): AlignedText {
    const classes = marks();
    return text.mapChars((char, code) => (classes.has(code, 1) ? '' : char));
  }

  toJSON(): object {
    return { type: 'StripAccents' };
  }
}

/** Removes white space at the ends. */
export class Strip implements Normalizer {
  constructor(
    readonly left: boolean = true,
    readonly right: boolean = true,
  ) {}

  normalize(text: AlignedText): AlignedText {
    let start = 0;
    let end = text.length;
    if (this.left) while (start < end && isWhiteSpace(text.text.charCodeAt(start))) start++;
    if (this.right) while (end > start && isWhiteSpace(text.text.charCodeAt(end - 1))) end--;
    return text.strip(start, end);
  }

  toJSON(): object {
    return { type: 'Strip', strip_left: this.left, strip_right: this.right };
  }
}

/** Puts a text in the place of every match. */
export class Replace implements Normalizer {
  constructor(
    readonly pattern: Pattern,
    readonly content: string,
  ) {}

  normalize(text: AlignedText): AlignedText {
    return text.replace(this.pattern.matches(text.text), this.content);
  }

  toJSON(): object {
    return { type: 'Replace', pattern: this.pattern.json, content: this.content };
  }
}

/** Puts a text before every text that is not empty. */
export class Prepend implements Normalizer {
  constructor(readonly content: string) {}

  normalize(text: AlignedText): AlignedText {
    return text.prepend(this.content);
  }

  toJSON(): object {
    return { type: 'Prepend', prepend: this.content };
  }
}

/** One normalizer after the other. */
export class NormalizerSequence implements Normalizer {
  constructor(readonly normalizers: readonly Normalizer[]) {}

  normalize(text: AlignedText): AlignedText {
    return this.normalizers.reduce((result, next) => next.normalize(result), text);
  }

  toJSON(): object {
    return { type: 'Sequence', normalizers: this.normalizers };
  }
}
