import type { Rewriting } from './aligned-text.js';
import { CharClasses, lazy } from './unicode.js';
import { YOUNGER_NORMALIZATION } from './unicode-tables.js';

const KNOWN_TO_REFERENCE = 1;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[/^/, KNOWN_TO_REFERENCE]], YOUNGER_NORMALIZATION),
);

function isNewerThanReference(code: number): boolean {
  return !kinds().has(code, KNOWN_TO_REFERENCE);
}

/** Unicode's normalization forms (UAX #15). */
export type NormalizationForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * The characters of the normalized text, each with its change (see `AlignedText.rewrite`). The data
 * come from the engine, less what is younger than the reference's; the order of marks and the
 * changes are worked out here, because the engine gives no alignment.
 */
export function normalizationChanges(text: string, form: NormalizationForm): Rewriting {
  const isCompatible = form === 'NFKC' || form === 'NFKD';
  const decomposed = decompose(text, isCompatible ? 'NFKD' : 'NFD');
  return form === 'NFC' || form === 'NFKC' ? compose(decomposed) : decomposed;
}

/** A character's decomposition, with the combining class of each part. */
interface Decomposition {
  parts: string[];
  classes: number[];
}

const seen: Record<'NFD' | 'NFKD', Map<string, Decomposition>> = {
  NFD: new Map(),
  NFKD: new Map(),
};

function decompositionOf(char: string, form: 'NFD' | 'NFKD'): Decomposition {
  const known = seen[form].get(char);
  if (known !== undefined) return known;
  const isNewer = isNewerThanReference(char.codePointAt(0)!);
  const parts = isNewer ? [char] : [...char.normalize(form)];
  const found = { parts, classes: parts.map(combiningClass) };
  if (seen[form].size >= 1 << 14) seen[form].clear();
  seen[form].set(char, found);
  return found;
}

interface Decomposed extends Rewriting {
  classes: number[];
}

function decompose(text: string, form: 'NFD' | 'NFKD'): Decomposed {
  const chars: string[] = [];
  const changes: number[] = [];
  const classes: number[] = [];
  let marks = 0; // where the marks that may have to be put in order begin
  let isOrdered = true;
  const order = () => {
    if (!isOrdered) orderMarks({ chars, changes, classes }, marks);
    isOrdered = true;
  };
  for (const char of text) {
    const { parts, classes: partClasses } = decompositionOf(char, form);
    for (let i = 0; i < parts.length; i++) {
      const partClass = partClasses[i]!;
      if (partClass === 0) {
        order();
        marks = chars.length + 1;
      } else if (chars.length > marks && classes[chars.length - 1]! > partClass) {
        isOrdered = false;
      }
      chars.push(parts[i]!);
      changes.push(i > 0 ? 1 : 0);
      classes.push(partClass);
    }
  }
  order();
  return { chars, changes, classes };
}

/** Sorts the marks from `from` on by their classes; those of one class keep their order. */
function orderMarks({ chars, changes, classes }: Decomposed, from: number): void {
  const places = Array.from({ length: chars.length - from }, (_, i) => from + i);
  places.sort((a, b) => classes[a]! - classes[b]! || a - b);
  const move = <T>(list: T[]) => {
    const sorted = places.map((place) => list[place]!);
    for (let i = 0; i < sorted.length; i++) list[from + i] = sorted[i]!;
  };
  move(chars);
  move(changes);
  move(classes);
}

/** Composes what a starter and the marks after it can be composed to, as UAX #15 (D117) has it. */
function compose({ chars, changes, classes }: Decomposed): Rewriting {
  const composed: Rewriting = { chars: [], changes: [] };
  let starter = -1; // the index in `composed` of the last starter
  let lastClass = -1; // the class of the last mark kept since then, -1 for none
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    const charClass = classes[i]!;
    if (starter >= 0 && lastClass < charClass) {
      const whole = pair(composed.chars[starter]!, char);
      if (whole !== undefined) {
        composed.chars[starter] = whole;
        composed.changes[starter]! += changes[i]! - 1;
        continue;
      }
    }
    if (charClass === 0) {
      starter = composed.chars.length;
      lastClass = -1;
    } else if (starter >= 0) {
      lastClass = charClass;
    }
    composed.chars.push(char);
    composed.changes.push(changes[i]!);
  }
  return composed;
}

/** What two characters are composed to, if they are. */
function pair(first: string, second: string): string | undefined {
  if (second < '\u0300') return undefined;
  const whole = (first + second).normalize('NFC');
  const code = whole.codePointAt(0)!;
  const single = whole.length === (code > 0xffff ? 2 : 1);
  return single && !isNewerThanReference(code) ? whole : undefined;
}

/**
 * A number that orders marks as their canonical combining class does, 0 for a starter. The engine
 * tells by what it puts before what: a mark moves before another exactly if its class is lower.
 */
function combiningClass(char: string): number {
  if (char < '\u0300' || !/\p{M}/u.test(char)) return 0;
  return isNewerThanReference(char.codePointAt(0)!) ? 0 : rank(char);
}

/** One mark of each combining class, in the order of the classes: 1, 7 to 36, 84 to 132, 202 to 240. */
const MARKS: string =
  '\u0334\u093C\u3099\u094D\u05B0\u05B1\u05B2\u05B3\u05B4\u05B5\u05B6\u05B7\u05B8\u05B9\u05BB\u05BC\u05BD\u05BF' +
  '\u05C1\u05C2\uFB1E\u064B\u064C\u064D\u064E\u064F\u0650\u0651\u0652\u0670\u0711\u0C55\u0C56\u0E38\u0E48\u0EB8' +
  '\u0EC8\u0F71\u0F72\u0F74\u0321\u1DCE\u031B\u302A\u0316\u302D\u302E\u{1D16D}\u302B\u0300\u0315\u035C\u035D\u0345';

function rank(char: string): number {
  if (!goesBefore(char, '\u0345') && !goesBefore('\u0334', char)) return 0;
  let place = 0;
  for (const mark of MARKS) {
    place++;
    if (!goesBefore(char, mark) && !goesBefore(mark, char)) return place;
  }
  return 0;
}

/** Whether canonical order puts `mark` before an `other` that precedes it. */
function goesBefore(mark: string, other: string): boolean {
  return mark !== other && (other + mark).normalize('NFD') === mark + other;
}
