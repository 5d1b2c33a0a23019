import type { Rewriting } from './aligned-text.js';
import { CharClasses, lazy } from './unicode.js';
import { YOUNGER_NORMALIZATION } from './unicode-tables.js';

const KNOWN_TO_REFERENCE = 1;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[/^/, KNOWN_TO_REFERENCE]], YOUNGER_NORMALIZATION),
);

/** Whether the reference's Unicode data have nothing of the character, which then stays as it is. */
export function isNewerThanReference(char: string): boolean {
  return char >= '\u0300' && !kinds().has(char.codePointAt(0)!, KNOWN_TO_REFERENCE);
}

/** A function that remembers what it gave last, for up to so many texts. */
export function remembering<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      value = of(text);
      if (known.size >= 1 << 14) known.clear();
      known.set(text, value);
    }
    return value;
  };
}

const partsBy = (form: 'NFD' | 'NFKD') =>
  remembering((char): Rewriting => {
    const parts = isNewerThanReference(char) ? [char] : [...char.normalize(form)];
    return parts.map((part, i) => [part, i > 0 ? 1 : 0]);
  });

/** What a character is decomposed to, canonically … */
export const canonicalParts: (char: string) => Rewriting = /* @__PURE__ */ partsBy('NFD');
/** … or compatibly. */
export const compatibleParts: (char: string) => Rewriting = /* @__PURE__ */ partsBy('NFKD');

/**
 * The decomposition of a text (UAX #15), of whose characters `partsOf` gives that. The data come from the engine, less
 * what is younger than the reference's; as the engine gives no alignment, and takes time that grows
 * with the square of a run of marks, the rest is done here.
 */
export function decomposed(text: string, partsOf: typeof canonicalParts): Rewriting {
  const made: Rewriting = [];
  let marks = 0; // where the run of marks begins that the next character may add to
  for (const char of text) {
    for (const part of partsOf(char)) {
      if (!isMark(part[0])) {
        orderMarks(made, marks);
        marks = made.length + 1;
      }
      made.push(part);
    }
  }
  orderMarks(made, marks);
  return made;
}

/** Whether canonical order puts `mark` before an `other` that precedes it: if its combining class is lower. */
export function goesBefore(mark: string, other: string): boolean {
  return mark !== other && (other + mark).normalize('NFD') === mark + other;
}

/** Whether canonical order can move the character: if its combining class, of 1 to 240, is not 0. */
export const isMark: (char: string) => boolean = /* @__PURE__ */ remembering(
  (char) =>
    char >= '\u0300' &&
    !isNewerThanReference(char) &&
    (goesBefore(char, '\u0345') || goesBefore('\u0334', char)),
);

/** Sorts the marks from `from` on by their classes; those of one class keep their order. */
function orderMarks(made: Rewriting, from: number): void {
  if (made.length - from < 2) return;
  const marks = made.splice(from);
  // Each mark once, in the order of the classes, which the engine knows.
  const different = [...new Set(marks.map(([mark]) => mark))].join('');
  const ranks = new Map<string, number>();
  let rank = 0;
  let last = '';
  for (const mark of different.normalize('NFD')) {
    if (goesBefore(last, mark)) rank++;
    ranks.set(mark, rank);
    last = mark;
  }
  marks.sort(([a], [b]) => ranks.get(a)! - ranks.get(b)!);
  for (const mark of marks) made.push(mark);
}
