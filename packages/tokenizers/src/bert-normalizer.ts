import type { AlignedText } from './aligned-text.js';
import { bertChars, CONTROL, IDEOGRAPH, MARK, SPACE } from './bert-chars.js';
import { canonicalParts, decomposed } from './decompose.js';
import type { Normalizer } from './pipeline.js';

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
    const classes = bertChars();
    const { clean_text, handle_chinese_chars, strip_accents, lowercase } = this.json;
    const strips = strip_accents ?? lowercase;
    const cleaned = text.mapChars((char, code) => {
      const kind = classes.of(code);
      if (clean_text && kind & CONTROL) return '';
      if (clean_text && kind & SPACE) return ' ';
      return handle_chinese_chars && kind & IDEOGRAPH ? ` ${char} ` : char;
    });
    const finished = (char: string, code: number) => {
      if (strips && classes.has(code, MARK)) return '';
      return lowercase ? char.toLowerCase() : char;
    };
    return strips
      ? cleaned.rewrite(decomposed(cleaned.text, canonicalParts), finished)
      : cleaned.mapChars(finished);
  }
}
