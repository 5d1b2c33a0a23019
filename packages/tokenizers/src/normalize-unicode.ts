import type { Change } from './aligned-text.js';
import { isNewerThanReference } from './unicode.js';

/** Unicode's normalization forms (UAX #15). */
export type NormalizationForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * The characters of the normalized text, each with its change (see `AlignedText.rewrite`). The data
 * come from the engine, less what is younger than the reference's; the order of marks and the
 * changes are worked out here, because the engine gives no alignment.
 */
export function normalizationChanges(text: string, form: NormalizationForm): Change[] {
  const compatible = form === 'NFKC' || form === 'NFKD';
  const decomposed = decompose(text, compatible ? 'NFKD' : 'NFD');
  return form === 'NFC' || form === 'NFKC' ? compose(decomposed) : decomposed;
}

function decompose(text: string, form: 'NFD' | 'NFKD'): Change[] {
  const changes: Change[] = [];
  let marks = 0; // how many of the last changes are marks, still to be put in order
  const sortMarks = () => {
    if (marks > 1) {
      const tail = changes.splice(changes.length - marks);
      tail.sort((a, b) => combiningClass(a[0]) - combiningClass(b[0]));
      for (const change of tail) changes.push(change);
    }
    marks = 0;
  };
  for (const char of text) {
    const whole = isNewerThanReference(char.codePointAt(0)!) ? char : char.normalize(form);
    let change = 0;
    for (const part of whole) {
      if (combiningClass(part) === 0) sortMarks();
      else marks++;
      changes.push([part, change]);
      change = 1;
    }
  }
  sortMarks();
  return changes;
}

/** Composes what a starter and the marks after it can be composed to, as UAX #15 (D117) has it. */
function compose(decomposed: Change[]): Change[] {
  const composed: Change[] = [];
  let starter = -1; // the index in `composed` of the last starter
  let lastClass = -1; // the class of the last mark kept since then, -1 for none
  for (const [char, change] of decomposed) {
    const charClass = combiningClass(char);
    const [before, beforeChange] = composed[starter] ?? ['', 0];
    const whole = starter >= 0 && lastClass < charClass ? pair(before, char) : undefined;
    if (whole !== undefined) {
      composed[starter] = [whole, beforeChange + change - 1];
      continue;
    }
    if (charClass === 0) {
      starter = composed.length;
      lastClass = -1;
    } else if (starter >= 0) {
      lastClass = charClass;
    }
    composed.push([char, change]);
  }
  return composed;
}

function pair(first: string, second: string): string | undefined {
  const whole = (first + second).normalize('NFC');
  const code = whole.codePointAt(0)!;
  const single = whole.length === (code > 0xffff ? 2 : 1);
  return single && !isNewerThanReference(code) ? whole : undefined;
}

const classesSeen = new Map<string, number>();

/**
 * A number that orders marks as their canonical combining class does, 0 for a starter. The engine
 * tells by what it puts before what: a mark moves before another exactly if its class is lower.
 */
function combiningClass(char: string): number {
  if (char < '\u0300' || !/\p{M}/u.test(char)) return 0;
  let found = classesSeen.get(char);
  if (found === undefined) {
    found = isNewerThanReference(char.codePointAt(0)!) ? 0 : rank(char);
    classesSeen.set(char, found);
  }
  return found;
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
