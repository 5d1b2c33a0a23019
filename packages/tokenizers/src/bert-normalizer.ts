import type { AlignedText } from './aligned-text.js';
import { decomposed } from './decompose.js';
import type { Normalizer } from './pipeline.js';
import { CharClasses, isWhiteSpace, lazy } from './unicode.js';
import { YOUNGER } from './unicode-tables.js';

const CONTROL = 1;
const IDEOGRAPH = 2;
const MARK = 4;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () =>
    new CharClasses(
      [
        [/[\p{Cc}\p{Cf}\p{Co}\uFFFD]/u, CONTROL],
        // The blocks that the original code lists; the end of extension E's first row is not among them.
        [
          /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/u,
          IDEOGRAPH,
        ],
        // U+1734 and U+1171E were nonspacing marks, U+111C9 was none, in the reference's Unicode.
        [/(?!\u{111C9})[\p{Mn}\u1734\u{1171E}]/u, MARK],
      ],
      YOUNGER,
    ),
);

export interface BertNormalizerJson {
  /** Remove control characters, and make every white space a plain space (default true). */
  clean_text: boolean;
  /** Put spaces around Chinese characters (default true). */
  handle_chinese_chars: boolean;
  /** Remove accents; null (the default) does what `lowercase` says. */
  strip_accents: boolean | null;
  /** Lower the case (default true). */
  lowercase: boolean;
}

/** What BERT does to a text before it is cut into words (`BasicTokenizer` of the original code). */
export class BertNormalizer implements Normalizer {
  readonly json: BertNormalizerJson;

  constructor(json: Partial<BertNormalizerJson> = {}) {
    const defaults = {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    };
    this.json = { ...defaults, ...json };
  }

  normalize(text: AlignedText): AlignedText {
    const classes = kinds();
    const { clean_text, handle_chinese_chars, strip_accents, lowercase } = this.json;
    let result = text;
    if (clean_text) {
      result = result.mapChars((char, code) => {
        if (code === 9 || code === 10 || code === 13) return ' ';
        return classes.has(code, CONTROL) ? '' : isWhiteSpace(code) ? ' ' : char;
      });
    }
    if (handle_chinese_chars) {
      result = result.mapChars((char, code) => (classes.has(code, IDEOGRAPH) ? ` ${char} ` : char));
    }
    if (strip_accents ?? lowercase) {
      result = result
        .rewrite(decomposed(result.text, 'NFD'))
        .mapChars((char, code) => (classes.has(code, MARK) ? '' : char));
    }
    return lowercase ? result.mapChars((char) => char.toLowerCase()) : result;
  }
}

