import type { Rewriting } from './aligned-text.js';
import { decomposed, isNewerThanReference } from './decompose.js';

/** Unicode's normalization forms (UAX #15). */
export type NormalizationForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** The text in the form, as a rewriting; undefined where it is in it already. */
export function normalized(text: string, form: NormalizationForm): Rewriting | undefined {
  if (text.normalize(form) === text && ![...text].some(isNewerThanReference)) return undefined;
  const isCompatible = form === 'NFKC' || form === 'NFKD';
  const parts = decomposed(text, isCompatible ? 'NFKD' : 'NFD');
  return form === 'NFC' || form === 'NFKC' ? compose(parts) : parts;
}

/** Composes what a starter and the marks after it can be composed to, as UAX #15 (D117) has it. */
function compose({ chars, changes }: Rewriting): Rewriting {
  const composed: Rewriting = { chars: [], changes: [] };
  let starter = -1; // the index in `composed` of the last starter
  let lastClass = -1; // the class of the last mark kept since then, -1 for none
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    const charClass = combiningClass(char);
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

/** A function that remembers what it gave last, for up to so many arguments. */
function remembering<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const value = known.get(text);
    if (value !== undefined || known.has(text)) return value as T;
    if (known.size >= 1 << 14) known.clear();
    const found = of(text);
    known.set(text, found);
    return found;
  };
}

/** What two characters are composed to, if they are. */
function pair(first: string, second: string): string | undefined {
  return second < '\u0300' ? undefined : wholeOf(first + second);
}

const wholeOf: (both: string) => string | undefined = /* @__PURE__ */ remembering((both) => {
  const whole = both.normalize('NFC');
  const single = whole.length === (whole.codePointAt(0)! > 0xffff ? 2 : 1);
  return single && !isNewerThanReference(whole) ? whole : undefined;
});

/**
 * A number that orders marks as their canonical combining class does, 0 for a starter. The engine
 * tells by what it puts before what: a mark moves before another exactly if its class is lower.
 */
function combiningClass(char: string): number {
  return char < '\u0300' ? 0 : classOf(char);
}

const classOf: (char: string) => number = /* @__PURE__ */ remembering((char) =>
  /\p{M}/u.test(char) && !isNewerThanReference(char) ? rank(char) : 0,
);

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
