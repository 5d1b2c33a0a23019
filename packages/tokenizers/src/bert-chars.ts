// The kinds of characters that BERT's pipeline knows.
import { CharClasses, lazy, WHITE_SPACE } from './unicode.js';
import { YOUNGER } from './unicode-tables.js';

export const SPACE = 1;
/** Category P, and all of ASCII's punctuation. */
export const PUNCTUATION = 2;
/** Controls and formats, but not those that are white space. */
export const CONTROL = 4;
/** The blocks that the original code lists. */
export const IDEOGRAPH = 8;
/** Nonspacing marks. */
export const MARK = 16;

export const bertChars: () => CharClasses = /* @__PURE__ */ lazy(
  () =>
    new CharClasses(
      [
        [WHITE_SPACE, SPACE],
        // U+166D and U+111C9 were punctuation in the reference's Unicode.
        [/[\p{P}$+<=>^`|~\u166D\u{111C9}]/u, PUNCTUATION],
        [/(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\uFFFD]/u, CONTROL],
        // The end of extension E's first row is not among them.
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
