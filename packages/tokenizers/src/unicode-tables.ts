// Written by tooling/reference/tokenizers_unicode.py; do not edit.
// Ranges of code points: the gap since the last range, then its length less one if not 0, in base 36.

/** Punctuation, nonspacing marks and formats that the library does not know. */
export const YOUNGER: string =
  '17h db 42-2a 7u-1 3b 3n-5 2d 4u-1k 1m c 3f 1m-1 1w 8o j 1ts-3b fs-18 2q-1 19-2 hi-5 37r-q o26 48 1l 59 jmu-h1 6e-4 25-b 75 32-3 6x 3j-4j e9-c 24 ad-1jk 35d-9q6 2f1-de 42-2 isb-1y 3ax-1dh ge-r';

/** Decompositions and combining classes that the library does not know. */
export const YOUNGER_NORMALIZATION: string =
  '1kt 49-1o 8a fx 72-1 al 1ne q1-18 lm-4 45g n3l-3 1j n0 hun-dt 12h-gx 6i ju 1z-25 3x re-gw iw-df1 2ew-i1 ick-z 3sm-1c5 22e 22r-9';

/** Marks that the StripAccents normalizer does not know. */
export const YOUNGER_MARKS: string =
  '1kt 49-1o 8a 6z-5 2d 4u-1k 52-d 1m-1 1w 8o j 1mu 6x j3-18 ej 72-4 rap 5u js4-gx 6i-4 25 3m-1 3m 4-1 35 6x 3g-16 3f r1-mz cp-dfi 2sf 1b-8 2k-d iry-1y 3ew-19i';

/** Letters and numbers that the ByteLevel pattern does not know. */
export const YOUNGER_LETTERS: string =
  '1ov r0 3j ult-1 2 1 s j7y-p 12j-2 2y0-1l fxy-1f 7y-4 4qp-7 zt-6h hjh-1r 154q-5 4ma-b gsi-3bd';

/** Letters, marks and digits that the library's \w does not know. */
export const YOUNGER_WORD: string =
  '1ov r0 3j 2r6-s rtu-1 2 1 s j7y-p 12j-1i 2g4-7 g8-1l fxy-1f 7y-4 4qp-7 zt-6h hjh-1r 154q-5 4ma-b gsi-3bd';
