import type { AlignedText } from './aligned-text.js';
import { prepended, replaced, stripped } from './edit-text.js';
import { type NormalizationForm, normalized } from './normalize-unicode.js';
import { Pattern, type Translate } from './pattern.js';
import type { Normalizer } from './pipeline.js';
import { CharClasses, isWhiteSpace, lazy } from './unicode.js';
import { YOUNGER_MARKS } from './unicode-tables.js';

/** One of Unicode's normalization forms; its type is the form. */
export class UnicodeForm implements Normalizer {
  constructor(readonly json: { type: NormalizationForm }) {}

  normalize(text: AlignedText): AlignedText {
    const rewriting = normalized(text.text, this.json.type);
    return rewriting ? text.rewrite(rewriting, (char) => char) : text;
  }
}

/** Lower case, character by character. */
export class Lowercase implements Normalizer {
  readonly json: object = { type: 'Lowercase' };

  normalize(text: AlignedText): AlignedText {
    return text.mapChars((char) => char.toLowerCase());
  }
}

// U+1CF2 and U+1CF3 were marks in the reference's Unicode.
const marks: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[/[\p{M}\u1CF2\u1CF3]/u, 1]], YOUNGER_MARKS),
);

/** Removes combining marks; accented letters have them only after NFD or NFKD. */
export class StripAccents implements Normalizer {
  readonly json: object = { type: 'StripAccents' };

  normalize(text: AlignedText): AlignedText {
    const classes = marks();
    return text.mapChars((char, code) => (classes.has(code, 1) ? '' : char));
  }
}

/** Removes white space at the ends. */
export class Strip implements Normalizer {
  readonly json: { strip_left: boolean; strip_right: boolean };

  constructor(json: { strip_left?: boolean; strip_right?: boolean } = {}) {
    const defaults = { type: 'Strip', strip_left: true, strip_right: true };
    this.json = { ...defaults, ...json };
  }

  normalize(text: AlignedText): AlignedText {
    const { strip_left, strip_right } = this.json;
    let start = 0;
    let end = text.length;
    if (strip_left) while (start < end && isWhiteSpace(text.text.charCodeAt(start))) start++;
    if (strip_right) while (end > start && isWhiteSpace(text.text.charCodeAt(end - 1))) end--;
    return stripped(text, start, end);
  }
}

/** Puts a text in the place of every match. */
export class Replace implements Normalizer {
  readonly #pattern: Pattern;

  constructor(
    readonly json: { pattern: unknown; content: string },
    _read: unknown,
    translate: Translate | undefined,
  ) {
    this.#pattern = new Pattern(json.pattern, translate);
  }

  normalize(text: AlignedText): AlignedText {
    return replaced(text, this.#pattern.matches(text.text), this.json.content);
  }
}

/** Puts a text before every text that is not empty. */
export class Prepend implements Normalizer {
  constructor(readonly json: { prepend: string }) {}

  normalize(text: AlignedText): AlignedText {
    return prepended(text, this.json.prepend);
  }
}

/** One normalizer after the other. */
export class NormalizerSequence implements Normalizer {
  readonly json: object;
  readonly #normalizers: readonly Normalizer[];

  constructor(json: { normalizers: unknown[] }, read: (json: unknown) => Normalizer) {
    this.#normalizers = json.normalizers.map(read);
    this.json = { type: 'Sequence', normalizers: this.#normalizers.map((part) => part.json) };
  }

  normalize(text: AlignedText): AlignedText {
    return this.#normalizers.reduce((result, next) => next.normalize(result), text);
  }
}
