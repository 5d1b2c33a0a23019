// Written by tooling/reference/tokenizers_unicode.py; do not edit.
// Ranges of code points: the gap since the last range, then its length less one if not 0, in base 36.

/** Punctuation, nonspacing marks and formats that the library does not know. */
export const YOUNGER: string =
  '17h db 42-1 5-8 16-o 7u-1 3b 3n-5 2d 4u 1j 1m c 3f 1m-1 1w 8o j 1ts 39-1 fs-u 2-b 2q-1 19-2 hi-5 37r-c 2-b o26 48 1l 59 jmu-3 1t-5 8s-2 y 15-5 1y-a 4-4 14-7 6e 2-1 25 a 75 32 2 6x 3j-5 d 1 1 1-1 1-1 8-1 2d-7 2-2 1 4-4 a-1 1-1 e9-c 24 ad-8 1-2 73-1 1 4-3 3x-3 2-1 4 1 u-9 14-5 2-c 9-5 2-2 1a-c 1-4 1-4 2l-9 2e 1-2 1 3e 26-6 1-5 1 1-4 16-1 w-l 2-6 1-1 1-1 3e-5 3 1-1 1-6 1 20-1 3 1 9n-1 2-1 7-1 1g-4 5 1-d a 4k 35d-1 u5-g 6-e 8ug-b 3-2 2f1-2 87-3 50 42 1 isb-19 2-m 3ax-6 1-g 2-6 1-1 1-4 2s 4g-6 af 1p-3 e4-3 72-1 f 6b 2 7-1 5 ge-6 j-1';

/** Decompositions and combining classes that the library does not know. */
export const YOUNGER_NORMALIZATION: string =
  '1kt 49-8 16-9 8a fx 72-1 al 1ne q1-u 2-b lm-4 45g n3l-3 1j n0 hun q bg-4 1-15 1-8 12h-3 1t-4 8t-1 25-1 1-2 1y-a 1d-3 6i ju 1z 1 8 2 1f 1-1 5-2 3x re-1 71 4-1 4 4c 2b i 29 iw 1-1 29 bt-1 d0e-7 6 2ew-2 hx-1 ick-z 3sm-1p x 4g-6 af 1p-3 e4-3 72-1 6r 2 7-1 5 22e 22r-9';

/** Marks that the StripAccents normalizer does not know. */
export const YOUNGER_MARKS: string =
  '1kt 49-8 16-9 8a 6z-5 2d 4u 1j 52 c 1m-1 1w 8o j 1mu 6x j3-u 2-b ej 72-4 rap 5u js4-3 1t-4 8t-1 25-5 1y-a 1d-3 6i 2-1 25 3m-1 3m 4-1 35 6x 3g-8 1 2 1-3 1-4 1 e-1 3f r1-e 6t-5 1-1 2-3 1 1-1 3x-6 2-6 3 s-9 14-6 1-3 8 9-a 1a-f 5i-7 cp-5 3 1-1 1-6 1 1u-4 1-1 1-4 9n-3 9-1 1 1c-6 3-4 n 44l 6-e 8ug-h 2sf 1b-8 2k b-1 iry-19 2-m 3ew 4g-6 af 1p-3 e4-3 72-1 6r 2 7-1 5';

/** Letters and numbers that the ByteLevel pattern does not know. */
export const YOUNGER_LETTERS: string =
  '1ov r0 3j ult-1 2 1 s j7y-p 12j-2 2y0-17 4-9 fxy-o 2-o 7y-4 4qp-7 zt-l 2p-36 hjh-u 1-2 1-1 1-6 2-4 9-1 154q-5 4ma-b gsi-3bd';

/** Letters, marks and digits that the library's \w does not know. */
export const YOUNGER_WORD: string =
  '1ov r0 3j 2r6-e 2-b rtu-1 2 1 s j7y-p 12j-2 1e-1 2g4-7 g8-17 4-9 fxy-o 2-o 7y-4 4qp-7 zt-l 2p-36 hjh-u 1-l 8-1 154q-5 4ma-b gsi-3bd';
