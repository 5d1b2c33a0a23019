import type { AlignedText } from './aligned-text.js';
import { normalizationChanges } from './normalize-unicode.js';
import type { Normalizer } from './pipeline.js';
import { type Classes, classes, isWhiteSpace, lazy } from './unicode.js';
import { CHINESE, NONSPACING_MARKS, REMOVED } from './unicode-tables.js';

const CONTROL = 1;
const IDEOGRAPH = 2;
const MARK = 4;
const table: () => Classes = /* @__PURE__ */ lazy(() =>
  classes([REMOVED, CONTROL], [CHINESE, IDEOGRAPH], [NONSPACING_MARKS, MARK]),
);

export interface BertNormalizerOptions {
  /** Remove control characters, and make every white space a plain space (default true). */
  cleanText?: boolean;
  /** Put spaces around Chinese characters (default true). */
  handleChineseChars?: boolean;
  /** Remove accents; null (the default) does what `lowercase` says. */
  stripAccents?: boolean | null;
  /** Lower the case (default true). */
  lowercase?: boolean;
}

/** What BERT does to a text before it is cut into words (`BasicTokenizer` of the original code). */
export class BertNormalizer implements Normalizer {
  readonly cleanText: boolean;
  readonly handleChineseChars: boolean;
  readonly stripAccents: boolean | null;
  readonly lowercase: boolean;

  constructor(options: BertNormalizerOptions = {}) {
    this.cleanText = options.cleanText ?? true;
    this.handleChineseChars = options.handleChineseChars ?? true;
    this.stripAccents = options.stripAccents ?? null;
    this.lowercase = options.lowercase ?? true;
  }

  normalize(text: AlignedText): AlignedText {
    const flags = table();
    let result = text;
    if (this.cleanText) {
      result = result.mapChars((char, code) => {
        if (code === 9 || code === 10 || code === 13) return ' ';
        return flags[code]! & CONTROL ? '' : isWhiteSpace(code) ? ' ' : char;
      });
    }
    if (this.handleChineseChars) {
      result = result.mapChars((char, code) => (flags[code]! & IDEOGRAPH ? ` ${char} ` : char));
    }
    if (this.stripAccents ?? this.lowercase) {
      result = result
        .rewrite(normalizationChanges(result.text, 'NFD'))
        .mapChars((char, code) => (flags[code]! & MARK ? '' : char));
    }
    return this.lowercase ? result.mapChars((char) => char.toLowerCase()) : result;
  }

  toJSON(): object {
    return {
      type: 'BertNormalizer',
      clean_text: this.cleanText,
      handle_chinese_chars: this.handleChineseChars,
      strip_accents: this.stripAccents,
      lowercase: this.lowercase,
    };
  }
}

/** Whether `handle_chinese_chars` sets the character apart. */
export function isChinese(code: number): boolean {
  return (table()[code]! & IDEOGRAPH) !== 0;
}
